#pragma once

#include "kernels/network/activations/errors.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// What activations with a second derivative everywhere have in common, of which `Act` gives value, change
/// and curvature_bound >= |d2h/da2|. One that knows better has members of its own in their place.
template <class Act>
struct SmoothActivation {
  static constexpr bool is_smooth = true;
  static constexpr bool has_series = false;

  template <class Real>
  LANGEVO_INLINE static Real tiny_change(Real h, Real a, Real d) {
    return Act::change(h, a, d);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real tiny_change_reach() {
    return small_change<Real>();
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change(Real h, Real a, Real d) {
    return Act::value(a + d) - h;
  }
  template <class Real>
  LANGEVO_INLINE static Real excursion(Real /*a*/, Real d) {
    return absolute(d);
  }
  template <class Real>
  LANGEVO_INLINE static Real sensitivity(Real excursion, Real margin) {
    return Act::template curvature_bound<Real>() * (excursion + margin);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
