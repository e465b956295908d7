#pragma once

#include "kernels/base/elementary.hpp"
#include "kernels/network/activations/smooth.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// tanh d for |d| <= small_change: odd Taylor series, relative error below 1.3 u (float), 2 u (double).
LANGEVO_INLINE float small_tanh(float d) {
  const float d2 = d * d;
  float q = -5.39682540e-2f;
  q = multiply_add(q, d2, 1.33333333e-1f);
  q = multiply_add(q, d2, -3.33333333e-1f);
  return multiply_add(q * d2, d, d);
}
LANGEVO_INLINE double small_tanh(double d) {
  const double d2 = d * d;
  double q = 21844.0 / 6081075;
  q = multiply_add(q, d2, -1382.0 / 155925);
  q = multiply_add(q, d2, 62.0 / 2835);
  q = multiply_add(q, d2, -17.0 / 315);
  q = multiply_add(q, d2, 2.0 / 15);
  q = multiply_add(q, d2, -1.0 / 3);
  return multiply_add(q * d2, d, d);
}

struct TanhActivation : SmoothActivation<TanhActivation> {
  static constexpr bool slope_of_preactivation = false;
  static constexpr bool has_series = true;

  template <class Real>
  LANGEVO_INLINE static Real value(Real a) {
    return hyperbolic_tangent(a);
  }
  /// A quotient of polynomials, fitted for the least error of its slope: 5e-7.
  template <class Lanes>
  LANGEVO_INLINE static Lanes quick_value(Lanes a) {
    const Lanes x = larger(smaller(a, Lanes(8.0f)), Lanes(-8.0f));
    const Lanes square = x * x;
    Lanes above = multiply_add(Lanes(47.1273193f), square, Lanes(12396.4541f));
    above = multiply_add(above, square, Lanes(547403.375f));
    above = multiply_add(above, square, Lanes(4244320.5f));
    Lanes below = square + Lanes(994.8703f);
    below = multiply_add(below, square, Lanes(100553.164f));
    below = multiply_add(below, square, Lanes(1962168.88f));
    below = multiply_add(below, square, Lanes(4244322.5f));
    return quick_quotient(x * above, below);
  }
  LANGEVO_INLINE static constexpr ErrorLine<float> quick_error() { return {0, 12}; }
  LANGEVO_INLINE static constexpr float largest_value() { return 1; }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real h) {
    return multiply_add(-h, h, Real(1));
  }
  template <class Real>
  LANGEVO_INLINE static Real second_slope(Real h) {
    return Real(-2) * h * slope(h);
  }
  /// Addition theorem: tanh(a + d) - tanh a = (1 - h^2) tanh d / (1 + h tanh d).
  template <class Real>
  LANGEVO_INLINE static Real change(Real h, Real /*a*/, Real d) {
    const Real t = small_tanh(d);
    return slope(h) * t / multiply_add(h, t, Real(1));
  }
  /// The first `Terms` of the Taylor series of the change, for |d| <= reach <= series_reach. Its error is
  /// below (series_remainder<Terms>(reach) + series_error u) |d|, and |d change / d h| <= series_sensitivity
  /// |d|.
  template <int Terms, class Real>
  LANGEVO_INLINE static Real series_change(Real h, Real d) {
    if constexpr (Terms == 2) {
      const Real bend = h * d;
      const Real rise = negative_multiply_add(h, bend, d);
      return negative_multiply_add(rise, bend, rise);
    } else {
      const Real one(1.0f);
      const Real rise = negative_multiply_add(h, h, one) * d;
      const Real square = h * h;
      Real q = square - Real(1.0 / 3);
      if constexpr (Terms == 4) q = multiply_add(h * (Real(2.0 / 3) - square), d, q);
      q = multiply_add(q, d, -h);
      return rise * multiply_add(q, d, one);
    }
  }
  template <int Terms>
  LANGEVO_INLINE static constexpr float series_remainder(float reach) {
    const float square = reach * reach;
    return Terms == 2 ? 0.34f * square : Terms == 3 ? 0.18f * square * reach : 0.14f * square * square;
  }
  LANGEVO_INLINE static constexpr float series_reach() { return 0.015625f; }
  LANGEVO_INLINE static float tiny_change(float h, float /*a*/, float d) { return series_change<4>(h, d); }
  /// Six terms of the series, for |d| <= 1/512; pairs of them apart, so that fewer operations wait for
  /// others.
  LANGEVO_INLINE static double tiny_change(double h, double /*a*/, double d) {
    const double square = h * h;
    const double fifth = h * multiply_add(square, 4.0 / 3 - square, -17.0 / 45);
    const double last = multiply_add(fifth, d, multiply_add(square, square - 1, 2.0 / 15));
    const double third = h * (2.0 / 3 - square);
    const double middle = multiply_add(third, d, square - 1.0 / 3);
    const double first = multiply_add(-h, d, 1.0);
    const double d2 = d * d;
    return (1 - square) * d * multiply_add(multiply_add(last, d2, middle), d2, first);
  }
  LANGEVO_INLINE static constexpr float series_error() { return 6; }
  LANGEVO_INLINE static constexpr float series_sensitivity() { return 2.2f; }
  template <class Real>
  LANGEVO_INLINE static constexpr Real tiny_change_reach() {
    return sizeof(Real) < sizeof(double) ? Real(series_reach()) : Real(1) / 512;
  }
  template <class Real>
  LANGEVO_INLINE static constexpr ErrorLine<Real> value_error() {
    return {0, 8};
  }
  /// 2.2 |d| times the error of h (8 u), and the roundings of the formula.
  template <class Real>
  LANGEVO_INLINE static constexpr Real change_error() {
    return 26;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change_error(Real /*h*/, Real a, Real d) {
    return Real(20) + absolute(a) + absolute(d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real slope_bound() {
    return Real(1);
  }
  /// |tanh''| <= 4/sqrt(27) < 0.77.
  template <class Real>
  LANGEVO_INLINE static constexpr Real curvature_bound() {
    return Real(0.77);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
