#pragma once

#include <algorithm>
#include <barrier>
#include <cstddef>
#include <thread>
#include <type_traits>
#include <vector>

#include "kernels/random_words.hpp"
#include "kernels/scalar.hpp"
#include "kernels/serial_team.hpp"

namespace langevo {

/// What the warps of an emulated block share.
template <int warps>
struct EmulatedBlock {
  std::barrier<> barrier{warps};
  double warp_sums[warps] = {};
};

/// CudaTeam on the host. Each warp is a thread; between two synchronisation points it does one lane's share
/// after the other, in ascending or descending order, and sums go through the butterfly that a GPU does with
/// shuffles. What comes out must depend neither on the order of lanes nor on the timing of warps.
template <int warps, bool Descending>
class EmulatedTeam {
 public:
  static constexpr int lanes = 32;
  static constexpr int workers = warps;
  static constexpr int units_per_block = 2;  ///< see SerialTeam; registers are scarcer here
  static constexpr int registers_per_block = 2;
  static constexpr int units_with_change = 2;
  static constexpr int registers_with_change = 1;
  static constexpr bool carries_values = false;
  static constexpr std::uint64_t vectors_at_a_time = 1;  ///< see SerialTeam
  static constexpr std::size_t threads = static_cast<std::size_t>(lanes) * warps;

  /// A sum over points, complete after every tile: one part for each warp.
  struct PointSum {
    double part[warps];
  };
  using FloatPointSum = PointSum;  ///< within a tile in float

  template <class Real>
  using PointValues = SerialTeam::PointValues<Real>;

  EmulatedTeam(EmulatedBlock<warps>& block, std::size_t warp) : block_(&block), warp_(warp) {}

  template <class Body>
  void each(std::size_t n, const Body& body) const {
    each_lane([&](std::size_t lane) {
      for (std::size_t i = warp_ * lanes + lane; i < n; i += threads) body(i);
    });
  }

  template <class Body>
  void assign(std::size_t n, const Body& body) const {
    each(n, body);
  }

  template <class Real, class Body>
  void each_lanes(std::size_t n, const Body& body) const {
    each(n, [&](std::size_t i) { body(PointRegisters<Real, 1, 1>(), i); });
  }

  template <class Term>
  double sum(std::size_t n, const Term& term) const {
    double partial[lanes] = {};
    each_lane([&](std::size_t lane) {
      for (std::size_t i = warp_ * lanes + lane; i < n; i += threads) partial[lane] += term(i);
    });
    return sum_of_warps(butterfly(partial));
  }

  template <class Body>
  void each_block(const BlockRange& range, std::uint32_t steps, const Body& body) const {
    each(std::size_t{range.blocks_per_step} * steps, [&](std::size_t i) {
      const BlockPlace place = range.place(static_cast<std::uint32_t>(i));
      body(range.words(place), place);
    });
  }

  [[nodiscard]] double dot(std::size_t n, const float* a, const float* b) const {
    constexpr std::size_t piece = products_per_float_sum / lanes * threads;
    double sum[lanes] = {};
    float partial[lanes] = {};
    each_lane([&](std::size_t lane) {
      for (std::size_t first = 0; first < n; first += piece) {
        sum[lane] += static_cast<double>(partial[lane]);
        partial[lane] = 0;
        for (std::size_t i = first + warp_ * lanes + lane; i < std::min(first + piece, n); i += threads)
          partial[lane] = fused_multiply_add(a[i], b[i], partial[lane]);
      }
      sum[lane] += static_cast<double>(partial[lane]);
    });
    return sum_of_warps(n <= piece ? static_cast<double>(butterfly(partial)) : butterfly(sum));
  }

  template <int Rows>
  void dots(std::size_t n, std::size_t count, const float* vectors, std::size_t stride,
            const float* const (&rows)[Rows], double (&out)[Rows][vectors_at_a_time]) const {
    for (std::size_t k = 0; k < count; ++k) {
      for (int r = 0; r < Rows; ++r) out[r][k] = dot(n, rows[r], vectors + k * stride);
    }
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
    each_lane([&](std::size_t lane) {
      for (std::size_t p = lane; p < points_per_tile; p += lanes) body(static_cast<int>(p));
    });
  }

