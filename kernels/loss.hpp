#pragma once

#include "kernels/activation.hpp"
#include "kernels/affine.hpp"
#include "langevo/problem.hpp"

/// Losses at one data point. Outputs f, their changes df and targets y are strided by points_per_tile.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// One point's term of U(x') - U(x), the size of its summands and a bound on its rounding error.
template <class Real>
struct PointLossChange {
  Real change;
  Real magnitude;
  Real error;
};

/// sum_c df_c (2 r_c + df_c), r = f - y; every output's errors are within value_error and change_error.
template <class Real>
LANGEVO_INLINE PointLossChange<Real> squared_error_change(int outputs, const Real* f, const Real* df,
                                                          const Real* y, Real value_error,
                                                          Real change_error) {
  constexpr Real u = Limits<Real>::unit_roundoff;
  PointLossChange<Real> sum{0, 0, 0};
  for (int c = 0; c < outputs; ++c) {
    const Real target = y[c * points_per_tile];
    const Real change = df[c * points_per_tile];
    const Real residual = f[c * points_per_tile] - target;
    const Real factor = residual + residual + change;
    const Real residual_error = value_error + u * (absolute(target) + absolute(residual));
    const Real factor_error = residual_error + residual_error + change_error;
    const Real magnitude = absolute(change * factor);
    sum.change += change * factor;
    sum.magnitude += magnitude;
    sum.error += change_error * (absolute(factor) + factor_error) + absolute(change) * factor_error +
                 Real(4 + outputs) * u * magnitude;
  }
  return sum;
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
template <class Real>
struct SoftmaxParts {
  Real highest;
  Real sum;
};

/// Of f_c + df_c over outputs c; pass df = nullptr for f alone.
template <class Real>
LANGEVO_INLINE SoftmaxParts<Real> softmax_parts(int outputs, const Real* f, const Real* df) {
  const auto logit = [&](int c) LANGEVO_BODY {
    const Real value = f[c * points_per_tile];
    return df == nullptr ? value : value + df[c * points_per_tile];
  };
  Real highest = logit(0);
  for (int c = 1; c < outputs; ++c) highest = larger(highest, logit(c));
  Real sum = 0;
  for (int c = 0; c < outputs; ++c) sum += exponential(logit(c) - highest);
  return {highest, sum};
}

/// The change of -sum_c y_c log softmax(f)_c. With s = softmax(f), Y = sum_c y_c, r = Y s - y:
/// small df: sum_c r_c df_c + Y [log(1 + m) - m + sum_c s_c (e^df_c - 1 - df_c)], m = sum_c s_c (e^df_c - 1);
/// large df: Y (logsumexp(f + df) - logsumexp(f)) - sum_c y_c df_c.
template <class Real>
LANGEVO_INLINE PointLossChange<Real> cross_entropy_change(int outputs, const Real* f, const Real* df,
                                                          const Real* y, Real value_error,
                                                          Real change_error) {
  const SoftmaxParts<Real> before = softmax_parts<Real>(outputs, f, nullptr);
  Real mass = 0;               // Y
  Real largest = 0;            // max |df|
  Real linear = 0;             // sum r df
  Real second_order = 0;       // sum s (e^df - 1 - df)
  Real shift = 0;              // m
  Real target_change = 0;      // sum y df
  Real residual_norm = 0;      // sum |r|
  Real softmax_magnitude = 0;  // sum s |df|
  Real target_magnitude = 0;   // sum y |df|
  Real square_magnitude = 0;   // sum s df^2
  for (int c = 0; c < outputs; ++c) mass += y[c * points_per_tile];
  for (int c = 0; c < outputs; ++c) {
    const Real target = y[c * points_per_tile];
    const Real change = df[c * points_per_tile];
    const Real probability = exponential(f[c * points_per_tile] - before.highest) / before.sum;
    const Real residual = multiply_add(mass, probability, -target);
    largest = larger(largest, absolute(change));
    linear = multiply_add(residual, change, linear);
    second_order = multiply_add(probability, small_expm1_minus(change), second_order);
    shift = multiply_add(probability, small_expm1(change), shift);
    target_change = multiply_add(target, change, target_change);
    residual_norm += absolute(residual);
    softmax_magnitude += probability * absolute(change);
    target_magnitude += target * absolute(change);
    square_magnitude += probability * change * change;
  }
  constexpr Real u = Limits<Real>::unit_roundoff;
  const Real terms = Real(outputs + 20) * u;
  // |softmax(f + df) - softmax(f)| in the 1-norm, with df known up to its error
  const Real softmax_change = smaller(Real(2), Real(2.5) * (largest + change_error));
  const Real propagated =
      change_error * (residual_norm + mass * (softmax_change + terms)) + value_error * mass * softmax_change;
  if (largest <= small_change<Real>()) {
    const Real magnitude = mass * (softmax_magnitude + square_magnitude) + target_magnitude;
    return {linear + mass * (small_log1p_minus(shift) + second_order), magnitude,
            propagated + Real(2) * terms * magnitude};
  }
  const SoftmaxParts<Real> after = softmax_parts(outputs, f, df);
  const Real rise = (after.highest - before.highest) + (logarithm(after.sum) - logarithm(before.sum));
  const Real magnitude =
      mass * (absolute(before.highest) + absolute(after.highest) + largest + Real(4)) + target_magnitude;
  return {mass * rise - target_change, magnitude, propagated + Real(2) * terms * magnitude};
}

/// The three sums over points that make a change of loss and its bound.
template <class Team>
struct LossChangeSums {
  typename Team::PointSum change;
  typename Team::PointSum magnitude;
  typename Team::PointSum error;
};

/// body(outputs), with the commonest number as a constant: without a loop inside, loops over points
/// vectorise.
template <class Body>
LANGEVO_INLINE void with_outputs(int outputs, const Body& body) {
  if (outputs == 1) {
    body(1);
  } else {
    body(outputs);
  }
}

/// Adds one tile's points, the first `points` of it, to the sums.
template <class Real, class Team>
LANGEVO_FUNCTION void add_loss_change(const Team& team, Loss loss, int outputs, const Real* target,
                                      const Real* value, const Real* change, const PointErrors<Real>& errors,
                                      std::size_t points, LossChangeSums<Team>& sums) {
  const auto store = [&](int p, const PointLossChange<Real>& term) {
    const bool inside = static_cast<std::size_t>(p) < points;
    errors.loss_change[p] = inside ? term.change : Real(0);
    errors.loss_magnitude[p] = inside ? term.magnitude : Real(0);
    errors.loss_error[p] = inside ? term.error : Real(0);
  };
  if (loss == Loss::mse) {
    with_outputs(outputs, [&](int count) LANGEVO_BODY {
      team.each_point([&](int p) LANGEVO_BODY {
        store(p, squared_error_change(count, value + p, change + p, target + p, errors.value[p],
                                      errors.change[p]));
      });
    });
  } else {
    team.each_point([&](int p) LANGEVO_BODY {
      store(p, cross_entropy_change(outputs, value + p, change + p, target + p, errors.value[p],
                                    errors.change[p]));
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

/// U(x) of one point, without the mean: sum_c (f_c - y_c)^2, or -sum_c y_c log softmax(f)_c.
LANGEVO_INLINE double point_loss(Loss loss, int outputs, const double* f, const double* y) {
  double sum = 0;
  if (loss == Loss::mse) {
    for (int c = 0; c < outputs; ++c) {
      const double residual = f[c * points_per_tile] - y[c * points_per_tile];
      sum = multiply_add(residual, residual, sum);
    }
    return sum;
  }
  const SoftmaxParts<double> parts = softmax_parts<double>(outputs, f, nullptr);
  const double log_sum = logarithm(parts.sum);
  for (int c = 0; c < outputs; ++c) {
    sum = multiply_add(y[c * points_per_tile], (parts.highest - f[c * points_per_tile]) + log_sum, sum);
  }
  return sum;
}

/// d point_loss / d f_c into slope[c]: 2 (f_c - y_c), or Y softmax(f)_c - y_c; multiplied by `scale`.
LANGEVO_INLINE void point_loss_slope(Loss loss, int outputs, const double* f, const double* y, double scale,
                                     double* slope) {
  if (loss == Loss::mse) {
    for (int c = 0; c < outputs; ++c) {
      slope[c * points_per_tile] = 2 * scale * (f[c * points_per_tile] - y[c * points_per_tile]);
    }
    return;
  }
  const SoftmaxParts<double> parts = softmax_parts<double>(outputs, f, nullptr);
  double mass = 0;
  for (int c = 0; c < outputs; ++c) mass += y[c * points_per_tile];
  for (int c = 0; c < outputs; ++c) {
    const double probability = exponential(f[c * points_per_tile] - parts.highest) / parts.sum;
    slope[c * points_per_tile] = scale * multiply_add(mass, probability, -y[c * points_per_tile]);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
