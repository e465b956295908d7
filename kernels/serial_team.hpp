#pragma once

#include <cstddef>

#include "kernels/scalar.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Data points are processed in tiles of this many; per-point arrays are [unit][points_per_tile].
inline constexpr int points_per_tile = 64;

/// The team of one: a CPU thread that works on one replica, with SIMD lanes over points and parameters.
///
/// A team runs collective operations over parameters (`each`, `sum`) and over the points of a tile
/// (`each_point`, `any_point`, `add_points`, `add_dot`). Bodies must not depend on each other. Sums have a
/// fixed order of their own: here eight partial sums, whatever the vector length, so every instruction set
/// gives the same bits. A team has one or more workers; each goes through tiles of its own, worker(),
/// worker() + workers, ..., in which it does not synchronize with the others.
struct SerialTeam {
  static constexpr int lanes = 8;
  static constexpr int workers = 1;

  /// A sum over points that grows tile by tile.
  struct PointSum {
    double partial[lanes];
  };

  template <class Body>
  LANGEVO_INLINE void each(std::size_t n, const Body& body) const {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) body(i);
  }

  /// sum_i term(i) in double.
  template <class Term>
  LANGEVO_INLINE double sum(std::size_t n, const Term& term) const {
    PointSum total{};
    const std::size_t whole = n / lanes * lanes;
    for (std::size_t i = 0; i < whole; i += lanes) {
#pragma omp simd
      for (int q = 0; q < lanes; ++q) total.partial[q] += term(i + q);
    }
    for (std::size_t i = whole; i < n; ++i) total.partial[i - whole] += term(i);
    return this->total(total);
  }

  template <class Body>
  LANGEVO_INLINE void each_point(const Body& body) const {
#pragma omp simd
    for (int p = 0; p < points_per_tile; ++p) body(p);
  }

  /// Whether `condition` holds for any of the points that this member of the team works on.
  template <class Condition>
  LANGEVO_INLINE bool any_point(const Condition& condition) const {
    int found = 0;
#pragma omp simd reduction(| : found)
    for (int p = 0; p < points_per_tile; ++p) found |= condition(p) ? 1 : 0;
    return found != 0;
  }

  LANGEVO_INLINE void clear(PointSum& sum) const {
    for (double& partial : sum.partial) partial = 0;
  }

  /// sum += sum_p term(p) over the tile.
  template <class Term>
  LANGEVO_INLINE void add_points(PointSum& sum, const Term& term) const {
#pragma omp simd
    for (int q = 0; q < lanes; ++q) {
      double partial = sum.partial[q];
      for (int c = 0; c < points_per_tile / lanes; ++c) partial += static_cast<double>(term(c * lanes + q));
      sum.partial[q] = partial;
    }
  }

  /// sum += sum_p a[p] b[p] over the tile.
  LANGEVO_INLINE void add_dot(PointSum& sum, const double* a, const double* b) const {
#pragma omp simd
    for (int q = 0; q < lanes; ++q) {
      double partial = sum.partial[q];
      for (int c = 0; c < points_per_tile / lanes; ++c) {
        partial = multiply_add(a[c * lanes + q], b[c * lanes + q], partial);
      }
      sum.partial[q] = partial;
    }
  }

  [[nodiscard]] LANGEVO_INLINE double total(const PointSum& sum) const {
    const double* s = sum.partial;
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  }

  [[nodiscard]] LANGEVO_INLINE std::size_t worker() const {
    return 0;
  }

  /// Whether this member writes what belongs to the whole team.
  [[nodiscard]] LANGEVO_INLINE bool leads() const {
    return true;
  }

  LANGEVO_INLINE void synchronize() const {}
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
