#pragma once

#include <cstddef>

#include "kernels/base/host_device.hpp"
#include "kernels/base/tiles.hpp"
#include "langevo/network.hpp"
#include "langevo/problem.hpp"

/// What the maths sees of a problem: trivially copyable views into memory that a backend owns.
namespace langevo {

struct NetworkView {
  const Layer* layers;
  int layer_count;
  int max_width;  ///< of all layers, input and output included
  std::size_t parameter_count;
  Activation activation;
  /// Tiles of points whose values a CPU workspace carries along; 0: none, see carried_values.hpp.
  std::size_t carried_tiles = 0;
  /// Tiles of points whose outputs a workspace keeps; 0: none, see two_pass_change.hpp.
  std::size_t forward_tiles = 0;
};

/// A shallow network: one hidden layer of at most so many inputs and a single output. It has its carried
/// values in place, see shallow.hpp.
inline constexpr int shallow_fan_in = 8;

LANGEVO_INLINE bool is_shallow(const NetworkView& network) {
  return network.layer_count == 2 && network.layers[0].fan_in <= shallow_fan_in &&
         network.layers[1].fan_out == 1;
}

/// Whether forward passes cost less than changes from carried values, by count of multiply-adds: what they
/// save in the products above the first layer, and what they add for whole activations in place of a few
/// terms of a series.
LANGEVO_INLINE bool forward_passes_pay(const NetworkView& network) {
  std::size_t products = 0;
  std::size_t units = 0;
  for (int l = 1; l < network.layer_count; ++l) {
    products += static_cast<std::size_t>(network.layers[l].fan_in) * network.layers[l].fan_out;
    units += network.layers[l - 1].fan_out;
  }
  return products > 16 * units;
}

/// Inputs and targets by tiles of points, [tile][dimension][points_per_tile]; the last tile is padded with
/// zeros.
template <class Real>
struct DataView {
  const Real* inputs;
  const Real* targets;
  std::size_t points;
  std::size_t tiles;
  int input_dim;
  int target_dim;
  Real largest_input;  ///< 2-norm, of all points
  /// Of the points, of any sign, [tile][points_per_tile] with zeros in the padding; nullptr:
  /// all points alike.
  const Real* weights = nullptr;
};

/// Weights of a tile's points; nullptr where all points are alike.
template <class Real>
LANGEVO_INLINE const Real* weights_of_tile(const DataView<Real>& data, std::size_t tile) {
  return data.weights == nullptr ? nullptr : data.weights + tile * points_per_tile;
}

struct ProblemView {
  NetworkView network;
  DataView<float> data_float;
  DataView<double> data_double;
  Loss loss;
};

template <class Real>
LANGEVO_INLINE const DataView<Real>& data_of(const ProblemView& problem);
template <>
LANGEVO_INLINE const DataView<float>& data_of<float>(const ProblemView& problem) {
  return problem.data_float;
}
template <>
LANGEVO_INLINE const DataView<double>& data_of<double>(const ProblemView& problem) {
  return problem.data_double;
}

}  // namespace langevo
