#pragma once

#include "kernels/change/affine.hpp"
#include "kernels/network/activation.hpp"
#include "langevo/problem.hpp"

/// Losses on one tile of points. Outputs f, their changes df and targets y are [outputs][points_per_tile];
/// every loop over points is innermost, so that points go side by side.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// body(i, p) at index i = c points_per_tile + p of output c and point p, for the outputs from `first` on.
template <class Team, class Body>
LANGEVO_INLINE void each_output(const Team& team, int first, int outputs, const Body& body) {
  for (int c = first; c < outputs; ++c) {
    team.each_point([&](int p) LANGEVO_BODY { body(c * points_per_tile + p, p); });
  }
}

/// A term of U(x') - U(x), the size of its summands and a bound on its rounding error.
template <class Real>
struct PointLossChange {
  Real change;
  Real magnitude;
  Real error;
};

/// One output's part df (2 r + df), r = f - y, of `outputs`; f and df are known to value_error and
/// change_error.
template <class Real>
LANGEVO_INLINE PointLossChange<Real> squared_error_change(int outputs, Real f, Real df, Real y,
                                                          Real value_error, Real change_error) {
  constexpr Real u = Limits<Real>::unit_roundoff;
  const Real residual = f - y;
  const Real factor = residual + residual + df;
  const Real residual_error = value_error + u * (absolute(y) + absolute(residual));
  const Real factor_error = residual_error + residual_error + change_error;
  const Real magnitude = absolute(df * factor);
  return {df * factor, magnitude,
          change_error * (absolute(factor) + factor_error) + absolute(df) * factor_error +
              Real(4 + outputs) * u * magnitude};
}

/// log(1 + m) - m for |m| <= 0.07, by its series.
template <class Real>
LANGEVO_INLINE Real small_log1p_minus(Real m) {
  Real q = 0;
  for (int n = 16; n >= 2; --n) q = multiply_add(q, -m, Real(1) / Real(n));
  return -(m * m) * q;
}

/// e^d - 1 - d = d^2/2 (1 + d/3 (1 + d/4 (...))) for |d| <= small_change.
template <class Real>
LANGEVO_INLINE Real small_expm1_minus(Real d) {
  Real q = 1;
  for (int n = 12; n >= 3; --n) q = multiply_add(q, d * (Real(1) / Real(n)), Real(1));
  return Real(0.5) * d * d * q;
}

/// softmax_c = exp(f_c - highest) / sum; logsumexp = highest + log sum.
template <class Team, class Real>
struct Softmax {
  typename Team::template PointValues<Real> highest;
  typename Team::template PointValues<Real> sum;

  LANGEVO_INLINE Real probability(Real f, int p) const { return exponential(f - highest[p]) / sum[p]; }
};

/// Of the outputs logit(i).
template <class Real, class Team, class Logit>
LANGEVO_INLINE void take_softmax(const Team& team, int outputs, const Logit& logit,
                                 Softmax<Team, Real>& softmax) {
  team.each_point([&](int p) LANGEVO_BODY {
    softmax.highest[p] = logit(p);
    softmax.sum[p] = 0;
  });
  each_output(team, 1, outputs,
              [&](int i, int p) LANGEVO_BODY { softmax.highest[p] = larger(softmax.highest[p], logit(i)); });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    softmax.sum[p] += exponential(logit(i) - softmax.highest[p]);
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
                                           const Real* y, const PointErrors<Real>& errors,
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

/// The three sums over points that make a change of loss and its bound.
template <class Team>
struct LossChangeSums {
  typename Team::PointSum change;
  typename Team::PointSum magnitude;
  typename Team::PointSum error;

  LANGEVO_FUNCTION void clear(const Team& team) {
    team.clear(change);
    team.clear(magnitude);
    team.clear(error);
  }
};

/// Adds one tile's points, the first `points` of it, to the sums.
template <class Real, class Team>
LANGEVO_FUNCTION void add_loss_change(const Team& team, Loss loss, int outputs, const Real* target,
                                      const Real* value, const Real* change, const PointErrors<Real>& errors,
                                      std::size_t points, LossChangeSums<Team>& sums) {
  const auto store = [&](int p, const PointLossChange<Real>& term) LANGEVO_BODY {
    errors.loss_change[p] = term.change;
    errors.loss_magnitude[p] = term.magnitude;
    errors.loss_error[p] = term.error;
  };
  if (loss == Loss::mse) {
    const auto term = [&](int i, int p) LANGEVO_BODY {
      return squared_error_change(outputs, value[i], change[i], target[i], errors.value[p], errors.change[p]);
    };
    team.each_point([&](int p) LANGEVO_BODY { store(p, term(p, p)); });
    each_output(team, 1, outputs, [&](int i, int p) LANGEVO_BODY {
      const PointLossChange<Real> next = term(i, p);
      errors.loss_change[p] += next.change;
      errors.loss_magnitude[p] += next.magnitude;
      errors.loss_error[p] += next.error;
    });
  } else {
    cross_entropy_change(team, outputs, value, change, target, errors, store);
  }
  if (points < points_per_tile) {
    team.each_point([&](int p) LANGEVO_BODY {
      if (static_cast<std::size_t>(p) >= points) store(p, {0, 0, 0});
    });
  }
  team.add_points(sums.change, [&](int p) LANGEVO_BODY { return errors.loss_change[p]; });
  team.add_points(sums.magnitude, [&](int p) LANGEVO_BODY { return errors.loss_magnitude[p]; });
  team.add_points(sums.error, [&](int p) LANGEVO_BODY { return errors.loss_error[p]; });
}

/// Points and outputs that the loss is a mean over.
LANGEVO_INLINE double loss_denominator(Loss loss, std::size_t points, int outputs) {
  return static_cast<double>(points) * (loss == Loss::mse ? outputs : 1);
}

/// U(x) of each point, without the mean: sum_c (f_c - y_c)^2, or -sum_c y_c log softmax(f)_c.
template <class Real, class Team>
LANGEVO_FUNCTION void point_losses(const Team& team, Loss loss, int outputs, const Real* f, const Real* y,
                                   Real* losses) {
  team.each_point([&](int p) LANGEVO_BODY { losses[p] = 0; });
  if (loss == Loss::mse) {
    each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
      const Real residual = f[i] - y[i];
      losses[p] = multiply_add(residual, residual, losses[p]);
    });
    return;
  }
  Softmax<Team, Real> softmax;
  take_softmax(
      team, outputs, [&](int i) LANGEVO_BODY { return f[i]; }, softmax);
  team.each_point([&](int p) LANGEVO_BODY { softmax.sum[p] = logarithm(softmax.sum[p]); });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    losses[p] = multiply_add(y[i], (softmax.highest[p] - f[i]) + softmax.sum[p], losses[p]);
  });
}

/// d point_loss / d f_c to slope: 2 (f_c - y_c), or Y softmax(f)_c - y_c; multiplied by `scale`.
template <class Real, class Team>
LANGEVO_FUNCTION void point_loss_slopes(const Team& team, Loss loss, int outputs, const Real* f,
                                        const Real* y, Real scale, Real* slope) {
  if (loss == Loss::mse) {
    each_output(team, 0, outputs, [&](int i, int) LANGEVO_BODY { slope[i] = 2 * scale * (f[i] - y[i]); });
    return;
  }
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

}  // namespace LANGEVO_TARGET
}  // namespace langevo
