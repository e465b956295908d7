#pragma once

#if defined(__SSE2__)
#  include <immintrin.h>
#endif

#include "kernels/base/scalar.hpp"
#include "kernels/cpu/lanes/emulated_fma.hpp"

/// Reals side by side, as many as a register holds, for loops whose sums compilers do not keep in registers.
/// Formulas take it as their Real.
namespace langevo {
inline namespace LANGEVO_TARGET {

#if defined(__AVX512F__)
inline constexpr int register_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

template <class Real>
struct RegisterOf;
template <>
struct RegisterOf<float> {
  using Vector = float __attribute__((vector_size(register_bytes)));
};
template <>
struct RegisterOf<double> {
  using Vector = double __attribute__((vector_size(register_bytes)));
};

template <class Real>
struct RealLanes {
  using Element = Real;
  using Vector = typename RegisterOf<Real>::Vector;
  static constexpr int count = register_bytes / sizeof(Real);
  Vector lane;

  RealLanes() = default;
  LANGEVO_INLINE RealLanes(Vector lanes) : lane(lanes) {}
  template <class Number>
  LANGEVO_INLINE explicit RealLanes(Number all) : lane(static_cast<Real>(all) - Vector{}) {}
  LANGEVO_INLINE static RealLanes load(const Real* from) {
    RealLanes result;
    __builtin_memcpy(&result.lane, from, sizeof(Vector));
    return result;
  }
  LANGEVO_INLINE void store(Real* to) const { __builtin_memcpy(to, &lane, sizeof(Vector)); }

  LANGEVO_INLINE friend RealLanes operator+(RealLanes a, RealLanes b) { return {a.lane + b.lane}; }
  LANGEVO_INLINE friend RealLanes operator-(RealLanes a, RealLanes b) { return {a.lane - b.lane}; }
  LANGEVO_INLINE friend RealLanes operator*(RealLanes a, RealLanes b) { return {a.lane * b.lane}; }
  LANGEVO_INLINE friend RealLanes operator-(RealLanes a) { return {-a.lane}; }
};

using FloatLanes = RealLanes<float>;
using DoubleLanes = RealLanes<double>;

template <class Real>
LANGEVO_INLINE void load_lanes(RealLanes<Real>& lanes, const Real* from) {
  lanes = RealLanes<Real>::load(from);
}
template <class Real>
LANGEVO_INLINE void store_lanes(RealLanes<Real> lanes, Real* to) {
  lanes.store(to);
}

/// multiply_add of each lane.
LANGEVO_INLINE FloatLanes multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fmadd_ps(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fmadd_ps(a.lane, b.lane, c.lane)};
#elif defined(__SSE2__)
  return {emulated_multiply_add(a.lane, b.lane, c.lane)};
#else
  for (int i = 0; i < FloatLanes::count; ++i) c.lane[i] = multiply_add(a.lane[i], b.lane[i], c.lane[i]);
  return c;
#endif
}
/// c - a b of each lane, told apart as compilers keep -a in a register of its own where it is used twice.
LANGEVO_INLINE FloatLanes negative_multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fnmadd_ps(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fnmadd_ps(a.lane, b.lane, c.lane)};
#else
  return multiply_add(-a, b, c);
#endif
}
LANGEVO_INLINE FloatLanes square_root(FloatLanes a) {
#if defined(__AVX512F__)
  return {_mm512_maskz_sqrt_ps(0xffff, a.lane)};
#elif defined(__AVX2__)
  return {_mm256_sqrt_ps(a.lane)};
#elif defined(__SSE2__)
  return {_mm_sqrt_ps(a.lane)};
#else
  for (int i = 0; i < FloatLanes::count; ++i) a.lane[i] = square_root(a.lane[i]);
  return a;
#endif
}
/// The larger and the smaller of each lane, as in scalar.hpp: of two operands, the second is what comes of a
/// NaN in either.
LANGEVO_INLINE FloatLanes larger(FloatLanes a, FloatLanes b) {
#if defined(__AVX512F__)
  return {_mm512_maskz_max_ps(0xffff, b.lane, a.lane)};
#elif defined(__AVX2__)
  return {_mm256_max_ps(b.lane, a.lane)};
#elif defined(__SSE2__)
  return {_mm_max_ps(b.lane, a.lane)};
#else
  return {b.lane > a.lane ? b.lane : a.lane};
#endif
}
LANGEVO_INLINE FloatLanes smaller(FloatLanes a, FloatLanes b) {
#if defined(__AVX512F__)
  return {_mm512_maskz_min_ps(0xffff, b.lane, a.lane)};
#elif defined(__AVX2__)
  return {_mm256_min_ps(b.lane, a.lane)};
#elif defined(__SSE2__)
  return {_mm_min_ps(b.lane, a.lane)};
#else
  return {b.lane < a.lane ? b.lane : a.lane};
#endif
}
LANGEVO_INLINE FloatLanes quick_quotient(FloatLanes a, FloatLanes b) {
  return {a.lane / b.lane};
}
LANGEVO_INLINE DoubleLanes multiply_add(DoubleLanes a, DoubleLanes b, DoubleLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fmadd_pd(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fmadd_pd(a.lane, b.lane, c.lane)};
#elif defined(__SSE2__)
  return {emulated_multiply_add(a.lane, b.lane, c.lane)};
#else
  for (int i = 0; i < DoubleLanes::count; ++i) c.lane[i] = multiply_add(a.lane[i], b.lane[i], c.lane[i]);
  return c;
#endif
}

