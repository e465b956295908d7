#pragma once

#include <cstddef>

#include "kernels/host_device.hpp"

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

}  // namespace LANGEVO_TARGET
}  // namespace langevo
