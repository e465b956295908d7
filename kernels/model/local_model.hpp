#pragma once

#include "kernels/model/learnt_curvature.hpp"
#include "kernels/network/gradient.hpp"
#include "kernels/network/hessian.hpp"

/// A local model of the loss around an anchor, in units of the mutation widths: for a mutation
/// x'_i = x_i + sigma_i z_i,
///   U(x') - U(x) ~ G.z + z.A.z / 2,   G_i = sigma_i dU/dx_i,   A_ij = sigma_i sigma_j d2U/dx_i dx_j.
/// Accepted mutations move G by A z; they are summed up first, and G follows when a decision needs it.
/// Where A is too large to keep, its leading part is learnt, and the mean of the rest's z.A.z / 2.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What the leading directions leave of the curvature: B = A - sum_r kappa_r v_r v_r^T.
struct CurvatureRemainder {
  double half_trace;  ///< tr B / 2: the mean of z.B.z / 2
  double norm;        ///< |B|, the Frobenius norm
  double along;       ///< |B G| / |G| at the anchor
};

struct LocalModel {
  /// Accepted mutations that are worth the product that lets the scaled gradient follow them.
  static constexpr std::uint32_t pending_worth_following = 16;

  float* scaled_gradient;  ///< G at the present state as far as the model knows, D apart, [padded N]
  float* curvature;        ///< A at this anchor or an earlier one, [padded N][padded N]; null: learnt in part
  float* directions;  ///< v_r, see leading_curvature.hpp, 0 from `rank` on, [leading_directions][padded N]
  double eigenvalue[leading_directions];  ///< v_r.A.v_r, 0 from `rank` on
  int rank;
  float* hessian_product;  ///< A z of the mutation last asked for, [padded N]
  float* pending;          ///< D, the sum of the accepted z that G has not followed yet, [padded N]
  double pending_part[leading_directions];  ///< v_r.D
  std::uint32_t pending_count;
  bool follows_soon;  ///< what is pending has become a burden
  std::size_t size;   ///< N
  std::size_t padded;
  double half_trace;      ///< tr A / 2, and
  double curvature_norm;  ///< |A|, of an A known in full
  CurvatureRemainder remainder;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    size = network.parameter_count;
    padded = padded_row(size);
    scaled_gradient = arena.take<float>(padded);
    hessian_product = arena.take<float>(padded);
    pending = arena.take<float>(padded);
    curvature = nullptr;
    directions = nullptr;
    rank = 0;
    for (double& value : eigenvalue) value = 0;
    forget_pending();
    half_trace = curvature_norm = 0;
    remainder = {};
    if (has_curvature(network)) directions = arena.take<float>(leading_directions * padded);
  }
  /// Apart from the rest, as it is larger than all of that and seldom needed.
  LANGEVO_FUNCTION void carve_curvature(Arena& arena, const NetworkView& network) {
    if (has_curvature(network)) curvature = arena.take<float>(padded * padded);
  }
  [[nodiscard]] LANGEVO_INLINE bool knows_curvature() const { return curvature != nullptr; }
  LANGEVO_INLINE void forget_pending() {
    pending_count = 0;
    follows_soon = false;
    for (double& part : pending_part) part = 0;
  }
};

/// With probability below 2e-12, |z.B.z - tr B| / 2 is larger than this for independent standard normal z:
/// |B| sqrt(t) + |B| t with t = 27 (Laurent & Massart, Ann. Statist. 28, 1302 (2000), lemma 1).
LANGEVO_INLINE double curvature_tail(const CurvatureRemainder& remainder) {
  return 32.2 * remainder.norm;
}

/// G = sigma.gradient; nothing pending.
template <class Team>
LANGEVO_FUNCTION void set_scaled_gradient(const Team& team, const double* gradient, const double* sigma,
                                          LocalModel& model) {
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.scaled_gradient[i] = i < model.size ? static_cast<float>(sigma[i] * gradient[i]) : 0.0f;
    model.pending[i] = 0;
  });
  model.forget_pending();
  team.synchronize();
}

