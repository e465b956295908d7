#pragma once

#include <cstddef>

#include "kernels/base/tiles.hpp"
#include "kernels/cpu/lanes/real_lanes.hpp"

/// Dot products in float with an order of additions of their own, which is the same on every machine: 32
/// partial sums, number i to sum i % 32, halves added to halves until one is left.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Vectors side by side in add_float_dots.
inline constexpr std::size_t vectors_of_dots = 8;

/// Registers of the partial sums of a dot product in float, whatever their length 32 numbers in all.
inline constexpr int dot_registers = 2 * float_row / FloatLanes::count;

/// part_q += a_i b_i for the numbers of `Registers` registers from i on.
template <int Registers>
LANGEVO_INLINE void add_products(const float* a, const float* b, std::size_t i,
                                 FloatLanes (&part)[dot_registers]) {
#pragma GCC unroll 8
  for (int q = 0; q < Registers; ++q) {
    const std::size_t at = i + static_cast<std::size_t>(q) * FloatLanes::count;
    part[q] = multiply_add(FloatLanes::load(a + at), FloatLanes::load(b + at), part[q]);
  }
}
/// Halves added to halves until one register is left.
LANGEVO_INLINE FloatLanes sum_of_registers(FloatLanes (&part)[dot_registers]) {
#pragma GCC unroll 8
  for (int half = dot_registers / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int q = 0; q < half; ++q) part[q] = part[q] + part[q + half];
  }
  return part[0];
}

LANGEVO_INLINE float float_dot(std::size_t n, const float* a, const float* b) {
  constexpr std::size_t strip = 2 * float_row;
  FloatLanes part[dot_registers];
#pragma GCC unroll 8
  for (int q = 0; q < dot_registers; ++q) part[q] = FloatLanes(0.0f);
  std::size_t i = 0;
  for (; i + strip <= n; i += strip) add_products<dot_registers>(a, b, i, part);
  if (i + float_row <= n) {
    add_products<dot_registers / 2>(a, b, i, part);
    i += float_row;
  }
  if (i < n) {
    float partial[strip];
    for (int q = 0; q < dot_registers; ++q) part[q].store(partial + q * FloatLanes::count);
    for (std::size_t q = i % strip; i < n; ++i, ++q) partial[q] = multiply_add(a[i], b[i], partial[q]);
    for (int q = 0; q < dot_registers; ++q) part[q] = FloatLanes::load(partial + q * FloatLanes::count);
  }
  return sum_of_lanes(sum_of_registers(part));
}

/// out[r][k] += sum_i rows[r][offset + i] vectors[k stride + i] for n <= products_per_float_sum whole rows
/// of numbers, with the additions of float_dot; so many rows at a time as registers have sums for.
template <int Rows, class Out>
LANGEVO_INLINE void add_float_dots(std::size_t n, std::size_t count, const float* vectors, std::size_t stride,
                                   const float* const* rows, std::size_t offset, Out* out) {
  constexpr int most = register_bytes >= 64 ? 8 : 3;
  if constexpr (Rows > most) {
    add_float_dots<most>(n, count, vectors, stride, rows, offset, out);
    add_float_dots<Rows - most>(n, count, vectors, stride, rows + most, offset, out + most);
  } else {
    constexpr std::size_t strip = 2 * float_row;
    FloatLanes sums[Rows][vectors_of_dots];
    for (std::size_t k = count; k < vectors_of_dots; ++k) {
      for (auto& of_row : sums) of_row[k] = FloatLanes(0.0f);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const float* const v = vectors + k * stride;
      FloatLanes part[Rows][dot_registers];
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
        for (int q = 0; q < dot_registers; ++q) part[r][q] = FloatLanes(0.0f);
      }
      std::size_t i = 0;
      for (; i + strip <= n; i += strip) {
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) add_products<dot_registers>(rows[r] + offset, v, i, part[r]);
      }
      if (i < n) {
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) add_products<dot_registers / 2>(rows[r] + offset, v, i, part[r]);
      }
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sums[r][k] = sum_of_registers(part[r]);
    }
    for (int r = 0; r < Rows; ++r) {
      float sum[vectors_of_dots];
      sum_of_lanes(sums[r], sum);
#pragma omp simd
      for (std::size_t k = 0; k < vectors_of_dots; ++k) out[r][k] += static_cast<double>(sum[k]);
    }
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
