#pragma once

#include "kernels/base/scalar.hpp"

/// Radius and direction of a pair of normal numbers, for one pair or for several side by side; their errors
/// are measured in tests/test_elementary.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The nearest float to a 32-bit word, without sign or with.
LANGEVO_INLINE float to_float(std::uint32_t word) {
  return static_cast<float>(word);
}
LANGEVO_INLINE float to_signed_float(std::uint32_t word) {
  return static_cast<float>(static_cast<std::int32_t>(word));
}

/// Normal, positive a = fraction 2^(exponent + 1), fraction in [1/2, 1).
LANGEVO_INLINE float binary_exponent(float a) {
  return static_cast<float>(static_cast<std::int32_t>(bits_of(a) >> 23) - 127);
}
LANGEVO_INLINE float binary_fraction(float a) {
  return float_of_bits((bits_of(a) & 0x007fffffu) | 0x3f000000u);
}

/// -a where the highest bit of `sign` is set.
LANGEVO_INLINE float flip_sign(float a, std::uint32_t sign) {
  return float_of_bits(bits_of(a) ^ (sign & 0x80000000u));
}

/// -2 ln u for a normal u in (0, 1], never negative: u = 2^k (1 + f) with f in [-1/2, 0), and f P(f) for 1 +
/// f, P fitted for the least relative error (1.5e-7); 0 where u is 1.
template <class Real>
LANGEVO_INLINE Real minus_twice_logarithm(Real u) {
  const Real twice_ln_2(1.38629436f);
  const Real exponent = multiply_add(binary_exponent(u), -twice_ln_2, -twice_ln_2);
  const Real f = binary_fraction(u) - Real(1.0f);
  Real p(2.36160588f);
  p = multiply_add(p, f, Real(2.14763069f));
  p = multiply_add(p, f, Real(1.55933225f));
  p = multiply_add(p, f, Real(-0.0804305747f));
  p = multiply_add(p, f, Real(0.543605447f));
  p = multiply_add(p, f, Real(-0.6638183f));
  p = multiply_add(p, f, Real(1.00006843f));
  p = multiply_add(p, f, Real(-1.99999976f));
  return multiply_add(p, f, exponent);
}

template <class Real>
struct SineCosine {
  Real sine;
  Real cosine;
};

/// Sine and cosine of the angle pi a/2, a in [-1, 1], as a (1 + S(w)) and w (1 + C(w)), w = 1 - a^2, fitted
/// for the least error (4e-9 and 4e-10): the angle is not rounded, and both keep their relative precision.
template <class Real>
LANGEVO_INLINE SineCosine<Real> sine_cosine_of_quarters(Real a) {
  const Real w = multiply_add(-a, a, Real(1.0f));
  Real s(1.50698004e-4f);
  s = multiply_add(s, w, Real(4.06921515e-3f));
  s = multiply_add(s, w, Real(6.65765256e-2f));
  s = multiply_add(s, w, Real(4.99999851e-1f));
  Real c(2.37892364e-5f);
  c = multiply_add(c, w, Real(7.98712135e-4f));
  c = multiply_add(c, w, Real(1.74299162e-2f));
  c = multiply_add(c, w, Real(1.96349412e-1f));
  c = multiply_add(c, w, Real(-2.1460183e-1f));
  return {multiply_add(s * w, a, a), multiply_add(c, w, w)};
}

/// Quarter turns to the nearest half turn; at odd half turns sine and cosine change their signs.
template <class Word>
LANGEVO_INLINE auto quarters_of_turns(Word turns) {
  return to_signed_float(turns << 1) * decltype(to_signed_float(turns))(0x1p-31f);
}
template <class Word>
LANGEVO_INLINE Word sign_of_turns(Word turns) {
  return turns + 0x40000000u;
}

/// Sine and cosine of 2 pi turns / 2^32.
LANGEVO_INLINE SineCosine<float> sine_cosine_of_turns(std::uint32_t turns) {
  const SineCosine<float> direction = sine_cosine_of_quarters(quarters_of_turns(turns));
  const std::uint32_t sign = sign_of_turns(turns);
  return {flip_sign(direction.sine, sign), flip_sign(direction.cosine, sign)};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
