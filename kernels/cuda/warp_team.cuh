#pragma once

#include <cstddef>

#include "kernels/random_words.hpp"
#include "kernels/scalar.hpp"
#include "kernels/tiles.hpp"

namespace langevo {

/// A warp that works on one replica: lane l takes points l and l + 32 of every tile, and every 32nd
/// parameter. What one lane writes for a point only that lane reads; everything else passes a
/// synchronisation.
struct WarpTeam {
  static constexpr int lanes = 32;
  static constexpr unsigned all_lanes = 0xffffffffu;

  /// A sum over points, complete after every tile, in memory that the leading lane writes.
  struct PointSum {
    double value;
  };

  template <class Body>
  __device__ void each(std::size_t n, const Body& body) const {
    for (std::size_t i = lane(); i < n; i += lanes) body(i);
  }

  template <class Term>
  __device__ double sum(std::size_t n, const Term& term) const {
    double partial = 0;
    for (std::size_t i = lane(); i < n; i += lanes) partial += term(i);
    return butterfly(partial);
  }

  template <class Body>
  __device__ void each_block(const BlockRange& range, std::size_t count, const Body& body) const {
    each(count, [&](std::size_t i) { body(i, range.words(i)); });
  }

  [[nodiscard]] __device__ float dot(std::size_t n, const float* a, const float* b) const {
    float partial = 0;
    for (std::size_t i = lane(); i < n; i += lanes) partial = fused_multiply_add(a[i], b[i], partial);
    return butterfly(partial);
  }

  __device__ void combine_rows(std::size_t rows, std::size_t stride, const float* matrix, const float* factor,
                               float* out) const {
    for (std::size_t c = lane(); c < stride; c += lanes) {
      float sum = 0;
      for (std::size_t r = 0; r < rows; ++r) sum = fused_multiply_add(factor[r], matrix[r * stride + c], sum);
      out[c] = sum;
    }
  }

  __device__ void add_gram(std::size_t count, std::size_t stride, const float* rows, float* out) const {
    constexpr int tile = 8;
    for (std::size_t c = lane(); c < stride; c += lanes) {
      for (std::size_t i = 0; i <= c; i += tile) {
        float sum[tile] = {};
        for (std::size_t r = 0; r < count; ++r) {
          const float* row = rows + r * stride;
          for (int k = 0; k < tile; ++k) sum[k] = fused_multiply_add(row[i + k], row[c], sum[k]);
        }
        for (int k = 0; k < tile; ++k) out[(i + k) * stride + c] += sum[k];
      }
    }
  }

  template <class Body>
  __device__ void each_point(const Body& body) const {
    for (int p = static_cast<int>(lane()); p < points_per_tile; p += lanes) body(p);
  }

  template <class Condition>
  __device__ bool any_point(const Condition& condition) const {
    bool found = false;
    each_point([&](int p) { found = found || condition(p); });
    return __any_sync(all_lanes, found) != 0;
  }

  __device__ void clear(PointSum& sum) const {
    if (leads()) sum.value = 0;
  }

  template <class Term>
  __device__ void add_points(PointSum& total, const Term& term) const {
    const double tile =
        sum(points_per_tile, [&](std::size_t p) { return static_cast<double>(term(static_cast<int>(p))); });
    if (leads()) total.value += tile;
  }

  __device__ void add_dot(PointSum& total, const double* a, const double* b) const {
    add_points(total, [&](int p) { return a[p] * b[p]; });
  }

  [[nodiscard]] __device__ double total(const PointSum& sum) const { return sum.value; }
  [[nodiscard]] __device__ bool leads() const { return lane() == 0; }
  __device__ void synchronize() const { __syncwarp(); }

 private:
  __device__ static unsigned lane() { return threadIdx.x % lanes; }

  /// Every lane ends with the same bits: at each distance both partners add the same two numbers.
  template <class Real>
  __device__ static Real butterfly(Real value) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
      value += __shfl_xor_sync(all_lanes, value, distance);
    return value;
  }
};

}  // namespace langevo
