#pragma once

#include <bit>
#include <cstddef>
#include <type_traits>

#include "kernels/base/scalar.hpp"
#include "kernels/base/team.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/cpu/lanes/block_lanes.hpp"
#include "kernels/cpu/lanes/float_dots.hpp"
#include "kernels/cpu/lanes/real_lanes.hpp"
#include "kernels/random/random_words.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// The team of one: a CPU thread that works on one replica, with SIMD lanes over points and parameters.
///
/// A team runs collective operations over parameters (`each`, `sum`) and over the points of a tile
/// (`each_point`, `each_register`, `any_point`, `add_points`, `add_dots`). Bodies must not depend on each
/// other. Who may write what is said in cuda/teams/cuda_team.cuh. Sums have a fixed order of their own: here
/// eight partial sums, whatever the vector length, so every instruction set gives the same bits. A team has
/// one or more workers; each goes through tiles of its own, worker(), worker() + workers, ..., in which it
/// does not synchronize with the others.
struct SerialTeam {
  /// Operations over the points of a tile take its first `points`, a multiple of float_row, or a few more:
  /// rows are points_per_tile long, and nobody asks what they have beyond `points`.
  int points = points_per_tile;

  /// The team for a problem of so many points, which may be fewer than a tile has.
  LANGEVO_INLINE static constexpr SerialTeam for_points(std::size_t points) {
    return {points < points_per_tile ? static_cast<int>(padded_row(points)) : points_per_tile};
  }

  static constexpr int lanes = 8;
  static constexpr int workers = 1;
  static constexpr int threads = 1;
  /// Units and registers of points that affine maps work on together,
  static constexpr int units_per_block = register_bytes >= 64 ? 8 : 4;
  static constexpr int registers_per_block = 2;
  /// and that values with changes do, of three sums each.
  static constexpr int units_with_change = 4;
  static constexpr int registers_with_change = register_bytes >= 64 ? 2 : 1;
  static constexpr bool carries_values = true;                         ///< see carried_values.hpp
  static constexpr bool uses_nodes = true;                             ///< see quadrature/nodes.hpp
  static constexpr std::uint64_t vectors_at_a_time = vectors_of_dots;  ///< of `dots`
  using FloatLanes = langevo::FloatLanes;
  using DoubleLanes = langevo::DoubleLanes;

  /// A sum over points that grows tile by tile.
  struct PointSum {
    double partial[lanes];
  };

  /// A sum over the points of some tiles in float.
  struct FloatPointSum {
    float partial[float_row];
  };

  /// A number for every point of a tile, of which a member of the team has those it works on.
  template <class Real>
  struct PointValues {
    Real value[points_per_tile];
    LANGEVO_INLINE Real& operator[](int p) { return value[p]; }
    LANGEVO_INLINE const Real& operator[](int p) const { return value[p]; }
  };

