#pragma once

#if defined(__SSE2__)
#  include <immintrin.h>
#endif

#include <cstdint>

#include "kernels/host_device.hpp"

/// 32-bit words side by side, each in 64 bits, as many as a register holds, for the random number generator:
/// its widening products have an instruction of their own, several times faster than what compilers make of
/// the plain code.
namespace langevo {
inline namespace LANGEVO_TARGET {

#if defined(__AVX512F__)
inline constexpr int word_lanes = 8;
#elif defined(__AVX2__)
inline constexpr int word_lanes = 4;
#else
inline constexpr int word_lanes = 2;
#endif

struct WordLanes {
  using Vector = std::uint64_t __attribute__((vector_size(8 * word_lanes)));
  Vector words;

  /// first, first + 1, ...
  LANGEVO_INLINE static WordLanes counting_from(std::uint64_t first) {
    Vector words;
    for (int i = 0; i < word_lanes; ++i) words[i] = first + static_cast<std::uint64_t>(i);
    return {words};
  }
  /// As 32-bit numbers to `to`, [word_lanes].
  LANGEVO_INLINE void store(std::uint32_t* to) const {
    using Narrow = std::uint32_t __attribute__((vector_size(4 * word_lanes)));
    const Narrow narrow = __builtin_convertvector(words, Narrow);
    __builtin_memcpy(to, &narrow, sizeof(narrow));
  }

  LANGEVO_INLINE friend WordLanes operator+(WordLanes a, WordLanes b) { return {a.words + b.words}; }
  LANGEVO_INLINE friend WordLanes operator+(WordLanes a, std::uint64_t b) { return {a.words + b}; }
  LANGEVO_INLINE friend WordLanes operator-(WordLanes a, WordLanes b) { return {a.words - b.words}; }
  LANGEVO_INLINE friend WordLanes operator^(WordLanes a, WordLanes b) { return {a.words ^ b.words}; }
  LANGEVO_INLINE friend WordLanes operator^(WordLanes a, std::uint64_t b) { return {a.words ^ b}; }
  LANGEVO_INLINE friend WordLanes operator>>(WordLanes a, int count) { return {a.words >> count}; }
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

}  // namespace LANGEVO_TARGET
}  // namespace langevo
