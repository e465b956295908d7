#include "kernels/cpu/host_problem.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/tiles.hpp"
#include "kernels/network/activation.hpp"

namespace langevo {

namespace {

/// Row-major [points][dim] to [tile][dim][points_per_tile], padded with zeros.
template <class Real>
std::vector<Real> by_tiles(const std::vector<double>& rows, std::size_t points, int dim) {
  std::vector<Real> tiles(HostProblem::padded_points(points) * static_cast<std::size_t>(dim));
  for (std::size_t point = 0; point < points; ++point) {
    const std::size_t tile = point / points_per_tile;
    for (int k = 0; k < dim; ++k) {
      tiles[(tile * dim + k) * points_per_tile + point % points_per_tile] =
          static_cast<Real>(rows[point * dim + k]);
    }
  }
  return tiles;
}

double largest_norm(const std::vector<double>& rows, std::size_t points, int dim) {
  double largest = 0;
  for (std::size_t point = 0; point < points; ++point) {
    double square = 0;
    for (int k = 0; k < dim; ++k) square += rows[point * dim + k] * rows[point * dim + k];
    largest = std::max(largest, square);
  }
  return std::sqrt(largest);
}

}  // namespace

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
    : layers_(problem.network().layers().begin(), problem.network().layers().end()),
      inputs_float_(by_tiles<float>(problem.data().inputs, problem.data().points, problem.data().input_dim)),
      targets_float_(
          by_tiles<float>(problem.data().targets, problem.data().points, problem.data().target_dim)),
      inputs_double_(
          by_tiles<double>(problem.data().inputs, problem.data().points, problem.data().input_dim)),
      targets_double_(
          by_tiles<double>(problem.data().targets, problem.data().points, problem.data().target_dim)),
      points_(problem.data().points),
      input_dim_(problem.data().input_dim),
      target_dim_(problem.data().target_dim),
      largest_input_(largest_norm(problem.data().inputs, points_, input_dim_)),
      network_(network_view(problem.network(), nullptr, points_)),
      loss_(problem.loss()) {}

ProblemView HostProblem::view() const {
  const std::size_t tiles = padded_points(points_) / points_per_tile;
  NetworkView network = network_;
  network.layers = layers_.data();
  return {network,
          {inputs_float_.data(), targets_float_.data(), points_, tiles, input_dim_, target_dim_,
           static_cast<float>(largest_input_)},
          {inputs_double_.data(), targets_double_.data(), points_, tiles, input_dim_, target_dim_,
           largest_input_},
          loss_};
}

}  // namespace langevo
