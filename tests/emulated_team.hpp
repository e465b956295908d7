#pragma once

#include <cstddef>

#include "kernels/random_words.hpp"
#include "kernels/scalar.hpp"
#include "kernels/serial_team.hpp"

namespace langevo {

/// A warp of 32 lanes on the host: between two synchronisation points one lane after the other does its
/// share, in ascending or descending order, and sums go through the butterfly that a GPU does with shuffles.
/// What comes out must not depend on the order of lanes.
template <bool Descending>
struct EmulatedWarpTeam {
  static constexpr int lanes = 32;

  /// A sum over points, complete after every tile and kept by the leading lane.
  struct PointSum {
    double value;
  };

  template <class Body>
  void each(std::size_t n, const Body& body) const {
    each_lane([&](std::size_t lane) {
      for (std::size_t i = lane; i < n; i += lanes) body(i);
    });
  }

  template <class Term>
  double sum(std::size_t n, const Term& term) const {
    double partial[lanes] = {};
    each_lane([&](std::size_t lane) {
      for (std::size_t i = lane; i < n; i += lanes) partial[lane] += term(i);
    });
    return butterfly(partial);
  }

  template <class Body>
  void each_block(const BlockRange& range, std::size_t count, const Body& body) const {
    each(count, [&](std::size_t i) { body(i, range.words(i)); });
  }

  [[nodiscard]] float dot(std::size_t n, const float* a, const float* b) const {
    float partial[lanes] = {};
    each_lane([&](std::size_t lane) {
      for (std::size_t i = lane; i < n; i += lanes)
        partial[lane] = fused_multiply_add(a[i], b[i], partial[lane]);
    });
    return butterfly(partial);
  }

  void combine_rows(std::size_t rows, std::size_t stride, const float* matrix, const float* factor,
                    float* out) const {
    each(stride, [&](std::size_t c) {
      float sum = 0;
      for (std::size_t r = 0; r < rows; ++r) sum = fused_multiply_add(factor[r], matrix[r * stride + c], sum);
      out[c] = sum;
    });
  }

  void add_gram(std::size_t count, std::size_t stride, const float* rows, float* out) const {
    each(stride, [&](std::size_t c) {
      for (std::size_t i = 0; i <= c; ++i) {
        float sum = 0;
        for (std::size_t r = 0; r < count; ++r) {
          sum = fused_multiply_add(rows[r * stride + i], rows[r * stride + c], sum);
        }
        out[i * stride + c] += sum;
      }
    });
  }

  template <class Body>
  void each_point(const Body& body) const {
    each(points_per_tile, [&](std::size_t p) { body(static_cast<int>(p)); });
  }

  template <class Condition>
  bool any_point(const Condition& condition) const {
    bool found = false;
    each_point([&](int p) { found = found || condition(p); });
    return found;
  }

  void clear(PointSum& sum) const { sum.value = 0; }

  template <class Term>
  void add_points(PointSum& total, const Term& term) const {
    total.value +=
        sum(points_per_tile, [&](std::size_t p) { return static_cast<double>(term(static_cast<int>(p))); });
  }

  void add_dot(PointSum& total, const double* a, const double* b) const {
    add_points(total, [&](int p) { return a[p] * b[p]; });
  }

  [[nodiscard]] double total(const PointSum& sum) const { return sum.value; }
  [[nodiscard]] bool leads() const { return true; }
  void synchronize() const {}

 private:
  template <class Body>
  void each_lane(const Body& body) const {
    for (std::size_t i = 0; i < lanes; ++i) body(Descending ? lanes - 1 - i : i);
  }

  /// Every lane adds its partner's value, at distance 16, 8, 4, 2, 1.
  template <class Real>
  static Real butterfly(Real (&value)[lanes]) {
    for (std::size_t distance = lanes / 2; distance > 0; distance /= 2) {
      Real next[lanes];
      for (std::size_t lane = 0; lane < lanes; ++lane) next[lane] = value[lane] + value[lane ^ distance];
      for (std::size_t lane = 0; lane < lanes; ++lane) value[lane] = next[lane];
    }
    return value[0];
  }
};

}  // namespace langevo
