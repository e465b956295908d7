#pragma once

#include "kernels/base/scalar.hpp"

/// e^d - 1 and log(1 + m) near 0, by their series, with what is left of them once the first term is gone:
/// differences of rounded numbers would have no digits there.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// e^d - 1 for |d| <= 1/16.
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

/// e^d - 1 - d = d^2/2 (1 + d/3 (1 + d/4 (...))) for |d| <= 1/16.
template <class Real>
LANGEVO_INLINE Real small_expm1_minus(Real d) {
  Real q = 1;
  for (int n = 12; n >= 3; --n) q = multiply_add(q, d * (Real(1) / Real(n)), Real(1));
  return Real(0.5) * d * d * q;
}

/// log(1 + m) - m for |m| <= 0.07, by its series.
template <class Real>
LANGEVO_INLINE Real small_log1p_minus(Real m) {
  Real q = 0;
  for (int n = 16; n >= 2; --n) q = multiply_add(q, -m, Real(1) / Real(n));
  return -(m * m) * q;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
