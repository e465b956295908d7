#pragma once

#include "kernels/network/problem_view.hpp"
#include "kernels/random/normals.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// What one step of one replica depends on, besides its state. ProblemType: ProblemView, or a reference to
/// one that outlives the context.
template <class ProblemType>
struct BasicStepContext {
  ProblemType problem;
  const double* sigma;  ///< [N]
  std::uint64_t seed;
  std::uint64_t step;
  std::uint32_t replica;  ///< global index

  [[nodiscard]] LANGEVO_INLINE RandomSource random(Stream stream) const {
    return {seed, step, stream, replica};
  }
};

using StepContext = BasicStepContext<ProblemView>;

/// |sigma.g|.
template <class Team, class Context>
LANGEVO_FUNCTION double scaled_gradient_norm(const Team& team, const Context& context,
                                             const double* gradient) {
  return square_root(team.sum(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    const double scaled = context.sigma[i] * gradient[i];
    return scaled * scaled;
  }));
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
