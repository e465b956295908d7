#pragma once

#include "kernels/base/scalar.hpp"

/// Elementary functions as plain, branch-free arithmetic: compilers vectorise them over data points, and
/// every processor with an fma gets the same bits. Errors in units of the last place are measured in
/// tests/test_elementary.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// 2^k, and expm1 of the rest r = x - k ln 2 with |r| <= ln(2)/2: e^x - 1 = scale * expm1_rest + (scale - 1).
template <class Real>
struct ExponentialParts {
  Real scale;
  Real expm1_rest;
};

/// For -87 < x < 88.
LANGEVO_INLINE ExponentialParts<float> split_exponential(float x) {
  constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer held in the low bits
  const float shifted = multiply_add(x, 1.44269504f, shifter);
  const float k = shifted - shifter;
  const float high = multiply_add(k, -0.693145752f, x);
  const float r = multiply_add(k, -1.42860677e-6f, high);
  float q = 1.98412698e-4f;
  q = multiply_add(q, r, 1.38888889e-3f);
  q = multiply_add(q, r, 8.33333333e-3f);
  q = multiply_add(q, r, 4.16666667e-2f);
  q = multiply_add(q, r, 1.66666667e-1f);
  q = multiply_add(q, r, 0.5f);
  const std::uint32_t exponent = (bits_of(shifted) << 23) + 0x3f800000u;
  return {float_of_bits(exponent), multiply_add(q * r, r, r)};
}

/// For -708 < x < 709.
LANGEVO_INLINE ExponentialParts<double> split_exponential(double x) {
  constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = multiply_add(x, 1.4426950408889634, shifter);
  const double k = shifted - shifter;
  const double high = multiply_add(k, -0.6931471805599453, x);
  const double r = multiply_add(k, -2.3190468138462996e-17, high);
  // even and odd powers apart, so that half as many operations wait for each other
  const double square = r * r;
  double odd = 1.6059043836821613e-10;  // 1/13!
  odd = multiply_add(odd, square, 2.505210838544172e-8);
  odd = multiply_add(odd, square, 2.7557319223985893e-6);
  odd = multiply_add(odd, square, 1.984126984126984e-4);
  odd = multiply_add(odd, square, 8.333333333333333e-3);
  odd = multiply_add(odd, square, 1.6666666666666666e-1);
  double q = 2.08767569878681e-9;
  q = multiply_add(q, square, 2.755731922398589e-7);
  q = multiply_add(q, square, 2.48015873015873e-5);
  q = multiply_add(q, square, 1.388888888888889e-3);
  q = multiply_add(q, square, 4.1666666666666664e-2);
  q = multiply_add(q, square, 0.5);
  q = multiply_add(odd, r, q);
  const std::uint64_t exponent = (bits_of(shifted) << 52) + 0x3ff0000000000000ull;
  return {double_of_bits(exponent), multiply_add(q, square, r)};
}

/// Largest argument of split_exponential, and the |a| beyond which tanh rounds to 1.
template <class Real>
struct ExponentialRange;
template <>
struct ExponentialRange<float> {
  static constexpr float lowest = -87.0f;
  static constexpr float highest = 88.0f;
  static constexpr float tanh_saturates = 10.0f;
};
template <>
struct ExponentialRange<double> {
  static constexpr double lowest = -708.0;
  static constexpr double highest = 709.0;
  static constexpr double tanh_saturates = 20.0;
};

/// e^x, 0 below the range of normal numbers, inf above it.
template <class Real>
LANGEVO_INLINE Real exponential(Real x) {
  using Range = ExponentialRange<Real>;
  const Real clamped = smaller(larger(x, Range::lowest), Range::highest);
  const ExponentialParts<Real> parts = split_exponential(clamped);
  const Real value = multiply_add(parts.scale, parts.expm1_rest, parts.scale);
  const Real low = x < Range::lowest ? Real(0) : value;
  return x > Range::highest ? Limits<Real>::infinity : low;
}

/// e^x - 1 to relative precision, for x in the range of split_exponential.
template <class Real>
LANGEVO_INLINE Real exponential_minus_1(Real x) {
  const ExponentialParts<Real> parts = split_exponential(x);
  return multiply_add(parts.scale, parts.expm1_rest, parts.scale - Real(1));
}

/// a = k ln(2)/2 + r with |r| <= ln(2)/4, scale = 2^k; r to `nearly` a relative error of 1e-8 (float), 1e-16
/// (double) a step earlier. For 0 <= a <= tanh_saturates.
template <class Real>
struct HalfExponentialParts {
  Real scale;
  Real r;
  Real nearly;
};

