#pragma once

#include "kernels/network/losses/of_residuals.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// l(r) = r^2.
struct SquaredErrorTerm {
  template <class Real>
  LANGEVO_INLINE static Real add(Real sum, Real r) {
    return multiply_add(r, r, sum);
  }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real r, Real scale) {
    return 2 * scale * r;
  }
  LANGEVO_INLINE static double second_slope(double /*r*/) { return 2; }

  /// df (2 r + df).
  template <class Real>
  LANGEVO_INLINE static PointLossChange<Real> change(Real r, Real df, Real r_error, Real df_error,
                                                     int roundings) {
    constexpr Real u = Limits<Real>::unit_roundoff;
    const Real factor = r + r + df;
    const Real factor_error = r_error + r_error + df_error;
    const Real magnitude = absolute(df * factor);
    return {df * factor, magnitude,
            df_error * (absolute(factor) + factor_error) + absolute(df) * factor_error +
                Real(4 + roundings) * u * magnitude};
  }
};

struct SquaredError : LossOfResiduals<SquaredErrorTerm> {
  static constexpr bool is_smooth = true;
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
