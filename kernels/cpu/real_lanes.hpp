#pragma once

#if defined(__SSE2__)
#  include <immintrin.h>
#endif

#include "kernels/scalar.hpp"

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
  using Vector = typename RegisterOf<Real>::Vector;
  static constexpr int count = register_bytes / sizeof(Real);
  Vector lane;

  RealLanes() = default;
  LANGEVO_INLINE RealLanes(Vector lanes) : lane(lanes) {}
  LANGEVO_INLINE explicit RealLanes(Real all) : lane(all - Vector{}) {}
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
/// Told apart, as compilers keep -a in a register of its own where it is used twice.
LANGEVO_INLINE FloatLanes negative_multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fnmadd_ps(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fnmadd_ps(a.lane, b.lane, c.lane)};
#else
  return c - a * b;
#endif
}
/// a b + c with one rounding, on every machine.
LANGEVO_INLINE FloatLanes fused_multiply_add(FloatLanes a, FloatLanes b, FloatLanes c) {
#if defined(__FMA__)
  return multiply_add(a, b, c);
#else
  for (int i = 0; i < FloatLanes::count; ++i) c.lane[i] = fused_multiply_add(a.lane[i], b.lane[i], c.lane[i]);
  return c;
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
LANGEVO_INLINE DoubleLanes multiply_add(DoubleLanes a, DoubleLanes b, DoubleLanes c) {
#if defined(__AVX512F__)
  return {_mm512_fmadd_pd(a.lane, b.lane, c.lane)};
#elif defined(__FMA__)
  return {_mm256_fmadd_pd(a.lane, b.lane, c.lane)};
#else
  return a * b + c;
#endif
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
