#pragma once

#include <vector>

#include "kernels/base/arena.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/layered/batched_product.hpp"
#include "kernels/network/problem_view.hpp"

/// Networks too wide for one team's memory on chip go layer by layer through products of whole matrices, many
/// replicas at a time, all points of a replica side by side: [replica][unit][point].
///
/// A Machine runs such a sequence in order: `each_tile(count, body)` and `each_replica(count, body)` call
/// body(team, index) for every index, with a team meant for one tile of points or for a whole replica;
/// `multiply(product, members)` does a BatchedProduct in arithmetic of its type but any order; `send` and
/// `fetch` copy from and to the host.
namespace langevo {

/// A problem as the host sees it, which leads the way, and as the machine does. Inputs are [input][point].
struct LayeredProblem {
  ProblemView host;
  ProblemView there;
  const float* inputs_float;
  const double* inputs_double;

  [[nodiscard]] std::size_t tiles() const { return host.data_double.tiles; }
  [[nodiscard]] std::size_t points() const { return tiles() * points_per_tile; }
  [[nodiscard]] const float* inputs(float /*type*/) const { return inputs_float; }
  [[nodiscard]] const double* inputs(double /*type*/) const { return inputs_double; }
};

/// The inputs of all points and of the padding, [input][point].
template <class Real>
std::vector<Real> inputs_by_rows(const DataView<Real>& data) {
  const auto inputs = static_cast<std::size_t>(data.input_dim);
  std::vector<Real> rows;
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t tile = 0; tile < data.tiles; ++tile) {
      const Real* const from = data.inputs + (tile * inputs + k) * points_per_tile;
      rows.insert(rows.end(), from, from + points_per_tile);
    }
  }
  return rows;
}

/// How much is worked on at the same time.
struct LayeredShape {
  NetworkView network;
  std::size_t tiles;
  std::size_t slots;  ///< replicas
};

/// Parameters that one team takes at a time.
inline constexpr std::size_t parameters_per_piece = 4096;

inline std::size_t pieces_of(std::size_t parameters) {
  return (parameters + parameters_per_piece - 1) / parameters_per_piece;
}

/// Parameters first .. last - 1.
struct Piece {
  std::size_t first;
  std::size_t last;
};

LANGEVO_INLINE Piece piece_of(std::size_t piece, std::size_t parameters) {
  const std::size_t first = piece * parameters_per_piece;
  const std::size_t last = first + parameters_per_piece;
  return {first < parameters ? first : parameters, last < parameters ? last : parameters};
}

}  // namespace langevo
