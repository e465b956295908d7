#pragma once

#include "kernels/network/losses/cross_entropy.hpp"
#include "kernels/network/losses/squared_error.hpp"
#include "langevo/problem.hpp"

/// Losses on one tile of points; see losses/outputs.hpp. Each has its values, slopes and changes in a file of
/// its own in losses/.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Points and outputs that the loss is a mean over.
LANGEVO_INLINE double loss_denominator(Loss loss, std::size_t points, int outputs) {
  return static_cast<double>(points) * (loss == Loss::mse ? outputs : 1);
}

/// U(x) of each point, without the mean.
template <class Real, class Team>
LANGEVO_FUNCTION void point_losses(const Team& team, Loss loss, int outputs, const Real* f, const Real* y,
                                   Real* losses) {
  if (loss == Loss::mse) {
    squared_errors(team, outputs, f, y, losses);
  } else {
    cross_entropies(team, outputs, f, y, losses);
  }
}

/// d point_loss / d f_c to slope, multiplied by `scale`.
template <class Real, class Team>
LANGEVO_FUNCTION void point_loss_slopes(const Team& team, Loss loss, int outputs, const Real* f,
                                        const Real* y, Real scale, Real* slope) {
  if (loss == Loss::mse) {
    squared_error_slopes(team, outputs, f, y, scale, slope);
  } else {
    cross_entropy_slopes(team, outputs, f, y, scale, slope);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
