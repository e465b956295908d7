#pragma once

#include "kernels/curvature.hpp"
#include "kernels/gradient.hpp"
#include "kernels/learnt_curvature.hpp"

/// A local model of the loss around an anchor, in units of the mutation widths: for a mutation
/// x'_i = x_i + sigma_i z_i,
///   U(x') - U(x) ~ G.z + z.A.z / 2,   G_i = sigma_i dU/dx_i,   A_ij = sigma_i sigma_j d2U/dx_i dx_j.
/// Accepted mutations move G by A z; they are summed up first, and G follows when a decision needs it.
/// Of an A too large to keep the leading part is learnt, and the mean of the rest's z.A.z / 2.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Of A, or of a part of it.
struct CurvatureNorms {
  float half_trace;  ///< tr A / 2: the mean of z.A.z / 2
  float spread;      ///< |A|, the Frobenius norm
  float along;       ///< |A G| / |G| at the anchor
};

struct LocalModel {
  float* slope;       ///< G at the present state as far as the model knows, [padded N]
  float* curvature;   ///< A at the anchor, [padded N][padded N]; null: its leading part is learnt
  float* directions;  ///< v_r, see leading_part.hpp, [rank][padded N]
  float eigenvalue[leading_directions];  ///< v_r.A.v_r
  int rank;
  float* bend;     ///< A z of the mutation last asked for, [padded N]
  float* pending;  ///< D, the sum of the accepted z that G has not followed yet, [padded N]
  std::uint32_t pending_count;
  std::size_t size;  ///< N
  std::size_t padded;
  CurvatureNorms whole;  ///< of A
  CurvatureNorms rest;   ///< of A - sum_r lambda_r v_r v_r^T

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    size = network.parameter_count;
    padded = padded_row(size);
    slope = arena.take<float>(padded);
    bend = arena.take<float>(padded);
    pending = arena.take<float>(padded);
    pending_count = 0;
    curvature = nullptr;
    directions = nullptr;
    rank = 0;
    whole = {};
    rest = {};
    if (has_curvature(network)) {
      directions = arena.take<float>(leading_directions * padded);
      curvature = arena.take<float>(padded * padded);
    }
  }
  [[nodiscard]] LANGEVO_INLINE bool knows_curvature() const { return curvature != nullptr; }
  [[nodiscard]] LANGEVO_INLINE bool bends() const { return knows_curvature() || rank > 0; }
};

/// With probability below 2e-12, |z.A.z - tr A| / 2 is larger than this for independent standard normal z:
/// |A| sqrt(t) + |A| t with t = 27 (Laurent & Massart, Ann. Statist. 28, 1302 (2000), lemma 1).
LANGEVO_INLINE double curvature_tail(const CurvatureNorms& norms) {
  return 32.2 * static_cast<double>(norms.spread);
}

/// G = sigma.gradient; nothing pending.
template <class Team>
LANGEVO_FUNCTION void set_slope(const Team& team, const double* gradient, const double* sigma,
                                LocalModel& model) {
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.slope[i] = i < model.size ? static_cast<float>(sigma[i] * gradient[i]) : 0.0f;
    model.pending[i] = 0;
  });
  model.pending_count = 0;
  team.synchronize();
}

/// A v into bend; v has room for padded numbers.
template <class Team>
LANGEVO_FUNCTION void bend_along(const Team& team, LocalModel& model, const float* v) {
  if (model.knows_curvature()) {
    team.combine_rows(model.size, model.padded, model.curvature, v, model.bend);
  } else {
    float part[leading_directions] = {};
    for (int r = 0; r < model.rank; ++r)
      part[r] = model.eigenvalue[r] *
                static_cast<float>(team.dot(model.padded, model.directions + r * model.padded, v));
    team.combine_rows(static_cast<std::size_t>(model.rank), model.padded, model.directions, part, model.bend);
  }
  team.synchronize();
}

/// |A G| / |G|.
template <class Team>
LANGEVO_FUNCTION double bend_of_slope(const Team& team, LocalModel& model) {
  const double slope_norm = square_root(team.dot(model.padded, model.slope, model.slope));
  bend_along(team, model, model.slope);
  const double bend_norm = square_root(team.dot(model.padded, model.bend, model.bend));
  return slope_norm > 0 ? bend_norm / slope_norm : 0.0;
}

