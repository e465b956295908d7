#include "langevo/one_step_theory.hpp"

#include <array>
#include <cmath>
#include <numbers>

namespace langevo {

namespace {

constexpr double density_at_0 = 0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // 1/sqrt(2 pi)

/// sum_j (-1)^j (2j + k)! / (2^j j! a^(2j + k + 1)), the asymptotic series of I_k / density_at_0 below. From
/// `series_from` on its terms fall below 2^-53 of the sum before the last one taken.
double asymptotic_moment(int k, double a) {
  constexpr int terms = 14;
  double term = 1 / a;
  for (int i = 1; i <= k; ++i) term *= i / a;
  double sum = 0;
  for (int j = 0; j < terms; ++j) {
    sum += term;
    term *= -((2.0 * j + k + 1) / a) * ((2.0 * j + k + 2) / a) / (2.0 * j + 2);
  }
  return sum;
}
constexpr double series_from = 30;

constexpr int moment_count = 5;

/// I_k = integral over z > 0 of z^k exp(-a z) times the normal density: what uphill proposals contribute to
/// the moments along the gradient. I_0 = E/2; by parts, I_(k+1) = k I_(k-1) - a I_k, and I_1 gains the
/// density at 0. The recurrence cancels as a grows; there the series takes over.
std::array<double, moment_count> uphill_moments(double a) {
  std::array<double, moment_count> moment{};
  if (a >= series_from) {
    for (int k = 0; k < moment_count; ++k) moment[k] = density_at_0 * asymptotic_moment(k, a);
    return moment;
  }
  moment[0] = 0.5 * erfcx(a / std::numbers::sqrt2);
  moment[1] = density_at_0 - a * moment[0];
  for (int k = 1; k + 1 < moment_count; ++k) moment[k + 1] = k * moment[k - 1] - a * moment[k];
  return moment;
}

}  // namespace

double erfcx(double x) {
  constexpr double large = 10;
  if (x < large) {
    // x^2 = high + low exactly: rounding it would cost x^2 units in the last place of the exponential
    const double high = x * x;
    const double low = std::fma(x, x, -high);
    const double power = std::exp(high);
    if (std::isinf(power)) return power;  // x is far below 0, where erfc is 2
    return (power + power * low) * std::erfc(x);
  }
  // 1/sqrt(pi) sum_j (-1)^j (2j - 1)!! / (2^j x^(2j + 1)) is the series of I_0 at a = sqrt(2) x
  return std::numbers::inv_sqrtpi * std::numbers::sqrt2 * asymptotic_moment(0, std::numbers::sqrt2 * x);
}

OneStepTheory one_step_theory(double a) {
  const std::array<double, moment_count> uphill = uphill_moments(a);
  OneStepTheory theory;
  theory.acceptance = 0.5 + uphill[0];
  theory.drift = a < series_from ? -a * uphill[0] : uphill[1] - density_at_0;  // the same number
  theory.second_moment_along = 0.5 + uphill[2];
  theory.second_moment_across = theory.acceptance;
  theory.fourth_moment_along = 1.5 + uphill[4];
  return theory;
}

}  // namespace langevo
