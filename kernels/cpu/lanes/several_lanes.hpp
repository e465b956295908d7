#pragma once

#include "kernels/cpu/lanes/packed_lanes.hpp"

/// Several registers as one Word or Real of a formula. Compilers keep the order of operations by and large,
/// and processors look only so far ahead: with one register after the other each operation would wait for the
/// last.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Lanes, int Count>
struct Several {
  Lanes part[Count];

  Several() = default;
  LANGEVO_INLINE explicit Several(float all) {
    for (Lanes& lanes : part) lanes = Lanes(all);
  }
};

/// f of the parts of a, and of those of others.
template <int Count, class Function, class First, class... Others>
LANGEVO_INLINE auto each_part(const Function& f, const Several<First, Count>& a,
                              const Several<Others, Count>&... others) {
  Several<decltype(f(a.part[0], others.part[0]...)), Count> result;
#pragma GCC unroll 8
  for (int i = 0; i < Count; ++i) result.part[i] = f(a.part[i], others.part[i]...);
  return result;
}

template <int Count>
using SeveralWords = Several<PackedLanes, Count>;
template <int Count>
using SeveralFloats = Several<FloatLanes, Count>;

template <int Count>
LANGEVO_INLINE SeveralWords<Count> operator<<(const SeveralWords<Count>& a, int bits) {
  return each_part([&](PackedLanes x) { return x << bits; }, a);
}
template <int Count>
LANGEVO_INLINE SeveralWords<Count> operator+(const SeveralWords<Count>& a, std::uint32_t b) {
  return each_part([&](PackedLanes x) { return x + b; }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> to_float(const SeveralWords<Count>& a) {
  return each_part([](PackedLanes x) { return to_float(x); }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> to_signed_float(const SeveralWords<Count>& a) {
  return each_part([](PackedLanes x) { return to_signed_float(x); }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> operator-(const SeveralFloats<Count>& a) {
  return each_part([](FloatLanes x) { return -x; }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> operator-(const SeveralFloats<Count>& a, const SeveralFloats<Count>& b) {
  return each_part([](FloatLanes x, FloatLanes y) { return x - y; }, a, b);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> operator*(const SeveralFloats<Count>& a, const SeveralFloats<Count>& b) {
  return each_part([](FloatLanes x, FloatLanes y) { return x * y; }, a, b);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> multiply_add(const SeveralFloats<Count>& a, const SeveralFloats<Count>& b,
                                                 const SeveralFloats<Count>& c) {
  return each_part([](FloatLanes x, FloatLanes y, FloatLanes z) { return multiply_add(x, y, z); }, a, b, c);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> square_root(const SeveralFloats<Count>& a) {
  return each_part([](FloatLanes x) { return square_root(x); }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> binary_exponent(const SeveralFloats<Count>& a) {
  return each_part([](FloatLanes x) { return binary_exponent(x); }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> binary_fraction(const SeveralFloats<Count>& a) {
  return each_part([](FloatLanes x) { return binary_fraction(x); }, a);
}
template <int Count>
LANGEVO_INLINE SeveralFloats<Count> flip_sign(const SeveralFloats<Count>& a,
                                              const SeveralWords<Count>& sign) {
  return each_part([](FloatLanes x, PackedLanes y) { return flip_sign(x, y); }, a, sign);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
