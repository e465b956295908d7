#pragma once

#include "kernels/cpu/lanes/word_lanes.hpp"

/// 32-bit words side by side, as many as a register holds, and floats made of them: formulas take them as
/// their Word and Real.
namespace langevo {
inline namespace LANGEVO_TARGET {

struct PackedLanes {
  using Vector = std::uint32_t __attribute__((vector_size(register_bytes)));
  Vector words;

  LANGEVO_INLINE explicit PackedLanes(Vector lanes) : words(lanes) {}
  LANGEVO_INLINE explicit PackedLanes(WordLanes pairs) : words(reinterpret_cast<Vector>(pairs.words)) {}
  PackedLanes() = default;

  LANGEVO_INLINE friend PackedLanes operator+(PackedLanes a, std::uint32_t b) {
    return PackedLanes(a.words + b);
  }
  LANGEVO_INLINE friend PackedLanes operator&(PackedLanes a, std::uint32_t b) {
    return PackedLanes(a.words & b);
  }
  LANGEVO_INLINE friend PackedLanes operator^(PackedLanes a, PackedLanes b) {
    return PackedLanes(a.words ^ b.words);
  }
  LANGEVO_INLINE friend PackedLanes operator<<(PackedLanes a, int count) {
    return PackedLanes(a.words << count);
  }
};

LANGEVO_INLINE FloatLanes to_signed_float(PackedLanes a) {
  using Signed = std::int32_t __attribute__((vector_size(register_bytes)));
  return {__builtin_convertvector(reinterpret_cast<Signed>(a.words), FloatLanes::Vector)};
}
LANGEVO_INLINE FloatLanes to_float(PackedLanes a) {
#if defined(__AVX512F__)
  return {_mm512_maskz_cvtepu32_ps(0xffff, reinterpret_cast<__m512i>(a.words))};
#else
  const FloatLanes high = to_signed_float(PackedLanes(a.words >> 16));
  return high * FloatLanes(65536.0f) + to_signed_float(a & 0xffffu);  // rounded once, by the addition
#endif
}
LANGEVO_INLINE PackedLanes bits_of(FloatLanes a) {
  return PackedLanes(reinterpret_cast<PackedLanes::Vector>(a.lane));
}
LANGEVO_INLINE FloatLanes float_of_bits(PackedLanes a) {
  return {reinterpret_cast<FloatLanes::Vector>(a.words)};
}
LANGEVO_INLINE FloatLanes binary_exponent(FloatLanes a) {
#if defined(__AVX512F__)
  return {_mm512_maskz_getexp_ps(0xffff, a.lane)};
#else
  return to_signed_float(PackedLanes((bits_of(a).words >> 23) - 127u));
#endif
}
LANGEVO_INLINE FloatLanes binary_fraction(FloatLanes a) {
#if defined(__AVX512F__)
  return {_mm512_maskz_getmant_ps(0xffff, a.lane, _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_src)};
#else
  return float_of_bits(PackedLanes((bits_of(a).words & 0x007fffffu) | 0x3f000000u));
#endif
}
LANGEVO_INLINE FloatLanes flip_sign(FloatLanes a, PackedLanes sign) {
  return float_of_bits(bits_of(a) ^ (sign & 0x80000000u));
}

/// Of each quarter of 16 bytes the first halves of a and b interleaved, or the second ones: a0 b0 a1 b1.
LANGEVO_INLINE FloatLanes interleave_low(FloatLanes a, FloatLanes b) {
#if defined(__AVX512F__)
  return {_mm512_maskz_unpacklo_ps(0xffff, a.lane, b.lane)};
#elif defined(__AVX2__)
  return {_mm256_unpacklo_ps(a.lane, b.lane)};
#elif defined(__SSE2__)
  return {_mm_unpacklo_ps(a.lane, b.lane)};
#else
  return {FloatLanes::Vector{a.lane[0], b.lane[0], a.lane[1], b.lane[1]}};
#endif
}
LANGEVO_INLINE FloatLanes interleave_high(FloatLanes a, FloatLanes b) {
#if defined(__AVX512F__)
  return {_mm512_maskz_unpackhi_ps(0xffff, a.lane, b.lane)};
#elif defined(__AVX2__)
  return {_mm256_unpackhi_ps(a.lane, b.lane)};
#elif defined(__SSE2__)
  return {_mm_unpackhi_ps(a.lane, b.lane)};
#else
  return {FloatLanes::Vector{a.lane[2], b.lane[2], a.lane[3], b.lane[3]}};
#endif
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
