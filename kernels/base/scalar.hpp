#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

#include "kernels/base/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Values rather than functions, so that device code may use them.
template <class Real>
struct Limits {
  static constexpr Real largest = std::numeric_limits<Real>::max();
  static constexpr Real smallest_normal = std::numeric_limits<Real>::min();
  static constexpr Real infinity = std::numeric_limits<Real>::infinity();
  /// Half the distance between 1 and the next number: the largest relative error of one rounding.
  static constexpr Real unit_roundoff = std::numeric_limits<Real>::epsilon() / 2;
};

/// a b + c with one rounding, on every machine.
LANGEVO_INLINE float multiply_add(float a, float b, float c) {
  return ::fmaf(a, b, c);
}
LANGEVO_INLINE double multiply_add(double a, double b, double c) {
  return ::fma(a, b, c);
}

/// c - a b likewise.
template <class Real>
LANGEVO_INLINE Real negative_multiply_add(Real a, Real b, Real c) {
  return multiply_add(-a, b, c);
}

LANGEVO_INLINE float square_root(float a) {
  return ::sqrtf(a);
}
LANGEVO_INLINE double square_root(double a) {
  return ::sqrt(a);
}

LANGEVO_INLINE float absolute(float a) {
  return ::fabsf(a);
}
LANGEVO_INLINE double absolute(double a) {
  return ::fabs(a);
}

LANGEVO_INLINE float with_sign_of(float size, float sign) {
  return ::copysignf(size, sign);
}
LANGEVO_INLINE double with_sign_of(double size, double sign) {
  return ::copysign(size, sign);
}

/// The larger of the two; a where either is NaN only if a is.
template <class Real>
LANGEVO_INLINE Real larger(Real a, Real b) {
  return b > a ? b : a;
}

template <class Real>
LANGEVO_INLINE Real smaller(Real a, Real b) {
  return b < a ? b : a;
}

/// a / b to a few roundings where a processor divides slowly; b neither too small nor too large for 1/b.
LANGEVO_INLINE float quick_quotient(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdividef(a, b);
#else
  return a / b;
#endif
}

/// True for everything but inf and NaN.
template <class Real>
LANGEVO_INLINE bool is_finite(Real a) {
  return absolute(a) <= Limits<Real>::largest;
}

LANGEVO_INLINE std::uint32_t bits_of(float a) {
  return __builtin_bit_cast(std::uint32_t, a);
}
LANGEVO_INLINE std::uint64_t bits_of(double a) {
  return __builtin_bit_cast(std::uint64_t, a);
}
LANGEVO_INLINE float float_of_bits(std::uint32_t a) {
  return __builtin_bit_cast(float, a);
}
LANGEVO_INLINE double double_of_bits(std::uint64_t a) {
  return __builtin_bit_cast(double, a);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
