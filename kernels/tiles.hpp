#pragma once

#include <cstddef>

#include "kernels/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Data points are processed in tiles of this many; per-point arrays are [unit][points_per_tile].
inline constexpr int points_per_tile = 64;

/// Rows of float matrices are padded with zeros to a multiple of this.
inline constexpr int float_row = 16;

LANGEVO_INLINE constexpr std::size_t padded_row(std::size_t n) {
  return (n + float_row - 1) / float_row * float_row;
}

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
