#pragma once

#include "kernels/network/activations/tanh.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// e^d - 1 for |d| <= small_change.
LANGEVO_INLINE float small_expm1(float d) {
  float q = 1.38888889e-3f;
  q = multiply_add(q, d, 8.33333333e-3f);
  q = multiply_add(q, d, 4.16666667e-2f);
  q = multiply_add(q, d, 1.66666667e-1f);
  q = multiply_add(q, d, 0.5f);
  return multiply_add(q * d, d, d);
}
LANGEVO_INLINE double small_expm1(double d) {
  double q = 1.0 / 39916800;
  q = multiply_add(q, d, 1.0 / 3628800);
  q = multiply_add(q, d, 1.0 / 362880);
  q = multiply_add(q, d, 1.0 / 40320);
  q = multiply_add(q, d, 1.0 / 5040);
  q = multiply_add(q, d, 1.0 / 720);
  q = multiply_add(q, d, 1.0 / 120);
  q = multiply_add(q, d, 1.0 / 24);
  q = multiply_add(q, d, 1.0 / 6);
  q = multiply_add(q, d, 0.5);
  return multiply_add(q * d, d, d);
}

struct SigmoidActivation {
  template <class Real>
  LANGEVO_INLINE static Real value(Real a) {
    return multiply_add(Real(0.5), hyperbolic_tangent(Real(0.5) * a), Real(0.5));
  }
  template <class Lanes>
  LANGEVO_INLINE static Lanes quick_value(Lanes a) {
    const Lanes half(0.5f);
    return multiply_add(half, TanhActivation::quick_value(half * a), half);
  }
  LANGEVO_INLINE static constexpr ErrorLine<float> quick_error() { return {5, 0}; }
  LANGEVO_INLINE static constexpr float largest_value() { return 1; }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real h) {
    return multiply_add(-h, h, h);
  }
  template <class Real>
  LANGEVO_INLINE static Real second_slope(Real h) {
    return slope(h) * multiply_add(Real(-2), h, Real(1));
  }
  /// s(a + d) - s(a) = s (1 - s) m / (1 + s m), m = e^d - 1.
  template <class Real>
  LANGEVO_INLINE static Real change(Real h, Real /*a*/, Real d) {
    const Real m = small_expm1(d);
    return slope(h) * m / multiply_add(h, m, Real(1));
  }
  template <class Real>
  LANGEVO_INLINE static Real tiny_change(Real h, Real a, Real d) {
    return change(h, a, d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real tiny_change_reach() {
    return small_change<Real>();
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change(Real h, Real a, Real d) {
    return value(a + d) - h;
  }
  template <class Real>
  LANGEVO_INLINE static constexpr ErrorLine<Real> value_error() {
    return {6, 0};
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real change_error() {
    return 16;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change_error(Real /*h*/, Real a, Real d) {
    return Real(16) + absolute(a) + absolute(d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real slope_bound() {
    return Real(0.25);
  }
  template <class Real>
  LANGEVO_INLINE static Real excursion(Real /*a*/, Real d) {
    return absolute(d);
  }
  /// |s''| <= 1/(6 sqrt 3) < 0.1.
  template <class Real>
  LANGEVO_INLINE static Real sensitivity(Real excursion, Real margin) {
    return Real(0.1) * (excursion + margin);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
