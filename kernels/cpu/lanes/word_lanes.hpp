#pragma once

#include "kernels/cpu/lanes/real_lanes.hpp"

/// 32-bit words side by side, each in 64 bits, as many as a register holds, for the random number generator:
/// its widening products have an instruction of their own, several times faster than what compilers make of
/// the plain code.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// 64-bit lanes of a register.
inline constexpr int word_lanes = register_bytes / 8;

/// 32-bit words, each in the lower half of a lane.
struct WordLanes {
  using Vector = std::uint64_t __attribute__((vector_size(register_bytes)));
  Vector words;

  /// first, first + 1, ..., in the order that LanePlace undoes: pairs of lanes, the second of each half
  /// of all after the first.
  LANGEVO_INLINE static WordLanes counting_from(std::uint64_t first) {
    Vector words{};
    for (int i = 0; i < word_lanes; ++i) {
      words[i] = first + static_cast<std::uint64_t>(i / 2 + i % 2 * (word_lanes / 2));
    }
    return {words};
  }
  /// 0, 0, 1, 1, ...
  LANGEVO_INLINE static WordLanes counting_in_pairs() {
    Vector words{};
    for (int i = 0; i < word_lanes; ++i) words[i] = static_cast<std::uint64_t>(i / 2);
    return {words};
  }
  /// The two words at `from` by turns.
  LANGEVO_INLINE static WordLanes alternating(const std::uint64_t* from) {
    using Two = std::uint64_t __attribute__((vector_size(16)));
    Two two;
    __builtin_memcpy(&two, from, sizeof(two));
#if defined(__AVX512F__)
    return {reinterpret_cast<Vector>(_mm512_maskz_broadcast_i32x4(0xffff, reinterpret_cast<__m128i>(two)))};
#elif defined(__AVX2__)
    return {reinterpret_cast<Vector>(_mm256_broadcastsi128_si256(reinterpret_cast<__m128i>(two)))};
#else
    return {two};
#endif
  }
  LANGEVO_INLINE static WordLanes all(std::uint64_t word) {
    return {word - Vector{}};
  }

  LANGEVO_INLINE friend WordLanes operator^(WordLanes a, WordLanes b) {
    return {a.words ^ b.words};
  }
  LANGEVO_INLINE friend WordLanes operator^(WordLanes a, std::uint64_t b) {
    return {a.words ^ b};
  }
  LANGEVO_INLINE friend WordLanes operator>>(WordLanes a, int count) {
    return {a.words >> count};
  }
};

/// m times the lower half of a in every lane.
LANGEVO_INLINE WordLanes wide_product(WordLanes a, std::uint32_t m) {
  using Vector = WordLanes::Vector;
#if defined(__AVX512F__)
  return {reinterpret_cast<Vector>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(a.words), _mm512_set1_epi64(m)))};
#elif defined(__AVX2__)
  return {
      reinterpret_cast<Vector>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a.words), _mm256_set1_epi64x(m)))};
#elif defined(__SSE2__)
  return {reinterpret_cast<Vector>(_mm_mul_epu32(reinterpret_cast<__m128i>(a.words), _mm_set1_epi64x(m)))};
#else
  return {(a.words & std::uint64_t{0xffffffffu}) * std::uint64_t{m}};
#endif
}

/// a ^ b ^ c; told apart, as compilers do not see through the types of join_lower and join_upper.
LANGEVO_INLINE WordLanes exclusive_or(WordLanes a, WordLanes b, WordLanes c) {
#if defined(__AVX512F__)
  return {reinterpret_cast<WordLanes::Vector>(
      _mm512_ternarylogic_epi64(reinterpret_cast<__m512i>(a.words), reinterpret_cast<__m512i>(b.words),
                                reinterpret_cast<__m512i>(c.words), 0x96))};
#else
  return a ^ b ^ c;
#endif
}

/// Lower halves of a in lower halves, of b in upper ones.
LANGEVO_INLINE WordLanes join_lower(WordLanes a, WordLanes b) {
#if defined(__AVX512F__)
  return {reinterpret_cast<WordLanes::Vector>(
      _mm512_mask_moveldup_ps(reinterpret_cast<__m512>(a.words), 0xaaaa, reinterpret_cast<__m512>(b.words)))};
#elif defined(__AVX2__)
  return {reinterpret_cast<WordLanes::Vector>(_mm256_blend_epi32(
      reinterpret_cast<__m256i>(a.words), reinterpret_cast<__m256i>(b.words << 32), 0xaa))};
#else
  return {(a.words & std::uint64_t{0xffffffffu}) | (b.words << 32)};
#endif
}
/// Upper halves of a in lower halves, of b in upper ones.
LANGEVO_INLINE WordLanes join_upper(WordLanes a, WordLanes b) {
#if defined(__AVX512F__)
  return {reinterpret_cast<WordLanes::Vector>(
      _mm512_mask_movehdup_ps(reinterpret_cast<__m512>(b.words), 0x5555, reinterpret_cast<__m512>(a.words)))};
#elif defined(__AVX2__)
  return {reinterpret_cast<WordLanes::Vector>(_mm256_blend_epi32(reinterpret_cast<__m256i>(a.words >> 32),
                                                                 reinterpret_cast<__m256i>(b.words), 0xaa))};
#else
  return {(a.words >> 32) | (b.words & ~std::uint64_t{0xffffffffu})};
#endif
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
