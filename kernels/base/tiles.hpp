#pragma once

#include <cstddef>

#include "kernels/base/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Data points are processed in tiles of this many; per-point arrays are [unit][points_per_tile].
inline constexpr int points_per_tile = 64;

/// Rows of float matrices are padded with zeros to a multiple of this.
inline constexpr int float_row = 16;

/// A dot product in float goes on in double after so many products, spread over 32 lanes at least.
inline constexpr std::size_t products_per_float_sum = 1024;

/// Additions in float that one product goes through in a dot product of n.
LANGEVO_INLINE constexpr double float_additions(std::size_t n) {
  return static_cast<double>(n < products_per_float_sum ? n : products_per_float_sum) / 32 + 7;
}

LANGEVO_INLINE constexpr std::size_t padded_row(std::size_t n) {
  return (n + float_row - 1) / float_row * float_row;
}

/// A number as a type, for bodies that want it as a constant.
template <auto Value>
struct Constant {
  LANGEVO_INLINE constexpr operator decltype(Value)() const { return Value; }
};

/// body(units, j) for all units j of a layer: `units` of them, a constant, from j on: `Most`, or one.
template <int Most, class Body>
LANGEVO_INLINE void each_unit_block(int count, const Body& body) {
  int j = 0;
  for (; j + Most <= count; j += Most) body(Constant<Most>{}, j);
  for (; j < count; ++j) body(Constant<1>{}, j);
}

/// Points p + q Stride for q < Count, each the first of those in one register of type LanesType.
template <class LanesType, int Count, int Stride>
struct PointRegisters {
  using Lanes = LanesType;
  static constexpr int count = Count;
  static constexpr int stride = Stride;
};

/// A register of one point, for teams whose lanes are threads; see real_lanes.hpp for several.
template <class Real>
LANGEVO_INLINE void load_lanes(Real& lanes, const Real* from) {
  lanes = *from;
}
template <class Real>
LANGEVO_INLINE void store_lanes(Real lanes, Real* to) {
  *to = lanes;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