LANGEVO_INLINE HalfExponentialParts<float> split_half_exponential(float a) {
  constexpr float shifter = 12582912.0f;
  const float shifted = multiply_add(a, 2.88539008f, shifter);
  const float k = shifted - shifter;
  const float high = multiply_add(k, -0.346572876f, a);
  const std::uint32_t exponent = (bits_of(shifted) << 23) + 0x3f800000u;
  const float r = multiply_add(k, -7.14303385e-7f, high);
  return {float_of_bits(exponent), r, r};
}
LANGEVO_INLINE HalfExponentialParts<double> split_half_exponential(double a) {
  constexpr double shifter = 6755399441055744.0;
  const double shifted = multiply_add(a, 2.8853900817779268, shifter);
  const double k = shifted - shifter;
  const double high = multiply_add(k, -0.34657359027997264, a);
  const std::uint64_t exponent = (bits_of(shifted) << 52) + 0x3ff0000000000000ull;
  return {double_of_bits(exponent), multiply_add(k, -1.1595234069231498e-17, high), high};
}

/// r coth r - 1 as a function of r^2, |r| <= ln(2)/4: fitted for the least error, 7e-9 and 3e-18.
LANGEVO_INLINE float r_coth_r_minus_1(float square) {
  return multiply_add(square, -2.21588305e-2f, 3.33333095e-1f) * square;
}
LANGEVO_INLINE double r_coth_r_minus_1(double square) {
  const double fourth = square * square;
  double high = multiply_add(square, -2.1163596926886234e-4, 2.116402070932914e-3);
  high = multiply_add(fourth, 2.1216099445943715e-5, high);
  const double low = multiply_add(square, -2.222222222205159e-2, 3.333333333333332e-1);
  return multiply_add(fourth * square, high, low * square);
}

/// With s = 2^k and q = r coth r: tanh a = ((s - 1) q + (s + 1) r) / ((s + 1) q + (s - 1) r), which for small
/// a is r / q; q - 1 is small, so that most of the roundings are. NaN stays NaN. What counts for speed is how
/// many operations wait for each other: a processor sees too few numbers ahead to fill the time.
template <class Real>
LANGEVO_INLINE Real hyperbolic_tangent(Real a) {
  const Real size = absolute(a);
  const HalfExponentialParts<Real> parts = split_half_exponential(size);
  const Real q_minus_1 = r_coth_r_minus_1(parts.nearly * parts.nearly);
  const Real more = parts.scale + Real(1);
  const Real less = parts.scale - Real(1);
  const Real above = multiply_add(less, q_minus_1, multiply_add(more, parts.r, less));
  const Real below = more + multiply_add(more, q_minus_1, less * parts.r);
  const Real value = above / below;
  return with_sign_of(size > ExponentialRange<Real>::tanh_saturates ? Real(1) : value, a);
}

/// Natural logarithm of a normal, positive a: log a = k ln 2 + log(1 + f), a = 2^k (1 + f). In float
/// log(1 + f) = f - f^2/2 + f^3 P(f), P fitted for the least relative error of the whole (6e-9), without a
/// division; to first order exact, so that log(1 + f) keeps its relative precision.
LANGEVO_INLINE float logarithm(float a) {
  const std::uint32_t shifted = bits_of(a) - 0x3f3504f3u;  // so that 1 + f lies in [sqrt(1/2), sqrt(2))
  const float k = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float f = float_of_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float q = -7.63449296e-2f;
  q = multiply_add(q, f, 1.27615750e-1f);
  q = multiply_add(q, f, -1.31601825e-1f);
  q = multiply_add(q, f, 1.42017588e-1f);
  q = multiply_add(q, f, -1.66233569e-1f);
  q = multiply_add(q, f, 2.00012267e-1f);
  q = multiply_add(q, f, -2.50008196e-1f);
  q = multiply_add(q, f, 3.33333313e-1f);
  const float square = f * f;
  const float rest = square * multiply_add(q, f, -0.5f);
  return multiply_add(k, 0.693359375f, multiply_add(k, -2.12194440e-4f, rest) + f);
}

/// 2 atanh(s), s = f/(f + 2).
LANGEVO_INLINE double logarithm(double a) {
  const std::uint64_t shifted = bits_of(a) - 0x3fe6a09e667f3bcdull;
  const double k = static_cast<double>(static_cast<std::int32_t>(static_cast<std::int64_t>(shifted) >> 52));
  const double f = double_of_bits((shifted & 0x000fffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  const double s = f / (f + 2.0);
  const double s2 = s * s;
  double q = 2.0 / 25;
  q = multiply_add(q, s2, 2.0 / 23);
  q = multiply_add(q, s2, 2.0 / 21);
  q = multiply_add(q, s2, 2.0 / 19);
  q = multiply_add(q, s2, 2.0 / 17);
  q = multiply_add(q, s2, 2.0 / 15);
  q = multiply_add(q, s2, 2.0 / 13);
  q = multiply_add(q, s2, 2.0 / 11);
  q = multiply_add(q, s2, 2.0 / 9);
  q = multiply_add(q, s2, 2.0 / 7);
  q = multiply_add(q, s2, 2.0 / 5);
  q = multiply_add(q, s2, 2.0 / 3);
  const double log_m = f - s * multiply_add(-s2, q, f);
  return multiply_add(k, 0.6931471803691238, multiply_add(k, 1.9082149292705877e-10, log_m));
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
