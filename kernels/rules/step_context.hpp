#pragma once

#include "kernels/network/problem_view.hpp"
#include "kernels/random/normals.hpp"
#include "kernels/screened/controller.hpp"

namespace langevo {

/// What audits have measured of a rung's error bound in one replica.
struct RungCalibration {
  std::uint32_t audits = 0;  ///< that found an error
  double largest_ratio = 0;  ///< of error to worst-case bound
};

/// Whether a rung is worth its time in one replica.
struct RungUse {
  double missed = 0;              ///< share of the last few hundred steps that it left to the next one
  std::uint64_t rests_until = 0;  ///< step
};

/// Of the float rungs: of the change evaluated afresh, from carried values and from forward passes, whose
/// bounds differ.
struct FloatCalibration {
  RungCalibration fresh;
  RungCalibration carried;
  RungCalibration forward;
  RungUse carried_use;
  RungUse forward_use;
};

/// One replica's state.
struct ReplicaView {
  double* x;  ///< [N]
  FloatCalibration* calibration;
  ScreeningState* screening = nullptr;  ///< if models screen
  float* directions = nullptr;          ///< if a curvature is learnt, [leading_directions][padded N]
};

}  // namespace langevo

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

}  // namespace LANGEVO_TARGET
}  // namespace langevo
