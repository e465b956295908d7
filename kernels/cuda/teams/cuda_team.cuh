#pragma once

#include <cstddef>

#include "kernels/base/scalar.hpp"
#include "kernels/base/team.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/random/random_words.hpp"

namespace langevo {

/// `warps` warps of a block that work on one replica; each warp is a worker with tiles of its own, of which
/// lane l takes points l and l + 32. Parameters go round all threads.
///
/// Who writes what, on any team. Threads run in no order, so between two synchronisations a place in memory
/// has one thread that writes it, which is then the only one to read it, or it has none.
/// - A thread's variables are its own. Collective operations are reached by all threads alike, so conditions
///   on the way depend on what all have with the same bits: arguments, sums, kept state.
/// - Rows of points are the worker's; of a point the lane that works on it writes and reads them.
/// - Arrays of the team are written by the thread that `each` gives the place to; small things, norms and
///   reports, where the team `leads()`.
/// - What a worker keeps from step to step in its workspace is KeptState, changed `by_leading_lane`.
/// - What is kept of a replica (ReplicaView: calibration, screening) changes `by_leader`.
/// Workspaces are constant otherwise. Sums do not synchronise: a shuffle orders no memory.
template <int warps>
struct CudaTeam {
  static constexpr int lanes = 32;
  static constexpr int workers = warps;
  static constexpr int units_per_block = 2;  ///< see SerialTeam; registers are scarcer here
  static constexpr int registers_per_block = 2;
  static constexpr int units_with_change = 2;
  static constexpr int registers_with_change = 1;
  static constexpr bool carries_values = false;
  static constexpr bool uses_nodes = false;
  /// Lanes are vectors where a warp is all of the team; see SerialTeam.
  static constexpr std::uint64_t vectors_at_a_time = warps == 1 ? lanes : 1;
  /// Longer vectors are taken one after the other by all lanes: there is no room for more on chip.
  static constexpr std::size_t longest_of_a_lane = 128;
  static constexpr int threads = warps * lanes;
  static constexpr unsigned all_lanes = 0xffffffffu;

  /// A sum over points, complete after every tile: each warp's part in memory that its first lane writes.
  struct PointSum {
    double part[warps];
  };
  using FloatPointSum = PointSum;  ///< within a tile in float

  /// This lane's points.
  template <class Real>
  struct PointValues {
    Real value[points_per_tile / lanes];
    __device__ Real& operator[](int p) { return value[p / lanes]; }
    __device__ const Real& operator[](int p) const { return value[p / lanes]; }
  };

  double* warp_sums;  ///< [warps] on chip, to add up what the warps have; not used by a team of one

  template <class Body>
  __device__ void each(std::size_t n, const Body& body) const {
    for (std::size_t i = thread(); i < n; i += threads) body(i);
  }

  template <class Body>
  __device__ void assign(std::size_t n, const Body& body) const {
    each(n, body);
  }

  template <class Real, class Body>
  __device__ void each_lanes(std::size_t n, const Body& body) const {
    each(n, [&](std::size_t i) { body(PointRegisters<Real, 1, 1>(), i); });
  }

  template <class Term>
  __device__ double sum(std::size_t n, const Term& term) const {
    double partial = 0;
    for (std::size_t i = thread(); i < n; i += threads) partial += term(i);
    return sum_of_warps(butterfly(partial));
  }

  template <class Body>
  __device__ void each_block(const BlockRange& range, std::uint32_t steps, const Body& body) const {
    each(std::size_t{range.blocks_per_step} * steps, [&](std::size_t i) {
      const BlockPlace place = range.place(static_cast<std::uint32_t>(i));
      body(range.words(place), place);
    });
  }

  [[nodiscard]] __device__ double dot(std::size_t n, const float* a, const float* b) const {
    constexpr std::size_t piece = products_per_float_sum / lanes * threads;
    double sum = 0;
    float partial = 0;
    for (std::size_t first = 0; first < n; first += piece) {
      sum += static_cast<double>(partial);
      partial = 0;
      const std::size_t end = first + piece < n ? first + piece : n;
      for (std::size_t i = first + thread(); i < end; i += threads)
        partial = multiply_add(a[i], b[i], partial);
    }
    if (n <= piece) return sum_of_warps(static_cast<double>(butterfly(partial)));
    return sum_of_warps(butterfly(sum + static_cast<double>(partial)));
  }

  /// The number of this lane's vector.
  template <class Real>
  struct VectorValues {
    Real value;
    __device__ Real& operator[](std::size_t) { return value; }
    __device__ const Real& operator[](std::size_t) const { return value; }
  };

  /// Lanes that read four numbers each of their own rows so find them in banks of their own.
  __device__ __host__ static constexpr std::size_t vector_row(std::size_t n) {
    return vectors_at_a_time > 1 && n <= longest_of_a_lane ? n + 4 : n;
  }