  template <class Real, int Count, class Body>
  void each_register(const Body& body) const {
    each_lane([&](std::size_t lane) {
      for (int p = static_cast<int>(lane); p < points_per_tile; p += Count * lanes)
        body(PointRegisters<Real, Count, lanes>(), p);
    });
  }

  template <class Condition>
  bool any_point(const Condition& condition) const {
    bool found = false;
    each_point([&](int p) { found = found || condition(p); });
    return found;
  }

  void clear(PointSum& sum) const { sum.part[warp_] = 0; }

  template <class Term>
  void add_points(PointSum& total, const Term& term) const {
    double partial[lanes] = {};
    each_lane([&](std::size_t lane) {
      for (std::size_t p = lane; p < points_per_tile; p += lanes)
        partial[lane] += static_cast<double>(term(static_cast<int>(p)));
    });
    total.part[warp_] += butterfly(partial);
  }

  void add_dots(PointSum* sums, std::size_t stride, int rows, int columns, const double* a,
                const double* b) const {
    for (int i = 0; i < rows; ++i) {
      for (int k = 0; k < columns; ++k) {
        add_points(sums[i * stride + k],
                   [&](int p) { return a[i * points_per_tile + p] * b[k * points_per_tile + p]; });
      }
    }
  }

  void add_dots(FloatPointSum* sums, std::size_t stride, int rows, int columns, const float* a,
                const float* b) const {
    for (int i = 0; i < rows; ++i) {
      for (int k = 0; k < columns; ++k) {
        float partial[lanes] = {};
        each_lane([&](std::size_t lane) {
          for (std::size_t p = lane; p < points_per_tile; p += lanes) {
            const auto at = static_cast<std::ptrdiff_t>(p);
            partial[lane] =
                fused_multiply_add(a[i * points_per_tile + at], b[k * points_per_tile + at], partial[lane]);
          }
        });
        sums[i * stride + k].part[warp_] += static_cast<double>(butterfly(partial));
      }
    }
  }

  [[nodiscard]] double total(const PointSum& sum) const { return in_order(sum.part); }
  [[nodiscard]] std::size_t worker() const { return warp_; }
  [[nodiscard]] bool leads() const { return warp_ == 0; }
  void synchronize() const { block_->barrier.arrive_and_wait(); }
  template <class Body>
  void by_leader(const Body& body) const {
    synchronize();
    if (leads()) body();
    synchronize();
  }
  template <class Body>
  void by_leading_lane(const Body& body) const {
    body();
  }

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
      std::copy(next, next + lanes, value);
    }
    return value[0];
  }

  static double in_order(const double (&part)[warps]) {
    double sum = part[0];
    for (int warp = 1; warp < warps; ++warp) sum += part[warp];
    return sum;
  }

  [[nodiscard]] double sum_of_warps(double of_warp) const {
    if (warps == 1) return of_warp;
    synchronize();
    block_->warp_sums[warp_] = of_warp;
    synchronize();
    return in_order(block_->warp_sums);
  }

  EmulatedBlock<warps>* block_;
  std::size_t warp_;
};

template <bool Descending>
using EmulatedWarp = EmulatedTeam<1, Descending>;
template <bool Descending>
using EmulatedBlockOf8 = EmulatedTeam<8, Descending>;

/// Runs body(team) as every member of a team does.
template <class Team, class Body>
void run_team(const Body& body) {
  if constexpr (Team::workers == 1 && std::is_empty_v<Team>) {
    body(Team{});
  } else {
    EmulatedBlock<Team::workers> block;
    std::vector<std::jthread> warps;
    for (std::size_t warp = 0; warp < Team::workers; ++warp) {
      warps.emplace_back([&, warp] { body(Team(block, warp)); });
    }
  }
}

}  // namespace langevo