/// A at x, and its norms; G is that at x.
template <class Team>
LANGEVO_FUNCTION void set_curvature(const Team& team, const ProblemView& problem, const double* x,
                                    const double* sigma, CurvatureWorkspace& work, LocalModel& model) {
  scaled_hessian(team, problem, x, sigma, work, model.curvature);
  const float* a = model.curvature;
  const double trace = team.sum(
      model.size, [&](std::size_t i) LANGEVO_BODY { return static_cast<double>(a[i * model.padded + i]); });
  const double squares = team.sum(model.padded * model.padded, [&](std::size_t i) LANGEVO_BODY {
    const auto element = static_cast<double>(a[i]);
    return element * element;
  });
  model.whole = {static_cast<float>(0.5 * trace), static_cast<float>(square_root(squares)),
                 static_cast<float>(bend_of_slope(team, model))};
}

/// The part of A that was learnt, and the mean of z.A.z / 2.
template <class Team>
LANGEVO_FUNCTION void set_learnt_curvature(const Team& team, const ScreeningState& state, float* directions,
                                           LocalModel& model) {
  model.directions = directions;
  model.rank = directions == nullptr ? 0 : learnt_rank(state);
  double trace = 0;
  double squares = 0;
  for (int r = 0; r < model.rank; ++r) {
    const double value = state.learnt[r].square > 0 ? state.learnt[r].product / state.learnt[r].square : 0.0;
    model.eigenvalue[r] = static_cast<float>(value);
    trace += value;
    squares += value * value;
  }
  model.whole = {static_cast<float>(state.offset), static_cast<float>(square_root(squares)),
                 static_cast<float>(bend_of_slope(team, model))};
  model.rest = {static_cast<float>(state.offset - 0.5 * trace), 0, 0};
}

/// G.z; z has room for padded numbers, all finite.
template <class Team>
LANGEVO_INLINE double linear_change(const Team& team, const LocalModel& model, const float* z) {
  return team.dot(model.padded, model.slope, z);
}

/// z.A.z / 2, and A z into bend.
template <class Team>
LANGEVO_INLINE double quadratic_change(const Team& team, LocalModel& model, const float* z) {
  bend_along(team, model, z);
  return 0.5 * team.dot(model.padded, model.bend, z);
}

/// G += A z for the mutation last given to quadratic_change.
template <class Team>
LANGEVO_INLINE void follow_bend(const Team& team, LocalModel& model) {
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { model.slope[i] += model.bend[i]; });
  team.synchronize();
}

/// D += z; z has room for padded numbers.
template <class Team>
LANGEVO_INLINE void defer_mutation(const Team& team, const float* z, LocalModel& model) {
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { model.pending[i] += z[i]; });
  ++model.pending_count;
  team.synchronize();
}

/// What |A D| is assumed to be at the most after `pending` accepted mutations: D drifts by sqrt(2/pi) each
/// along -G, and spreads.
LANGEVO_INLINE double pending_error(const CurvatureNorms& norms, std::uint32_t pending, double margin) {
  const auto count = static_cast<double>(pending);
  return 0.8 * count * static_cast<double>(norms.along) +
         margin * square_root(count) * static_cast<double>(norms.spread);
}

/// |bend - sum_r part_r v_r|.
template <class Team>
LANGEVO_FUNCTION double norm_without(const Team& team, const LocalModel& model,
                                     const float (&part)[leading_directions]) {
  return square_root(team.sum(model.padded, [&](std::size_t i) LANGEVO_BODY {
    float left = model.bend[i];
    for (int r = 0; r < leading_directions; ++r) {
      if (r < model.rank) left = multiply_add(-part[r], model.directions[r * model.padded + i], left);
    }
    return static_cast<double>(left) * static_cast<double>(left);
  }));
}

/// |B v| for B = A - sum_r lambda_r v_r v_r^T, A v in bend.
template <class Team>
LANGEVO_FUNCTION double norm_by_rest(const Team& team, const LocalModel& model, const float* v) {
  float part[leading_directions] = {};
  for (int r = 0; r < model.rank; ++r) {
    part[r] = model.eigenvalue[r] *
              static_cast<float>(team.dot(model.padded, model.directions + r * model.padded, v));
  }
  return norm_without(team, model, part);
}

/// G += A D. Returns whether |A D|, and that of the rest of A, were what pending_error says.
template <class Team>
LANGEVO_FUNCTION bool follow_pending(const Team& team, double margin, LocalModel& model) {
  if (model.pending_count == 0) return true;
  bend_along(team, model, model.pending);
  const double whole = square_root(team.dot(model.padded, model.bend, model.bend));
  const double rest = norm_by_rest(team, model, model.pending);
  const bool holds =
      whole <= pending_error(model.whole, model.pending_count, margin) &&
      (!model.knows_curvature() || rest <= pending_error(model.rest, model.pending_count, margin));
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.slope[i] += model.bend[i];
    model.pending[i] = 0;
  });
  model.pending_count = 0;
  team.synchronize();
  return holds;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
