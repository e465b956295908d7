#pragma once

#include <cstdint>

#include "kernels/change/ladder/ladder.hpp"

/// A quadrature as the kernels see it: a weighted few of the points, the nodes, that stand for all of them.
/// U = U_S + D, where U_S is the loss on the nodes and D the defect, what they leave out.
namespace langevo {

/// What all replicas know of a quadrature.
struct NodesView {
  ProblemView problem;    ///< of the nodes and their weights
  double gradient_error;  ///< largest |sigma.dD/dx| / |sigma.dU/dx| where the nodes were chosen,
  double change_error;    ///< and of the defect's change under a mutation beyond its gradient, likewise
};

/// What one replica has learnt about the defect. Errors are relative to |sigma.dU/dx|.
struct DefectState {
  float gradient = 0;             ///< assumed of the defect's gradient; 0: what the run knows
  float change = 0;               ///< and of its change beyond the gradient
  std::uint32_t span = 0;         ///< proposals between two gradients on all points; 0: nothing is known yet
  std::uint32_t failures = 0;     ///< spans done again, lately
  std::uint64_t rests_until = 0;  ///< step until which all points decide
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Memory for one replica's steps on the nodes.
template <class Team>
struct NodesWorkspace {
  LadderWorkspace<Team> ladder;  ///< for changes of U_S
  double* anchor;                ///< x where the span began, [N]
  double* defect_error;          ///< dU/dx - dU_S/dx - defect_gradient, where it was measured last, [N]
  double* defect_gradient;       ///< dD/dx at the last gradient on all points, [N]

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    ladder.carve(arena, network);
    anchor = arena.take<double>(network.parameter_count);
    defect_error = arena.take<double>(network.parameter_count);
    defect_gradient = arena.take<double>(network.parameter_count);
  }
};

/// What is assumed of the defect of proposals: D(x') - D(x) = defect_gradient.(x' - x) within `bound`.
struct DefectEstimate {
  const double* gradient;  ///< [N]; null: 0
  double bound;
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