/// A v into hessian_product, for an A known in full; v has room for padded numbers.
template <class Team>
LANGEVO_FUNCTION void multiply_by_hessian(const Team& team, LocalModel& model, const float* v) {
  team.combine_rows(model.size, model.padded, model.curvature, v, model.hessian_product);
  team.synchronize();
}

/// A at x, and its norms.
template <class Team>
LANGEVO_APART void set_curvature(const Team& team, const ProblemView& problem, const double* x,
                                 const double* sigma, const CurvatureWorkspace& work, LocalModel& model) {
  scaled_hessian(team, problem, x, sigma, work, model.curvature);
  const float* a = model.curvature;
  const double trace = team.sum(
      model.size, [&](std::size_t i) LANGEVO_BODY { return static_cast<double>(a[i * model.padded + i]); });
  const double squares = team.sum(model.padded * model.padded, [&](std::size_t i) LANGEVO_BODY {
    const auto element = static_cast<double>(a[i]);
    return element * element;
  });
  model.half_trace = 0.5 * trace;
  model.curvature_norm = square_root(squares);
}

/// The part of A that was learnt, and the mean of z.A.z / 2.
template <class Team>
LANGEVO_FUNCTION void set_learnt_curvature(const Team&, const LearntCurvature& learnt, float* directions,
                                           LocalModel& model) {
  model.directions = directions;
  model.rank = directions == nullptr ? 0 : learnt.rank;
  double trace = 0;
  for (int r = 0; r < leading_directions; ++r) {
    model.eigenvalue[r] = r < model.rank ? learnt.eigenvalue[r] : 0.0;
    trace += model.eigenvalue[r];
  }
  model.remainder = {learnt.offset - 0.5 * trace, 0, 0};
}

/// What |B D| is assumed to be at the most after `pending` accepted mutations: D drifts by sqrt(2/pi) each
/// along -G, and spreads.
LANGEVO_INLINE double pending_error(const CurvatureRemainder& remainder, double pending, double margin) {
  return 0.8 * pending * remainder.along + margin * square_root(pending) * remainder.norm;
}

/// |hessian_product - sum_r part_r v_r|.
template <class Team>
LANGEVO_FUNCTION double norm_without(const Team& team, const LocalModel& model,
                                     const double (&part)[leading_directions]) {
  return square_root(team.sum(model.padded, [&](std::size_t i) LANGEVO_BODY {
    float left = model.hessian_product[i];
    for (int r = 0; r < leading_directions; ++r) {
      if (r < model.rank)
        left = multiply_add(static_cast<float>(-part[r]), model.directions[r * model.padded + i], left);
    }
    return static_cast<double>(left) * static_cast<double>(left);
  }));
}

/// G += A D. Returns whether |B D| was what pending_error says.
template <class Team>
LANGEVO_FUNCTION bool follow_pending(const Team& team, double margin, LocalModel& model) {
  if (model.pending_count == 0) return true;
  double part[leading_directions];
  for (int r = 0; r < leading_directions; ++r) part[r] = model.eigenvalue[r] * model.pending_part[r];
  bool holds = true;
  if (model.knows_curvature()) {
    multiply_by_hessian(team, model, model.pending);
    holds = norm_without(team, model, part) <=
            pending_error(model.remainder, static_cast<double>(model.pending_count), margin);
  } else {
    float factor[leading_directions];
    for (int r = 0; r < leading_directions; ++r) factor[r] = static_cast<float>(part[r]);
    team.combine_rows(static_cast<std::size_t>(model.rank), model.padded, model.directions, factor,
                      model.hessian_product);
    team.synchronize();
  }
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.scaled_gradient[i] += model.hessian_product[i];
    model.pending[i] = 0;
  });
  model.forget_pending();
  team.synchronize();
  return holds;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
