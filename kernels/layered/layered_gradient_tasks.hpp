#pragma once

#include "kernels/layered/layered_problem.hpp"
#include "kernels/network/gradient.hpp"

/// What is done for losses and gradients with one tile, one layer or one replica; see layered_gradient.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Scratch memory for `slots` replicas.
template <class Team>
struct LayeredGradientWorkspace {
  double* value;                  ///< activations of all layers but the input, [slots][units][points]
  double* preactivation;          ///< likewise, null where slopes follow from values
  double* slope[2];               ///< dU/da of the layer above and of this one, [slots][max_width][points]
  double* gradient;               ///< [slots][N]
  double* tile_loss;              ///< [slots][tiles]
  double* point_loss;             ///< [slots][tiles][points_per_tile]
  double* output;                 ///< [slots][tiles][outputs][points_per_tile]
  double* output_slope;           ///< likewise
  typename Team::PointSum* sums;  ///< [slots][tiles]
  std::size_t values;
  std::size_t slopes;

  void carve(Arena& arena, const LayeredShape& shape) {
    const NetworkView& network = shape.network;
    const std::size_t points = shape.tiles * points_per_tile;
    const auto outputs = static_cast<std::size_t>(network.layers[network.layer_count - 1].fan_out);
    values = 0;
    for (int l = 0; l < network.layer_count; ++l) values += network.layers[l].fan_out * points;
    slopes = static_cast<std::size_t>(network.max_width) * points;
    value = arena.take<double>(shape.slots * values);
    preactivation =
        slopes_need_preactivations(network.activation) ? arena.take<double>(shape.slots * values) : nullptr;
    for (double*& side : slope) side = arena.take<double>(shape.slots * slopes);
    gradient = arena.take<double>(shape.slots * network.parameter_count);
    tile_loss = arena.take<double>(shape.slots * shape.tiles);
    point_loss = arena.take<double>(shape.slots * points);
    output = arena.take<double>(shape.slots * points * outputs);
    output_slope = arena.take<double>(shape.slots * points * outputs);
    sums = arena.take<typename Team::PointSum>(shape.slots * shape.tiles);
  }
};

/// Index (slot, tile): adds the biases of a layer and takes the activations.
template <class Team>
struct ActivateLayer {
  ProblemView problem;
  int number;
  const double* x;        ///< [slots][N]
  double* value;          ///< of this layer, slots lie `member` apart
  double* preactivation;  ///< likewise, to be kept; null: not needed
  std::size_t member;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const NetworkView& network = problem.network;
    const Layer layer = network.layers[number];
    const std::size_t tiles = problem.data_double.tiles;
    const std::size_t slot = index / tiles;
    const std::size_t first = slot * member + index % tiles * points_per_tile;
    const double* const bias = x + slot * network.parameter_count + layer.bias_offset;
    const bool hidden = number + 1 < network.layer_count;
    with_activation(network.activation, [&](auto activation) {
      using Act = decltype(activation);
      for (int j = 0; j < layer.fan_out; ++j) {
        const std::size_t begin = first + j * tiles * points_per_tile;
        double* const row = value + begin;
        const double shift = layer.has_bias ? bias[j] : 0;
        team.each_point([&](int p) LANGEVO_BODY {
          const double biased = row[p] + shift;
          if constexpr (Act::slope_of_preactivation) preactivation[begin + p] = biased;
          row[p] = hidden ? Act::value(biased) : biased;
        });
      }
    });
  }
};

/// Index (slot, tile): the points' losses, and their slopes to the outputs.
template <class Team>
struct LossOfTile {
  ProblemView problem;
  const double* outputs;  ///< slots lie `member` apart
  std::size_t member;
  double* slopes;  ///< [slots] of work.slopes; null: losses alone
  LayeredGradientWorkspace<Team> work;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const DataView<double>& data = problem.data_double;
    const int count = data.target_dim;
    const std::size_t slot = index / data.tiles;
    const std::size_t first_point = index % data.tiles * points_per_tile;
    const std::size_t points = data.tiles * points_per_tile;
    double* const output = work.output + index * count * points_per_tile;
    const double* const from = outputs + slot * member + first_point;
    for (int c = 0; c < count; ++c) {
      team.each_point([&](int p) LANGEVO_BODY { output[c * points_per_tile + p] = from[c * points + p]; });
    }
    GradientWorkspace<Team> tile{};
    tile.point_loss = work.point_loss + index * points_per_tile;
    tile.loss = work.sums + index;
    team.clear(*tile.loss);
    add_point_losses(team, problem, index % data.tiles, output, tile);
    if (team.leads()) work.tile_loss[index] = team.total(*tile.loss);
    if (slopes == nullptr) return;
    double* const output_slope = work.output_slope + index * count * points_per_tile;
    slope_of_outputs(team, problem, index % data.tiles, output, output_slope);
    double* const to = slopes + slot * work.slopes + first_point;
    for (int c = 0; c < count; ++c) {
      team.each_point([&](int p)
                          LANGEVO_BODY { to[c * points + p] = output_slope[c * points_per_tile + p]; });
    }
  }
};

/// Index (slot, tile): from dU/dh to dU/da of a layer with values h, or preactivations where slopes follow
/// from those.
template <class Team>
struct SlopeOfLayer {
  ProblemView problem;
  int units;
  const double* value;
  std::size_t value_member;
  double* slope;
  std::size_t slope_member;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const std::size_t tiles = problem.data_double.tiles;
    const std::size_t first = index % tiles * points_per_tile;
    const double* const h = value + index / tiles * value_member + first;
    double* const s = slope + index / tiles * slope_member + first;
    with_activation(problem.network.activation, [&](auto activation) {
      using Act = decltype(activation);
      for (int k = 0; k < units; ++k) {
        const std::size_t row = k * tiles * points_per_tile;
        team.each_point([&](int p) LANGEVO_BODY { s[row + p] *= Act::slope(h[row + p]); });
      }
    });
  }
};

/// Index (slot, unit): dU/db of a layer.
template <class Team>
struct SumOverPoints {
  std::size_t units;
  std::size_t points;
  const double* slope;
  std::size_t slope_member;
  double* gradient;
  std::size_t parameters;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const double* const s = slope + index / units * slope_member + index % units * points;
    const double sum = team.sum(points, [&](std::size_t p) LANGEVO_BODY { return s[p]; });
    if (team.leads()) gradient[index / units * parameters + index % units] = sum;
  }
};

/// Index slot: U(x).
template <class Team>
struct TotalLoss {
  ProblemView problem;
  const double* tile_loss;
  double* loss;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t slot) const {
    const DataView<double>& data = problem.data_double;
    const double* const terms = tile_loss + slot * data.tiles;
    const double sum = team.sum(data.tiles, [&](std::size_t t) LANGEVO_BODY { return terms[t]; });
    if (team.leads()) loss[slot] = sum / loss_denominator(problem);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
