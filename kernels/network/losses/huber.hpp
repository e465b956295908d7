#pragma once

#include "kernels/network/losses/of_residuals.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// l(r) = r^2/2 for |r| <= 1, |r| - 1/2 beyond: c (r - c/2) with c = l'(r) the r cut off at 1 and -1.
struct HuberTerm {
  template <class Real>
  LANGEVO_INLINE static Real cut(Real r) {
    return larger(smaller(r, Real(1)), Real(-1));
  }
  template <class Real>
  LANGEVO_INLINE static Real add(Real sum, Real r) {
    const Real c = cut(r);
    return multiply_add(c, r - Real(0.5) * c, sum);
  }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real r, Real scale) {
    return scale * cut(r);
  }
  LANGEVO_INLINE static double second_slope(double r) { return absolute(r) < 1 ? 1 : 0; }

  /// With c' = l'(r + df) and dc = c' - c, which is df where both are within: c' df + dc (r - (c + c')/2). No
  /// c moves by more than its r does.
  template <class Real>
  LANGEVO_INLINE static PointLossChange<Real> change(Real r, Real df, Real r_error, Real df_error,
                                                     int roundings) {
    constexpr Real u = Limits<Real>::unit_roundoff;
    const Real next = r + df;
    const Real before = cut(r);
    const Real after = cut(next);
    const bool within = absolute(r) <= Real(1) && absolute(next) <= Real(1);
    const Real step = within ? df : after - before;
    const Real along = after * df;
    const Real bent = step * (r - Real(0.5) * (before + after));
    const Real magnitude = absolute(along) + absolute(bent);
    return {along + bent, magnitude,
            df_error * (absolute(after) + r_error + df_error) + r_error * (absolute(df) + df_error) +
                Real(8 + roundings) * u * magnitude};
  }
};

struct HuberLoss : LossOfResiduals<HuberTerm> {
  /// Its second derivative jumps at |r| = 1.
  static constexpr bool is_smooth = false;
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
