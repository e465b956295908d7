#pragma once

#include "kernels/base/small_expm1.hpp"
#include "kernels/network/activations/errors.hpp"
#include "kernels/network/losses/outputs.hpp"
#include "kernels/network/losses/softmax.hpp"

/// The cross-entropy of softmax(f) and y, its slopes and its changes.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// -sum_c y_c log softmax(f)_c of each point.
template <class Real, class Team>
LANGEVO_INLINE void cross_entropies(const Team& team, int outputs, const Real* f, const Real* y,
                                    Real* losses) {
  team.each_point([&](int p) LANGEVO_BODY { losses[p] = 0; });
  Softmax<Team, Real> softmax;
  take_softmax(
      team, outputs, [&](int i) LANGEVO_BODY { return f[i]; }, softmax);
  team.each_point([&](int p) LANGEVO_BODY { softmax.sum[p] = logarithm(softmax.sum[p]); });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    losses[p] = multiply_add(y[i], (softmax.highest[p] - f[i]) + softmax.sum[p], losses[p]);
  });
}

/// Derivatives of the cross-entropies by the outputs, Y softmax(f)_c - y_c with Y = sum_c y_c, multiplied by
/// `scale`.
template <class Real, class Team>
LANGEVO_INLINE void cross_entropy_slopes(const Team& team, int outputs, const Real* f, const Real* y,
                                         Real scale, Real* slope) {
  Softmax<Team, Real> softmax;
  take_softmax(
      team, outputs, [&](int i) LANGEVO_BODY { return f[i]; }, softmax);
  typename Team::template PointValues<Real> mass;
  team.each_point([&](int p) LANGEVO_BODY { mass[p] = 0; });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY { mass[p] += y[i]; });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    slope[i] = scale * multiply_add(mass[p], softmax.probability(f[i], p), -y[i]);
  });
}

/// Sums over the outputs c of each point, with s = softmax(f), Y = sum_c y_c, r = Y s - y.
template <class Team, class Real>
struct CrossEntropySums {
  using Values = typename Team::template PointValues<Real>;
  Values mass;               ///< Y
  Values largest;            ///< max |df|
  Values linear;             ///< sum r df
  Values second_order;       ///< sum s (e^df - 1 - df)
  Values shift;              ///< m = sum s (e^df - 1)
  Values target_change;      ///< sum y df
  Values residual_norm;      ///< sum |r|
  Values softmax_magnitude;  ///< sum s |df|
  Values target_magnitude;   ///< sum y |df|
  Values square_magnitude;   ///< sum s df^2
};

template <class Real, class Team>
LANGEVO_FUNCTION void sum_cross_entropy(const Team& team, int outputs, const Real* f, const Real* df,
                                        const Real* y, const Softmax<Team, Real>& softmax,
                                        CrossEntropySums<Team, Real>& sums) {
  team.each_point([&](int p) LANGEVO_BODY {
    sums.mass[p] = 0;
    sums.largest[p] = 0;
    sums.linear[p] = 0;
    sums.second_order[p] = 0;
    sums.shift[p] = 0;
    sums.target_change[p] = 0;
    sums.residual_norm[p] = 0;
    sums.softmax_magnitude[p] = 0;
    sums.target_magnitude[p] = 0;
    sums.square_magnitude[p] = 0;
  });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY { sums.mass[p] += y[i]; });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    const Real target = y[i];
    const Real change = df[i];
    const Real probability = softmax.probability(f[i], p);
    const Real residual = multiply_add(sums.mass[p], probability, -target);
    sums.largest[p] = larger(sums.largest[p], absolute(change));
    sums.linear[p] = multiply_add(residual, change, sums.linear[p]);
    sums.second_order[p] = multiply_add(probability, small_expm1_minus(change), sums.second_order[p]);
    sums.shift[p] = multiply_add(probability, small_expm1(change), sums.shift[p]);
    sums.target_change[p] = multiply_add(target, change, sums.target_change[p]);
    sums.residual_norm[p] += absolute(residual);
    sums.softmax_magnitude[p] += probability * absolute(change);
    sums.target_magnitude[p] += target * absolute(change);
    sums.square_magnitude[p] += probability * change * change;
  });
}

