#include "kernels/cpu/memory/host_problem.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/tiles.hpp"
#include "kernels/network/activation.hpp"

namespace langevo {

namespace {

/// A point of weight 0 does not count, whatever its loss.
bool counts(const Dataset& data, std::size_t point) {
  return data.weights.empty() || data.weights[point] != 0;
}

/// Row-major [points][dim] to [tile][dim][points_per_tile] of the points that count, padded with zeros.
template <class Real>
std::vector<Real> by_tiles(const Dataset& data, const std::vector<double>& rows, int dim) {
  std::vector<Real> tiles(HostProblem::padded_points(HostProblem::counted_points(data)) *
                          static_cast<std::size_t>(dim));
  std::size_t to = 0;
  for (std::size_t point = 0; point < data.points; ++point) {
    if (!counts(data, point)) continue;
    const std::size_t tile = to / points_per_tile;
    for (int k = 0; k < dim; ++k) {
      tiles[(tile * dim + k) * points_per_tile + to % points_per_tile] =
          static_cast<Real>(rows[point * dim + k]);
    }
    ++to;
  }
  return tiles;
}

/// [tile][points_per_tile]; empty where all points are alike.
template <class Real>
std::vector<Real> weights_by_tiles(const Dataset& data) {
  return data.weights.empty() ? std::vector<Real>{} : by_tiles<Real>(data, data.weights, 1);
}

double largest_input(const Dataset& data) {
  double largest = 0;
  for (std::size_t point = 0; point < data.points; ++point) {
    if (!counts(data, point)) continue;
    const double* const input = data.inputs.data() + point * static_cast<std::size_t>(data.input_dim);
    double square = 0;
    for (int k = 0; k < data.input_dim; ++k) square += input[k] * input[k];
    largest = std::max(largest, square);
  }
  return std::sqrt(largest);
}

}  // namespace

std::size_t HostProblem::counted_points(const Dataset& data) {
  if (data.weights.empty()) return data.points;
  return data.points - static_cast<std::size_t>(std::count(data.weights.begin(), data.weights.end(), 0.0));
}

std::size_t HostProblem::padded_points(std::size_t points) {
  return (points + points_per_tile - 1) / points_per_tile * points_per_tile;
}

NetworkView HostProblem::network_view(const Network& network, const Layer* layers, std::size_t points) {
  constexpr std::size_t budget = std::size_t{64} << 20;
  const auto tiles_of = [&](std::size_t rows) -> std::size_t {
    const std::size_t bytes = 2 * sizeof(float) * rows * padded_points(points);
    return bytes <= budget ? padded_points(points) / points_per_tile : 0;
  };
  std::size_t units = 0;
  for (const Layer& layer : network.layers()) units += static_cast<std::size_t>(layer.fan_out);
  const std::size_t bounds = 2 * (network.layers().size() + 1);
  return {layers,
          static_cast<int>(network.layers().size()),
          network.max_width(),
          network.parameter_count(),
          network.activation(),
          with_activation(network.activation(), [](auto act) { return decltype(act)::has_series; })
              ? tiles_of(units + bounds)
              : 0,
          tiles_of(static_cast<std::size_t>(network.output_dim()))};
}

HostProblem::HostProblem(const Problem& problem)
    : HostProblem(problem.network(), problem.data(), problem.loss()) {}

HostProblem::HostProblem(const Network& network, const Dataset& data, Loss loss)
    : layers_(network.layers().begin(), network.layers().end()),
      inputs_float_(by_tiles<float>(data, data.inputs, data.input_dim)),
      targets_float_(by_tiles<float>(data, data.targets, data.target_dim)),
      weights_float_(weights_by_tiles<float>(data)),
      inputs_double_(by_tiles<double>(data, data.inputs, data.input_dim)),
      targets_double_(by_tiles<double>(data, data.targets, data.target_dim)),
      weights_double_(weights_by_tiles<double>(data)),
      points_(counted_points(data)),
      input_dim_(data.input_dim),
      target_dim_(data.target_dim),
      largest_input_(largest_input(data)),
      network_(network_view(network, nullptr, points_)),
      loss_(loss) {}

ProblemView HostProblem::view() const {
  const std::size_t tiles = padded_points(points_) / points_per_tile;
  NetworkView network = network_;
  network.layers = layers_.data();
  return {network,
          {inputs_float_.data(), targets_float_.data(), points_, tiles, input_dim_, target_dim_,
           static_cast<float>(largest_input_), weights_float_.empty() ? nullptr : weights_float_.data()},
          {inputs_double_.data(), targets_double_.data(), points_, tiles, input_dim_, target_dim_,
           largest_input_, weights_double_.empty() ? nullptr : weights_double_.data()},
          loss_};
}

}  // namespace langevo
