#pragma once

#include <cstddef>

#include "kernels/serial_team.hpp"

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
  __device__ static double butterfly(double value) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
      value += __shfl_xor_sync(all_lanes, value, distance);
    return value;
  }
};

}  // namespace langevo
