#pragma once

#if defined(__SSE2__)
#  include <immintrin.h>
#endif

#include "kernels/scalar.hpp"

/// Floats side by side, as many as a register holds, for loops whose sums compilers do not keep in registers.
/// Formulas take it as their Real.
namespace langevo {
inline namespace LANGEVO_TARGET {

#if defined(__AVX512F__)
inline constexpr int float_lanes = 16;
#elif defined(__AVX2__)
inline constexpr int float_lanes = 8;
#else
inline constexpr int float_lanes = 4;
#endif

struct FloatLanes {
  using Vector = float __attribute__((vector_size(4 * float_lanes)));
  Vector lane;

  FloatLanes() = default;
  LANGEVO_INLINE FloatLanes(Vector lanes) : lane(lanes) {}
  LANGEVO_INLINE explicit FloatLanes(float all) : lane(all - Vector{}) {}
  LANGEVO_INLINE static FloatLanes load(const float* from) {
    FloatLanes result;
    __builtin_memcpy(&result.lane, from, sizeof(Vector));
    return result;
  }
  LANGEVO_INLINE void store(float* to) const { __builtin_memcpy(to, &lane, sizeof(Vector)); }

  LANGEVO_INLINE friend FloatLanes operator+(FloatLanes a, FloatLanes b) { return {a.lane + b.lane}; }
  LANGEVO_INLINE friend FloatLanes operator-(FloatLanes a, FloatLanes b) { return {a.lane - b.lane}; }
  LANGEVO_INLINE friend FloatLanes operator*(FloatLanes a, FloatLanes b) { return {a.lane * b.lane}; }
  LANGEVO_INLINE friend FloatLanes operator-(FloatLanes a) { return {-a.lane}; }
};

/// As multiply_add of each lane.
LANGEVO_INLINE FloatLanes multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fmadd_ps(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fmadd_ps(a.lane, b.lane, c.lane)};
#else
  return a * b + c;
#endif
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
