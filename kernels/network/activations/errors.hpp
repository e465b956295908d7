#pragma once

#include "kernels/base/scalar.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// |error| <= constant + slope |h|.
template <class Real>
struct ErrorLine {
  Real constant;
  Real slope;

  /// 2-norm of the errors of `units` values whose 2-norm is `norm`.
  LANGEVO_INLINE Real of_norm(int units, Real norm) const {
    return constant > 0 ? constant * square_root(Real(units)) + slope * norm : slope * norm;
  }
};

/// Beyond this a Taylor series in d would no longer be exact to rounding.
template <class Real>
LANGEVO_INLINE constexpr Real small_change() {
  return Real(0.0625);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
