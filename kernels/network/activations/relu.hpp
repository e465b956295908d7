#pragma once

#include "kernels/network/activations/errors.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

struct ReluActivation {
  static constexpr bool slope_of_preactivation = false;
  static constexpr bool is_smooth = false;
  static constexpr bool has_series = false;

  template <class Real>
  LANGEVO_INLINE static Real value(Real a) {
    return larger(a, Real(0));
  }
  template <class Lanes>
  LANGEVO_INLINE static Lanes quick_value(Lanes a) {
    return larger(a, Lanes(0.0f));
  }
  LANGEVO_INLINE static constexpr ErrorLine<float> quick_error() { return {0, 0}; }
  LANGEVO_INLINE static constexpr float largest_value() { return Limits<float>::largest; }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real h) {
    return h > Real(0) ? Real(1) : Real(0);
  }
  template <class Real>
  LANGEVO_INLINE static Real second_slope(Real /*h*/) {
    return Real(0);
  }
  template <class Real>
  LANGEVO_INLINE static Real change(Real /*h*/, Real a, Real d) {
    return a > Real(0) ? larger(d, -a) : larger(a + d, Real(0));
  }
  template <class Real>
  LANGEVO_INLINE static Real tiny_change(Real h, Real a, Real d) {
    return change(h, a, d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real tiny_change_reach() {
    return Limits<Real>::largest;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change(Real h, Real a, Real d) {
    return change(h, a, d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr ErrorLine<Real> value_error() {
    return {0, 0};
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real change_error() {
    return 1;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change_error(Real /*h*/, Real /*a*/, Real d) {
    return absolute(d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real slope_bound() {
    return Real(1);
  }
  template <class Real>
  LANGEVO_INLINE static Real excursion(Real a, Real d) {
    return absolute(d) - absolute(a);
  }
  /// The change depends on a only where the kink lies between a and a + d.
  template <class Real>
  LANGEVO_INLINE static Real sensitivity(Real excursion, Real margin) {
    return excursion + margin >= Real(0) ? Real(1) : Real(0);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