  template <class Body>
  LANGEVO_INLINE void each(std::size_t n, const Body& body) const {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) body(i);
  }

  /// As `each`, for bodies that only store what does not depend on what they stored: it may be done twice,
  /// which spares the odd ones at the end.
  template <class Body>
  LANGEVO_INLINE void assign(std::size_t n, const Body& body) const {
    constexpr std::size_t strip = float_row;
    if (n < strip) return each(n, body);
    for (std::size_t i = 0; i < n; i += strip) {
      const std::size_t first = i + strip <= n ? i : n - strip;
#pragma omp simd
      for (std::size_t q = 0; q < strip; ++q) body(first + q);
    }
  }

  /// body(registers, i) for all i < n, a register of type Lanes from i on at a time, the last ones alone.
  template <class Real, class Body>
  LANGEVO_INLINE void each_lanes(std::size_t n, const Body& body) const {
    using Lanes = RealLanes<Real>;
    std::size_t i = 0;
    for (; i + Lanes::count <= n; i += Lanes::count) body(PointRegisters<Lanes, 1, Lanes::count>(), i);
    for (; i < n; ++i) body(PointRegisters<Real, 1, 1>(), i);
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

  /// body(words of blocks, place) for the blocks of the range in `steps` steps; see block_lanes.hpp.
  template <class Body>
  LANGEVO_INLINE void each_block(const BlockRange& range, std::uint32_t steps, const Body& body) const {
    each_block_side_by_side(range, steps, body);
  }

  /// Most steps of sum_normals, so that float holds their sums.
  static constexpr std::uint32_t steps_per_sum = 32;

  /// Sums over steps of a range and of its paths; see block_lanes.hpp.
  LANGEVO_INLINE void sum_normals(const BlockRange& range, std::uint32_t steps, float* sum,
                                  float* path) const {
    sum_normals_side_by_side(range, steps, sum, path);
  }

  /// sum_i a_i b_i; see float_additions.
  [[nodiscard]] LANGEVO_INLINE double dot(std::size_t n, const float* a, const float* b) const {
    constexpr std::size_t piece = products_per_float_sum;
    double sum = 0;
    for (; n > piece; n -= piece, a += piece, b += piece) sum += static_cast<double>(float_dot(piece, a, b));
    return sum + static_cast<double>(float_dot(n, a, b));
  }

  /// A number for each of a few vectors, of which a member of the team has those of its own vectors.
  template <class Real>
  struct VectorValues {
    Real value[vectors_at_a_time];
    LANGEVO_INLINE Real& operator[](std::size_t k) { return value[k]; }
    LANGEVO_INLINE const Real& operator[](std::size_t k) const { return value[k]; }
  };

  /// From one of a few vectors to the next in memory, for rows of n numbers, a multiple of 32.
  LANGEVO_INLINE static constexpr std::size_t vector_row(std::size_t n) {
    return n;
  }

  /// Additions in float that a product goes through in `dot` and `dots`.
  LANGEVO_INLINE static constexpr double float_additions(std::size_t n) {
    return langevo::float_additions(n);
  }

  /// body(k) for the vectors k < count by the members whose they are, and perhaps for more of their own.
  template <class Body>
  LANGEVO_INLINE void each_vector(std::size_t, const Body& body) const {
#pragma omp simd
    for (std::size_t k = 0; k < vectors_at_a_time; ++k) body(k);
  }

  /// The first vector from `from` on of which the condition is true, or count.
  template <class Condition>
  LANGEVO_INLINE std::size_t first_vector(std::size_t from, std::size_t count,
                                          const Condition& condition) const {
    while (from < count && !condition(from)) ++from;
    return from;
  }

  /// Vector k's number, for all members.
  template <class Real>
  LANGEVO_INLINE Real of_vector(const VectorValues<Real>& values, std::size_t k) const {
    return values.value[k];
  }

  /// Sets each value[i] to add(value[i], i, k) for the vectors k whose bit of `vectors` is set, in their
  /// order.
  template <class Real, class Add>
  LANGEVO_INLINE void fold_vectors(std::size_t n, std::uint32_t vectors, Real* value, const Add& add) const {
    for (; vectors != 0; vectors &= vectors - 1) {
      const auto k = static_cast<std::size_t>(std::countr_zero(vectors));
      each(n, [=](std::size_t i) { value[i] = add(value[i], i, k); });
    }
  }

  /// out[r][k] = sum_i rows[r][i] vectors[k stride + i] for `count` vectors k, each as `dot` makes it.
  template <int Rows>
  LANGEVO_INLINE void dots(std::size_t n, std::size_t count, const float* vectors, std::size_t stride,
                           const float* const (&rows)[Rows], VectorValues<double>* out) const {
    for (int r = 0; r < Rows; ++r) {
      for (double& sum : out[r].value) sum = 0;
    }
    if (FloatLanes::count < lanes || n % float_row != 0) {
      for (std::size_t k = 0; k < count; ++k) {
        for (int r = 0; r < Rows; ++r) out[r][k] = dot(n, rows[r], vectors + k * stride);
      }
      return;
    }
    for (std::size_t first = 0; first < n; first += products_per_float_sum) {
      const std::size_t piece = n - first < products_per_float_sum ? n - first : products_per_float_sum;
      add_float_dots<Rows>(piece, count, vectors + first, stride, rows, first, out);
    }
  }

  /// out_c = sum_r factor_r matrix[r][c] in float, for `columns` = `stride`, a multiple of float_row.
  LANGEVO_INLINE void combine_rows(std::size_t rows, std::size_t stride, const float* matrix,
                                   const float* factor, float* out) const {
    constexpr int wide = 3 * float_row;
    std::size_t c = 0;
    for (; c + wide <= stride; c += wide) combine_strip<wide>(rows, stride, matrix + c, factor, out + c);
    for (; c < stride; c += float_row) combine_strip<float_row>(rows, stride, matrix + c, factor, out + c);
  }

  /// out[i][c] += sum_r rows[r][i] rows[r][c] in float, for all c >= i and some others; i, c < `stride`, a
  /// multiple of float_row.
  LANGEVO_INLINE void add_gram(std::size_t count, std::size_t stride, const float* rows, float* out) const {
    constexpr std::size_t widest = register_bytes >= 64 ? 3 : 1;
    std::size_t c = 0;
    for (; c + widest * float_row <= stride; c += widest * float_row)
      add_gram_columns<widest>(count, stride, rows, 0, c, out);
    if (c + 2 * float_row <= stride) return add_gram_columns<2>(count, stride, rows, 0, c, out);
    if (c < stride) add_gram_columns<1>(count, stride, rows, 0, c, out);
  }

  template <class Body>
  LANGEVO_INLINE void each_point(const Body& body) const {
    const int end = end_of_points();
#pragma omp simd
    for (int p = 0; p < end; ++p) body(p);
  }

  /// body(registers, p) for all points, `Count` registers at a time, the first from p on; `registers` only
  /// tells their type and where the others begin.
  template <class Real, int Count, class Body>
  LANGEVO_INLINE void each_register(const Body& body) const {
    using Lanes = RealLanes<Real>;
    const int end = end_of_points();
    for (int p = 0; p < end; p += Count * Lanes::count) body(PointRegisters<Lanes, Count, Lanes::count>(), p);
  }

  /// Whether `condition` holds for any of the points that this member of the team works on.
  template <class Condition>
  LANGEVO_INLINE bool any_point(const Condition& condition) const {
    int found = 0;
    const int end = end_of_points();
#pragma omp simd reduction(| : found)
    for (int p = 0; p < end; ++p) found |= condition(p) ? 1 : 0;
    return found != 0;
  }

  template <class Sum>
  LANGEVO_INLINE void clear(Sum& sum) const {
    for (auto& partial : sum.partial) partial = 0;
  }

  /// sum += sum_p term(p) over the tile.
  template <class Sum, class Term>
  LANGEVO_INLINE void add_points(Sum& sum, const Term& term) const {
    if (points == points_per_tile) return add_point_block<points_per_tile>(sum, 0, term);
    const int end = end_of_points();
    for (int first = 0; first < end; first += float_row) add_point_block<float_row>(sum, first, term);
  }

  /// sums[i stride + k] += sum_p a[i][p] b[k][p] over the tile, for `rows` rows i and `columns` rows k.
  template <class Sum, class Real>
  LANGEVO_INLINE void add_dots(Sum* sums, std::size_t stride, int rows, int columns, const Real* a,
                               const Real* b) const {
    constexpr int tall = register_bytes >= 64 ? 4 : 2;  // 16 sums in 32 registers, or 8 in 16
    const int end = end_of_points();
    int i = 0;
    for (; i + tall <= rows; i += tall) {
      add_dots_of_rows<tall>(end, sums + i * stride, stride, columns, a + i * points_per_tile, b);
    }
    for (; i < rows; ++i)
      add_dots_of_rows<1>(end, sums + i * stride, stride, columns, a + i * points_per_tile, b);
  }

  [[nodiscard]] LANGEVO_INLINE double total(const PointSum& sum) const {
    const double* s = sum.partial;
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
  }

  [[nodiscard]] LANGEVO_INLINE double total(const FloatPointSum& sum) const {
    PointSum halves;
    for (int q = 0; q < lanes; ++q)
      halves.partial[q] = static_cast<double>(sum.partial[q]) + static_cast<double>(sum.partial[q + lanes]);
    return total(halves);
  }

  [[nodiscard]] LANGEVO_INLINE std::size_t worker() const {
    return 0;
  }

  /// Whether this member writes what belongs to the whole team.
  [[nodiscard]] LANGEVO_INLINE bool leads() const {
    return true;
  }

  LANGEVO_INLINE void synchronize() const {}

  template <class Body>
  LANGEVO_INLINE void by_leader(const Body& body) const {
    body();
  }
  template <class Body>
  LANGEVO_INLINE void by_leading_lane(const Body& body) const {
    body();
  }

 private:
  /// `points`, of which compilers then know what they are: loops need no scalar rest and no test before.
  [[nodiscard]] LANGEVO_INLINE int end_of_points() const {
    const int end = points & -float_row;
    if (end < float_row || end > points_per_tile) __builtin_unreachable();
    return end;
  }

  template <class Sum>
  using RealOf = std::remove_reference_t<decltype(Sum::partial[0])>;
  template <class Sum>
  static constexpr int partials_of = static_cast<int>(std::extent_v<decltype(Sum::partial)>);

  /// sum += sum_p term(p) over `Count` points from `first` on: constants, so that sums stay in registers.
  template <int Count, class Sum, class Term>
  LANGEVO_INLINE static void add_point_block(Sum& sum, int first, const Term& term) {
    using Real = RealOf<Sum>;
    constexpr int partials = partials_of<Sum>;
#pragma omp simd
    for (int q = 0; q < partials; ++q) {
      Real partial = sum.partial[q];
      for (int c = 0; c < Count / partials; ++c) partial += static_cast<Real>(term(first + c * partials + q));
      sum.partial[q] = partial;
    }
  }

  /// Two partial sums a column: with one the additions would wait for each other.
  template <int Columns>
  LANGEVO_INLINE static void combine_strip(std::size_t rows, std::size_t stride, const float* matrix,
                                           const float* factor, float* out) {
    float even[Columns];
    float odd[Columns];
#pragma omp simd
    for (int c = 0; c < Columns; ++c) even[c] = odd[c] = 0;
    std::size_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      const float* row = matrix + r * stride;
#pragma omp simd
      for (int c = 0; c < Columns; ++c) even[c] = multiply_add(factor[r], row[c], even[c]);
#pragma omp simd
      for (int c = 0; c < Columns; ++c) odd[c] = multiply_add(factor[r + 1], row[stride + c], odd[c]);
    }
    if (r < rows) {
      const float* row = matrix + r * stride;
#pragma omp simd
      for (int c = 0; c < Columns; ++c) even[c] = multiply_add(factor[r], row[c], even[c]);
    }
#pragma omp simd
    for (int c = 0; c < Columns; ++c) out[c] = even[c] + odd[c];
  }

  template <int Rows, class Sum, class Real>
  LANGEVO_INLINE static void add_dots_of_rows(int end, Sum* sums, std::size_t stride, int columns,
                                              const Real* a, const Real* b) {
    constexpr int wide = 4;
    int k = 0;
    for (; k + wide <= columns; k += wide)
      add_dots_tile<Rows, wide>(end, sums + k, stride, a, b + k * points_per_tile);
    for (; k < columns; ++k) add_dots_tile<Rows, 1>(end, sums + k, stride, a, b + k * points_per_tile);
  }

  template <int Rows, int Columns, class Sum, class Real>
  LANGEVO_INLINE static void add_dots_tile(int end, Sum* sums, std::size_t stride, const Real* a,
                                           const Real* b) {
    using Lanes = RealLanes<Real>;
    constexpr int partials = partials_of<Sum>;
    for (int q = 0; q < partials; q += Lanes::count) {
      Lanes sum[Rows][Columns];
#pragma GCC unroll 8
      for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
        for (int k = 0; k < Columns; ++k) sum[i][k] = Lanes::load(sums[i * stride + k].partial + q);
      }
      for (int p = q; p < end; p += partials) {
        Lanes b_k[Columns];
#pragma GCC unroll 8
        for (int k = 0; k < Columns; ++k) b_k[k] = Lanes::load(b + k * points_per_tile + p);
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i) {
          const Lanes a_i = Lanes::load(a + i * points_per_tile + p);
#pragma GCC unroll 8
          for (int k = 0; k < Columns; ++k) sum[i][k] = multiply_add(a_i, b_k[k], sum[i][k]);
        }
      }