/// The change of -sum_c y_c log softmax(f)_c to store(p, term), in the terms of CrossEntropySums:
/// small df: sum r df + Y [log(1 + m) - m + sum s (e^df - 1 - df)];
/// large df: Y (logsumexp(f + df) - logsumexp(f)) - sum y df.
template <class Real, class Team, class Store>
LANGEVO_FUNCTION void cross_entropy_change(const Team& team, int outputs, const Real* f, const Real* df,
                                           const Real* y, const OutputErrors<Real>& errors,
                                           const Store& store) {
  Softmax<Team, Real> before;
  CrossEntropySums<Team, Real> sums;
  take_softmax(
      team, outputs, [&](int i) LANGEVO_BODY { return f[i]; }, before);
  sum_cross_entropy(team, outputs, f, df, y, before, sums);
  constexpr Real u = Limits<Real>::unit_roundoff;
  const Real terms = Real(outputs + 20) * u;
  const auto propagated = [&](int p) LANGEVO_BODY {
    const Real change_error = errors.change[p];
    // |softmax(f + df) - softmax(f)| in the 1-norm, with df known up to its error
    const Real softmax_change = smaller(Real(2), Real(2.5) * (sums.largest[p] + change_error));
    return change_error * (sums.residual_norm[p] + sums.mass[p] * (softmax_change + terms)) +
           errors.value[p] * sums.mass[p] * softmax_change;
  };
  team.each_point([&](int p) LANGEVO_BODY {
    const Real magnitude =
        sums.mass[p] * (sums.softmax_magnitude[p] + sums.square_magnitude[p]) + sums.target_magnitude[p];
    const Real change =
        sums.linear[p] + sums.mass[p] * (small_log1p_minus(sums.shift[p]) + sums.second_order[p]);
    store(p, PointLossChange<Real>{change, magnitude, propagated(p) + Real(2) * terms * magnitude});
  });
  const auto is_large = [&](int p) LANGEVO_BODY { return !(sums.largest[p] <= small_change<Real>()); };
  if (!team.any_point(is_large)) return;
  Softmax<Team, Real> after;
  take_softmax(
      team, outputs, [&](int i) LANGEVO_BODY { return f[i] + df[i]; }, after);
  team.each_point([&](int p) LANGEVO_BODY {
    if (!is_large(p)) return;
    const Real rise =
        (after.highest[p] - before.highest[p]) + (logarithm(after.sum[p]) - logarithm(before.sum[p]));
    const Real magnitude = sums.mass[p] * (absolute(before.highest[p]) + absolute(after.highest[p]) +
                                           sums.largest[p] + Real(4)) +
                           sums.target_magnitude[p];
    store(p, PointLossChange<Real>{sums.mass[p] * rise - sums.target_change[p], magnitude,
                                   propagated(p) + Real(2) * terms * magnitude});
  });
}

struct CrossEntropy {
  static constexpr bool is_mean_over_outputs = false;
  static constexpr bool couples_outputs = true;
  static constexpr bool is_smooth = true;

  template <class Real, class Team>
  LANGEVO_INLINE static void values(const Team& team, int outputs, const Real* f, const Real* y,
                                    Real* losses) {
    cross_entropies(team, outputs, f, y, losses);
  }
  template <class Real, class Team>
  LANGEVO_INLINE static void slopes(const Team& team, int outputs, const Real* f, const Real* y, Real scale,
                                    Real* slope) {
    cross_entropy_slopes(team, outputs, f, y, scale, slope);
  }
  template <class Real, class Team, class Store, class Add>
  LANGEVO_INLINE static void changes(const Team& team, int outputs, const Real* f, const Real* df,
                                     const Real* y, const OutputErrors<Real>& errors, const Store& store,
                                     const Add& /*add*/) {
    cross_entropy_change(team, outputs, f, df, y, errors, store);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