/// The sum of the lanes, halves added to halves until one is left.
LANGEVO_INLINE float sum_of_lanes(FloatLanes a) {
#if defined(__AVX2__)
#  if defined(__AVX512F__)
  const __m256 eight = _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, a.lane, 0),
                                     _mm512_maskz_extractf32x8_ps(0xff, a.lane, 1));
#  else
  const __m256 eight = a.lane;
#  endif
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
#else
  float lane[FloatLanes::count];
  a.store(lane);
  for (int half = FloatLanes::count / 2; half > 0; half /= 2) {
    for (int q = 0; q < half; ++q) lane[q] += lane[q + half];
  }
  return lane[0];
#endif
}

/// sum[r] of the lanes of a[r] likewise, side by side, which takes a third of the instructions.
LANGEVO_INLINE void sum_of_lanes(const FloatLanes (&a)[8], float (&sum)[8]) {
#if defined(__AVX512F__)
  __m512 half[4];
#  pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // of two: lanes 0..7 and 8..15
    half[i] = _mm512_add_ps(_mm512_maskz_shuffle_f32x4(0xffff, a[i].lane, a[i + 4].lane, 0x44),
                            _mm512_maskz_shuffle_f32x4(0xffff, a[i].lane, a[i + 4].lane, 0xee));
  }
  __m512 quarter[2];
#  pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {  // of four: i, i + 4, i + 2, i + 6
    quarter[i] = _mm512_add_ps(_mm512_maskz_shuffle_f32x4(0xffff, half[i], half[i + 2], 0x88),
                               _mm512_maskz_shuffle_f32x4(0xffff, half[i], half[i + 2], 0xdd));
  }
  const __m512 pair = _mm512_add_ps(_mm512_maskz_shuffle_ps(0xffff, quarter[0], quarter[1], 0x44),
                                    _mm512_maskz_shuffle_ps(0xffff, quarter[0], quarter[1], 0xee));
  const __m512 one = _mm512_add_ps(pair, _mm512_maskz_shuffle_ps(0xffff, pair, pair, 0xb1));
  // in each quarter twice that of 0, 4, 2, 6, then twice that of the next
  const __m512i order = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 14, 12, 6, 4, 10, 8, 2, 0);
  const __m512 in_order = _mm512_maskz_permutexvar_ps(0xffff, order, one);
  __builtin_memcpy(sum, &in_order, sizeof(sum));
#elif defined(__AVX2__)
  __m256 half[4];
#  pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // of two: lanes 0..3 and 4..7
    half[i] = _mm256_add_ps(_mm256_permute2f128_ps(a[i].lane, a[i + 4].lane, 0x20),
                            _mm256_permute2f128_ps(a[i].lane, a[i + 4].lane, 0x31));
  }
  __m256 quarter[2];
#  pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {  // of four: i and i + 2, then i + 4 and i + 6
    quarter[i] = _mm256_add_ps(_mm256_shuffle_ps(half[i], half[i + 2], 0x44),
                               _mm256_shuffle_ps(half[i], half[i + 2], 0xee));
  }
  const __m256 one = _mm256_add_ps(_mm256_shuffle_ps(quarter[0], quarter[1], 0x88),
                                   _mm256_shuffle_ps(quarter[0], quarter[1], 0xdd));
  const __m256 in_order = _mm256_permute_ps(one, 0xd8);  // 0 2 1 3 and 4 6 5 7 before
  __builtin_memcpy(sum, &in_order, sizeof(sum));
#else
  for (int r = 0; r < 8; ++r) sum[r] = sum_of_lanes(a[r]);
#endif
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