  __device__ __host__ static constexpr double float_additions(std::size_t n) {
    return vectors_at_a_time > 1 && n <= longest_of_a_lane ? static_cast<double>(n) / 4 + 3
                                                           : langevo::float_additions(n);
  }

  template <class Body>
  __device__ void each_vector(std::size_t, const Body& body) const {
    body(own_vector());
  }

  template <class Condition>
  __device__ std::size_t first_vector(std::size_t from, std::size_t count, const Condition& condition) const {
    if constexpr (vectors_at_a_time == 1) {
      return from < count && !condition(from) ? from + 1 : from;
    } else {
      const bool is_one = lane() >= from && lane() < count && condition(lane());
      const unsigned found = __ballot_sync(all_lanes, is_one);
      return found == 0 ? count : static_cast<std::size_t>(__ffs(static_cast<int>(found)) - 1);
    }
  }

  template <class Real>
  __device__ Real of_vector(const VectorValues<Real>& values, std::size_t k) const {
    if constexpr (vectors_at_a_time == 1) {
      return values.value;
    } else {
      return __shfl_sync(all_lanes, values.value, static_cast<int>(k));
    }
  }

  /// Some numbers of a thread stay in registers while the vectors are gone through.
  template <class Real, class Add>
  __device__ void fold_vectors(std::size_t n, std::uint32_t vectors, Real* value, const Add& add) const {
    constexpr unsigned most = longest_of_a_lane / lanes;
    const auto end = static_cast<unsigned>(n);
    for (unsigned first = thread(); first < end; first += most * threads) {
      Real sum[most];
#pragma unroll
      for (unsigned j = 0; j < most; ++j) {
        const unsigned i = first + j * threads;
        sum[j] = i < end ? value[i] : Real(0);
      }
      for (std::uint32_t left = vectors; left != 0; left &= left - 1) {
        const auto k = static_cast<unsigned>(__ffs(static_cast<int>(left)) - 1);
#pragma unroll
        for (unsigned j = 0; j < most; ++j) {
          const unsigned i = first + j * threads;
          if (i < end) sum[j] = add(sum[j], i, k);
        }
      }
#pragma unroll
      for (unsigned j = 0; j < most; ++j) {
        const unsigned i = first + j * threads;
        if (i < end) value[i] = sum[j];
      }
    }
  }

  template <int Rows>
  __device__ void dots(std::size_t n, std::size_t count, const float* vectors, std::size_t stride,
                       const float* const (&rows)[Rows], VectorValues<double>* out) const {
    if (vectors_at_a_time > 1 && n <= longest_of_a_lane && n % 4 == 0 && stride % 4 == 0) {
      const bool is_asked = lane() < count;
      return dots_of_a_lane<Rows>(n, vectors + (is_asked ? lane() * stride : 0), rows, out);
    }
    for (int r = 0; r < Rows; ++r) out[r].value = 0;
    for (std::size_t k = 0; k < count; ++k) {
#pragma unroll
      for (int r = 0; r < Rows; ++r) {
        const double product = dot(n, rows[r], vectors + k * stride);
        if (own_vector() == k) out[r].value = product;
      }
    }
  }

  __device__ void combine_rows(std::size_t rows, std::size_t stride, const float* matrix, const float* factor,
                               float* out) const {
    for (std::size_t c = thread(); c < stride; c += threads) {
      float sum = 0;
      for (std::size_t r = 0; r < rows; ++r) sum = multiply_add(factor[r], matrix[r * stride + c], sum);
      out[c] = sum;
    }
  }

  __device__ void add_gram(std::size_t count, std::size_t stride, const float* rows, float* out) const {
    constexpr int tile = 8;
    for (std::size_t c = thread(); c < stride; c += threads) {
      for (std::size_t i = 0; i <= c; i += tile) {
        float sum[tile] = {};
        for (std::size_t r = 0; r < count; ++r) {
          const float* row = rows + r * stride;
          for (int k = 0; k < tile; ++k) sum[k] = multiply_add(row[i + k], row[c], sum[k]);
        }
        for (int k = 0; k < tile; ++k) out[(i + k) * stride + c] += sum[k];
      }
    }
  }

  template <class Body>
  __device__ void each_point(const Body& body) const {
#pragma unroll
    for (int mine = 0; mine < points_per_tile / lanes; ++mine) body(static_cast<int>(lane()) + mine * lanes);
  }

  template <class Real, int Count, class Body>
  __device__ void each_register(const Body& body) const {
    for (int p = static_cast<int>(lane()); p < points_per_tile; p += Count * lanes)
      body(PointRegisters<Real, Count, lanes>(), p);
  }

