#pragma once

#include "kernels/base/small_expm1.hpp"
#include "kernels/network/activations/tanh.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

struct SigmoidActivation : SmoothActivation<SigmoidActivation> {
  static constexpr bool slope_of_preactivation = false;

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
  /// |s''| <= 1/(6 sqrt 3) < 0.1.
  template <class Real>
  LANGEVO_INLINE static constexpr Real curvature_bound() {
    return Real(0.1);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
