#pragma once

#include "kernels/curvature.hpp"
#include "kernels/screening.hpp"

/// The leading part of a Hessian too large to keep, A ~ sum_r lambda_r v_r v_r^T, learnt from what a run
/// computes anyway: over a stretch of accepted mutations d the slope changes by y = A d, and d is random, so
/// that y leans towards the eigenvectors of the largest eigenvalues. The v_r track them by projection
/// approximation with deflation (Yang, IEEE Trans. Signal Process. 43, 95 (1995)); lambda_r is the
/// least-squares slope of v_r.y against v_r.d.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Numbers that the directions of one replica take: none where the whole Hessian is known.
LANGEVO_INLINE std::size_t directions_size(const NetworkView& network) {
  return has_curvature(network) ? 0 : leading_directions * padded_row(network.parameter_count);
}

/// Weight of what was learnt a stretch earlier.
inline constexpr double curvature_memory = 0.95;

/// Directions in use: those learnt so far.
LANGEVO_INLINE int learnt_rank(const ScreeningState& state) {
  int rank = 0;
  while (rank < leading_directions && state.learnt[rank].weight > 0) ++rank;
  return rank;
}

/// Takes in one stretch. `change`: y, [padded], zeros in the padding, used up; `way`: d, [padded] likewise;
/// `directions`: v_r, [leading_directions][padded].
template <class Team>
LANGEVO_FUNCTION void learn_curvature(const Team& team, std::size_t padded, float* change, const float* way,
                                      float* directions, ScreeningState& state) {
  const double length = team.dot(padded, way, way);
  if (!(length > 0)) return;
  for (int r = 0; r < leading_directions; ++r) {
    LearntDirection learnt = state.learnt[r];
    float* const v = directions + r * padded;
    const bool begins = !(learnt.weight > 0);
    const double size = square_root(team.dot(padded, change, change));
    if (!(size > 0) || !is_finite(size)) return;
    if (begins) {
      const auto scale = static_cast<float>(1 / size);
      team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] = scale * change[i]; });
      team.synchronize();
    }
    const double along = team.dot(padded, v, change);
    const double moved = team.dot(padded, v, way);
    learnt.weight = curvature_memory * learnt.weight + along * along / length;
    learnt.product = curvature_memory * learnt.product + along * moved / length;
    learnt.square = curvature_memory * learnt.square + moved * moved / length;
    const auto part = static_cast<float>(along);
    const auto gain = static_cast<float>(along / (length * learnt.weight));
    team.each(padded, [&](std::size_t i) LANGEVO_BODY {
      change[i] = multiply_add(-part, v[i], change[i]);
      v[i] = multiply_add(gain, change[i], v[i]);
    });
    team.synchronize();
    const auto scale = static_cast<float>(1 / square_root(team.dot(padded, v, v)));
    team.synchronize();
    team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] *= scale; });
    if (team.leads()) state.learnt[r] = learnt;
    team.synchronize();
    if (begins) return;  // the next direction begins with the next stretch
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
