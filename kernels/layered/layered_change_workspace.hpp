#pragma once

#include "kernels/change/loss_sums.hpp"
#include "kernels/change/point_errors.hpp"
#include "kernels/layered/layered_problem.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// What one (slot, tile) keeps from layer to layer.
template <class Team, class Real>
struct LayeredTile {
  PointErrors<Real> errors;
  Real* preactivation;  ///< [points_per_tile]
  Real* output;         ///< [outputs][points_per_tile], and its change
  Real* output_change;
  LossChangeSums<Team>* sums;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    const auto outputs = static_cast<std::size_t>(network.layers[network.layer_count - 1].fan_out);
    errors.carve(arena);
    preactivation = arena.take<Real>(points_per_tile);
    output = arena.take<Real>(outputs * points_per_tile);
    output_change = arena.take<Real>(outputs * points_per_tile);
    sums = arena.take<LossChangeSums<Team>>(1);
  }
};

/// Scratch memory for the changes of `slots` replicas in one precision. Layers of weights begin where fast
/// loads can.
template <class Team, class Real>
struct LayeredChangeWorkspace {
  Real* weight;  ///< x, x' and x' - x in Real, [slots][weights]
  Real* proposed_weight;
  Real* weight_change;
  Real* value[2];  ///< of the layer below and of this one, [slots][max_width][points]
  Real* change[2];
  LayerNorms<Real>* norms;        ///< [slots][layers]
  PointLossChange<double>* sums;  ///< [slots][tiles]
  unsigned char* tiles;           ///< [slots][tiles], a LayeredTile each
  LossChange* result;             ///< [slots]
  std::size_t weights;
  std::size_t activations;
  std::size_t bytes_per_tile;

  /// Where a layer begins among a slot's weights.
  LANGEVO_INLINE static std::size_t aligned(std::size_t count) { return (count + 31) / 32 * 32; }

  void carve(Arena& arena, const LayeredShape& shape) {
    const NetworkView& network = shape.network;
    weights = 0;
    for (int l = 0; l < network.layer_count; ++l) weights = after(network.layers[l], weights);
    activations = static_cast<std::size_t>(network.max_width) * shape.tiles * points_per_tile;
    bytes_per_tile = workspace_bytes_of<LayeredTile<Team, Real>>(network);
    for (Real** each : {&weight, &proposed_weight, &weight_change})
      *each = arena.take<Real>(shape.slots * weights);
    for (int side = 0; side < 2; ++side) {
      value[side] = arena.take<Real>(shape.slots * activations);
      change[side] = arena.take<Real>(shape.slots * activations);
    }
    norms = arena.take<LayerNorms<Real>>(shape.slots * static_cast<std::size_t>(network.layer_count));
    sums = arena.take<PointLossChange<double>>(shape.slots * shape.tiles);
    tiles = arena.take<unsigned char>(shape.slots * shape.tiles * bytes_per_tile);
    result = arena.take<LossChange>(shape.slots);
  }

  /// Where the weights of the layer behind this one begin.
  static std::size_t after(const Layer& layer, std::size_t begin) {
    return begin + aligned(static_cast<std::size_t>(layer.fan_in) * layer.fan_out) + aligned(layer.fan_out);
  }

  LANGEVO_FUNCTION LayeredTile<Team, Real> tile(const NetworkView& network, std::size_t index) const {
    return carve_workspace<LayeredTile<Team, Real>>(network, tiles + index * bytes_per_tile);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
