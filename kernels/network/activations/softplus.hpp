#pragma once

#include "kernels/base/small_expm1.hpp"
#include "kernels/network/activations/sigmoid.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// log(1 + e^a), a soft max(a, 0).
struct SoftplusActivation : SmoothActivation<SoftplusActivation> {
  static constexpr bool slope_of_preactivation = true;

  /// max(a, 0) + log(1 + e), e = e^-|a|; the quotient mends what rounding 1 + e has lost.
  template <class Real>
  LANGEVO_INLINE static Real value(Real a) {
    const Real e = exponential(-absolute(a));
    const Real sum = Real(1) + e;
    const Real rounded = sum - Real(1);
    const Real quotient = e / (rounded > Real(0) ? rounded : Real(1));
    return larger(a, Real(0)) + (rounded > Real(0) ? logarithm(sum) * quotient : e);
  }
  /// With T = tanh(|a|/2) log(1 + e^-|a|) is -log((1 + T)/2), here a polynomial in T fitted to 5e-9.
  template <class Lanes>
  LANGEVO_INLINE static Lanes quick_value(Lanes a) {
    const Lanes t = TanhActivation::quick_value(Lanes(0.5f) * larger(a, -a));
    Lanes q(3.845376542e-3f);
    q = multiply_add(q, t, Lanes(-2.345583307e-2f));
    q = multiply_add(q, t, Lanes(6.729575237e-2f));
    q = multiply_add(q, t, Lanes(-1.260590041e-1f));
    q = multiply_add(q, t, Lanes(1.851556972e-1f));
    q = multiply_add(q, t, Lanes(-2.465184293e-1f));
    q = multiply_add(q, t, Lanes(3.328499063e-1f));
    q = multiply_add(q, t, Lanes(-4.999653108e-1f));
    q = multiply_add(q, t, Lanes(9.999990253e-1f));
    q = multiply_add(q, t, Lanes(-6.931471760e-1f));
    return larger(a, Lanes(0.0f)) - q;
  }
  LANGEVO_INLINE static constexpr ErrorLine<float> quick_error() { return {6, 1}; }
  LANGEVO_INLINE static constexpr float largest_value() { return Limits<float>::largest; }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real a) {
    return SigmoidActivation::value(a);
  }
  template <class Real>
  LANGEVO_INLINE static Real second_slope(Real a) {
    return SigmoidActivation::slope(SigmoidActivation::value(a));
  }
  /// log(1 + s m) with s = dh/da, m = e^d - 1.
  template <class Real>
  LANGEVO_INLINE static Real change(Real /*h*/, Real a, Real d) {
    const Real grown = slope(a) * small_expm1(d);
    return grown + small_log1p_minus(grown);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr ErrorLine<Real> value_error() {
    return {0, 6};
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real change_error() {
    return 16;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change_error(Real /*h*/, Real a, Real d) {
    return Real(20) + Real(10) * (absolute(a) + absolute(d));
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real slope_bound() {
    return Real(1);
  }
  /// |h''| <= 1/4.
  template <class Real>
  LANGEVO_INLINE static constexpr Real curvature_bound() {
    return Real(0.25);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