  template <class Condition>
  __device__ bool any_point(const Condition& condition) const {
    bool found = false;
    each_point([&](int p) { found = found || condition(p); });
    return __any_sync(all_lanes, found) != 0;
  }

  __device__ void clear(PointSum& sum) const {
    if (lane() == 0) sum.part[worker()] = 0;
  }

  template <class Term>
  __device__ void add_points(PointSum& total, const Term& term) const {
    double partial = 0;
    each_point([&](int p) { partial += static_cast<double>(term(p)); });
    const double tile = butterfly(partial);
    if (lane() == 0) total.part[worker()] += tile;
  }

  __device__ void add_dots(PointSum* sums, std::size_t stride, int rows, int columns, const double* a,
                           const double* b) const {
    for (int i = 0; i < rows; ++i) {
      for (int k = 0; k < columns; ++k) {
        add_points(sums[i * stride + k],
                   [&](int p) { return a[i * points_per_tile + p] * b[k * points_per_tile + p]; });
      }
    }
  }

  /// Within the tile in float: half the registers of a shuffle.
  __device__ void add_dots(FloatPointSum* sums, std::size_t stride, int rows, int columns, const float* a,
                           const float* b) const {
    for (int i = 0; i < rows; ++i) {
      for (int k = 0; k < columns; ++k) {
        float partial = 0;
        each_point([&](int p) {
          partial = multiply_add(a[i * points_per_tile + p], b[k * points_per_tile + p], partial);
        });
        const float tile = butterfly(partial);
        if (lane() == 0) sums[i * stride + k].part[worker()] += static_cast<double>(tile);
      }
    }
  }

  [[nodiscard]] __device__ double total(const PointSum& sum) const {
    return in_order(sum.part);
  }
  [[nodiscard]] __device__ std::size_t worker() const {
    return thread() / lanes;
  }
  [[nodiscard]] __device__ bool leads() const {
    return thread() == 0;
  }
  __device__ void synchronize() const {
    if constexpr (warps == 1) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }

  /// body() by one thread of the team, between two synchronisations of the team.
  template <class Body>
  __device__ void by_leader(const Body& body) const {
    synchronize();
    if (leads()) body();
    synchronize();
  }

  /// body() by one lane of each worker, between two synchronisations of the worker.
  template <class Body>
  __device__ void by_leading_lane(const Body& body) const {
    __syncwarp();
    if (lane() == 0) body();
    __syncwarp();
  }

 private:
  struct alignas(16) FourFloats {
    float value[4];
  };

  /// Sums of every fourth product, so that four numbers are one load.
  template <int Rows>
  __device__ static void dots_of_a_lane(std::size_t n, const float* v, const float* const (&rows)[Rows],
                                        VectorValues<double>* out) {
    float sum[Rows][4] = {};
    for (std::size_t i = 0; i < n; i += 4) {
      const FourFloats z = *reinterpret_cast<const FourFloats*>(v + i);
#pragma unroll
      for (int r = 0; r < Rows; ++r) {
        const FourFloats row = *reinterpret_cast<const FourFloats*>(rows[r] + i);
#pragma unroll
        for (int k = 0; k < 4; ++k) sum[r][k] = multiply_add(row.value[k], z.value[k], sum[r][k]);
      }
    }
#pragma unroll
    for (int r = 0; r < Rows; ++r)
      out[r].value = static_cast<double>((sum[r][0] + sum[r][1]) + (sum[r][2] + sum[r][3]));
  }

  /// The number of the vector that this thread has values of.
  __device__ static std::size_t own_vector() {
    return vectors_at_a_time == 1 ? 0 : lane();
  }
  __device__ static unsigned thread() {
    return threadIdx.x % threads;
  }
  __device__ static unsigned lane() {
    return threadIdx.x % lanes;
  }

  /// Every lane ends with the same bits: at each distance both partners add the same two numbers.
  template <class Real>
  __device__ static Real butterfly(Real value) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
      value += __shfl_xor_sync(all_lanes, value, distance);
    return value;
  }

  __device__ static double in_order(const double (&part)[warps]) {
    double sum = part[0];
    for (int warp = 1; warp < warps; ++warp) sum += part[warp];
    return sum;
  }

  /// The first synchronisation keeps what a slower warp still reads of the sum before.
  [[nodiscard]] __device__ double sum_of_warps(double value) const {
    if constexpr (warps == 1) {
      return value;
    } else {
      synchronize();
      if (lane() == 0) warp_sums[worker()] = value;
      synchronize();
      return in_order(*reinterpret_cast<const double(*)[warps]>(warp_sums));
    }
  }
};

/// One warp per replica, and one block per replica.
using WarpTeam = CudaTeam<1>;
using BlockTeam = CudaTeam<8>;

static_assert(Team<WarpTeam> && Team<BlockTeam>);

}  // namespace langevo