#pragma GCC unroll 8
      for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
        for (int k = 0; k < Columns; ++k) sum[i][k].store(sums[i * stride + k].partial + q);
      }
    }
  }

  /// Adds to the Gram matrix from row i on to the diagonal, `Width` times float_row columns from c on.
  template <int Width>
  static void add_gram_columns(std::size_t count, std::size_t stride, const float* rows, std::size_t i,
                               std::size_t c, float* out) {
    constexpr int tile = register_bytes >= 64 ? 8 : 4;
    for (; i < c + float_row; i += tile)
      add_gram_tile<tile, Width>(count, stride, rows + i, rows + c, out + i * stride + c);
    if constexpr (Width > 1) add_gram_columns<Width - 1>(count, stride, rows, i, c + float_row, out);
  }

  template <int Tile, int Width>
  LANGEVO_INLINE static void add_gram_tile(std::size_t count, std::size_t stride, const float* left,
                                           const float* right, float* out) {
    constexpr int registers = Width * float_row / FloatLanes::count;
    FloatLanes sum[Tile][registers];
#pragma GCC unroll 8
    for (int i = 0; i < Tile; ++i) {
#pragma GCC unroll 4
      for (int q = 0; q < registers; ++q) sum[i][q] = FloatLanes(0.0f);
    }
    for (std::size_t r = 0; r < count; ++r, left += stride, right += stride) {
      FloatLanes b[registers];
#pragma GCC unroll 4
      for (int q = 0; q < registers; ++q) b[q] = FloatLanes::load(right + q * FloatLanes::count);
#pragma GCC unroll 8
      for (int i = 0; i < Tile; ++i) {
        const FloatLanes a(left[i]);
#pragma GCC unroll 4
        for (int q = 0; q < registers; ++q) sum[i][q] = multiply_add(a, b[q], sum[i][q]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Tile; ++i) {
#pragma GCC unroll 4
      for (int q = 0; q < registers; ++q) {
        float* const to = out + i * stride + q * FloatLanes::count;
        (FloatLanes::load(to) + sum[i][q]).store(to);
      }
    }
  }
};

static_assert(Team<SerialTeam>);

}  // namespace LANGEVO_TARGET
}  // namespace langevo
