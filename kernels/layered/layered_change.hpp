#pragma once

#include "kernels/change/loss_change.hpp"
#include "kernels/layered/layered_problem.hpp"

/// The change of the loss of many replicas, layer by layer: the formulas and bounds of loss_change.hpp with
/// the sums over inputs left to products whose order of summation is unknown.
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

/// States and proposals of replicas: slot s works on member members[s] of both.
struct LayeredProposals {
  const double* x;         ///< [members][N]
  const double* proposed;  ///< [members][N]
  const std::uint32_t* members;
  std::size_t parameters;

  [[nodiscard]] LANGEVO_INLINE std::size_t row(std::size_t slot) const { return members[slot] * parameters; }
};

/// Index (slot, piece): rounds x, x' and x' - x of one layer to Real.
template <class Team, class Real>
struct RoundLayer {
  Layer layer;
  std::size_t begin;
  std::size_t pieces;
  LayeredProposals proposals;
  LayeredChangeWorkspace<Team, Real> work;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const std::size_t slot = index / pieces;
    const std::size_t weights = static_cast<std::size_t>(layer.fan_in) * layer.fan_out;
    const std::size_t to = slot * work.weights + begin;
    round(team, slot, layer.weight_offset, to, piece_of(index % pieces, weights));
    if (layer.has_bias && index % pieces == 0) {
      round(team, slot, layer.bias_offset, to + work.aligned(weights),
            {0, static_cast<std::size_t>(layer.fan_out)});
    }
  }

 private:
  LANGEVO_FUNCTION void round(const Team& team, std::size_t slot, std::size_t from, std::size_t to,
                              const Piece& piece) const {
    const double* x = proposals.x + proposals.row(slot) + from + piece.first;
    const double* proposed = proposals.proposed + proposals.row(slot) + from + piece.first;
    const std::size_t at = to + piece.first;
    team.each(piece.last - piece.first, [&](std::size_t i) LANGEVO_BODY {
      work.weight[at + i] = static_cast<Real>(x[i]);
      work.proposed_weight[at + i] = static_cast<Real>(proposed[i]);
      work.weight_change[at + i] = static_cast<Real>(proposed[i] - x[i]);
    });
  }
};

/// Index (slot, layer): norms, the Frobenius norm in the place of the spectral one.
template <class Team, class Real>
struct TakeNorms {
  NetworkView network;
  LayeredProposals proposals;
  LayerNorms<Real>* norms;

  template <class ReplicaTeam>
  LANGEVO_FUNCTION void operator()(const ReplicaTeam& team, std::size_t index) const {
    const std::size_t row = proposals.row(index / static_cast<std::size_t>(network.layer_count));
    const Layer& layer = network.layers[index % static_cast<std::size_t>(network.layer_count)];
    const LayerNorms<Real> taken =
        layer_norms<Real>(team, layer, proposals.x + row, proposals.proposed + row, false, nullptr);
    if (team.leads()) norms[index] = taken;
  }
};

/// Index (slot, tile): the errors of the inputs.
template <class Team, class Real>
struct BeginTile {
  ProblemView problem;
  LayeredChangeWorkspace<Team, Real> work;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    LayeredTile<Team, Real> tile = work.tile(problem.network, index);
    const DataView<Real>& data = data_of<Real>(problem);
    load_input_errors(team, data, index % data.tiles, tile.errors);
  }
};

/// Index (slot, tile): what the products have left of a layer. Preactivations without bias become values,
/// or outputs and the terms of the loss.
template <class Team, class Real>
struct FinishLayer {
  ProblemView problem;
  int number;
  std::size_t biases;  ///< where they begin among a slot's weights
  int side;            ///< that the products have written to
  LayeredChangeWorkspace<Team, Real> work;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const NetworkView& network = problem.network;
    const Layer layer = network.layers[number];
    const DataView<Real>& data = data_of<Real>(problem);
    const std::size_t slot = index / data.tiles;
    const std::size_t first_point = index % data.tiles * points_per_tile;
    const std::size_t points = data.tiles * points_per_tile;
    LayeredTile<Team, Real> tile = work.tile(network, index);
    propagate_affine_errors(team, work.norms[slot * static_cast<std::size_t>(network.layer_count) + number],
                            roundings_in_any_order(layer.fan_in), tile.errors);
    Real* const a = work.value[side] + slot * work.activations + first_point;
    Real* const d = work.change[side] + slot * work.activations + first_point;
    const std::size_t bias_row = slot * work.weights + biases;
    const auto bias = [&](int j, const Real* of)
                          LANGEVO_BODY { return layer.has_bias ? of[bias_row + j] : Real(0); };
    if (number + 1 < network.layer_count) {
      with_activation(network.activation, [&](auto activation) {
        using Act = decltype(activation);
        begin_activation(team, tile.errors);
        for (int j = 0; j < layer.fan_out; ++j) {
          Real* const a_j = a + static_cast<std::size_t>(j) * points;
          Real* const d_j = d + static_cast<std::size_t>(j) * points;
          add(team, bias(j, work.weight), bias(j, work.weight_change), a_j, d_j, tile.preactivation, d_j);
          activate<Act, 1>(team, tile.preactivation, a_j, d_j, tile.errors);
        }
        end_activation<Act>(team, layer.fan_out, tile.errors);
      });
      return;
    }
    for (int j = 0; j < layer.fan_out; ++j) {
      const std::size_t row = static_cast<std::size_t>(j) * points;
      const std::size_t output = static_cast<std::size_t>(j) * points_per_tile;
      add(team, bias(j, work.weight), bias(j, work.weight_change), a + row, d + row, tile.output + output,
          tile.output_change + output);
    }
    tile.sums->clear(team);
    add_loss_change(team, problem.loss, data.target_dim, data.targets + first_point * data.target_dim,
                    tile.output, tile.output_change, tile.errors, data.points - first_point, *tile.sums);
    if (team.leads()) {
      work.sums[index] = {team.total(tile.sums->change), team.total(tile.sums->magnitude),
                          team.total(tile.sums->error)};
    }
  }

 private:
  LANGEVO_FUNCTION static void add(const Team& team, Real bias, Real bias_change, const Real* a,
                                   const Real* d, Real* biased, Real* biased_change) {
    team.each_point([&](int p) LANGEVO_BODY {
      biased[p] = a[p] + bias;
      biased_change[p] = d[p] + bias_change;
    });
  }
};

/// Index slot: the sums over tiles.
template <class Team, class Real>
struct TotalChange {
  ProblemView problem;
  LayeredChangeWorkspace<Team, Real> work;

  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t slot) const {
    const DataView<Real>& data = data_of<Real>(problem);
    const PointLossChange<double>* const sums = work.sums + slot * data.tiles;
    const double change = team.sum(data.tiles, [&](std::size_t t) LANGEVO_BODY { return sums[t].change; });
    const double magnitude =
        team.sum(data.tiles, [&](std::size_t t) LANGEVO_BODY { return sums[t].magnitude; });
    const double error = team.sum(data.tiles, [&](std::size_t t) LANGEVO_BODY { return sums[t].error; });
    const double additions = static_cast<double>(data.tiles) + points_per_tile + 16;
    if (team.leads()) {
      work.result[slot] = mean_loss_change(loss_denominator(problem.loss, data.points, data.target_dim),
                                           additions, {change, magnitude, error});
    }
  }
};

/// U(x') - U(x) of the members of the first `slots` slots, into work.result.
template <class Real, class Machine>
void layered_loss_change(Machine& machine, const LayeredProblem& problem, const LayeredProposals& proposals,
                         std::size_t slots,
                         const LayeredChangeWorkspace<typename Machine::TileTeam, Real>& work) {
  using Team = typename Machine::TileTeam;
  const NetworkView& network = problem.host.network;
  const std::size_t points = problem.points();
  machine.each_replica(slots * static_cast<std::size_t>(network.layer_count),
                       TakeNorms<Team, Real>{problem.there.network, proposals, work.norms});
  machine.each_tile(slots * problem.tiles(), BeginTile<Team, Real>{problem.there, work});
  BatchedMatrix<Real> h{problem.inputs(Real(0)), points, 0};
  std::size_t begin = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const auto fan_in = static_cast<std::size_t>(layer.fan_in);
    const auto fan_out = static_cast<std::size_t>(layer.fan_out);
    const std::size_t pieces = pieces_of(fan_in * fan_out);
    machine.each_tile(slots * pieces, RoundLayer<Team, Real>{layer, begin, pieces, proposals, work});
    const auto product = [&](const Real* weight, const BatchedMatrix<Real>& right, Real* out, bool add) {
      return BatchedProduct<Real>{fan_out, points, fan_in, {weight + begin, fan_in, work.weights},
                                  right,   out,    points, work.activations,
                                  add};
    };
    const int side = l % 2;
    machine.multiply(product(work.weight, h, work.value[side], false), slots);
    machine.multiply(product(work.weight_change, h, work.change[side], false), slots);
    if (l > 0) {
      const BatchedMatrix<Real> dh{work.change[1 - side], points, work.activations};
      machine.multiply(product(work.proposed_weight, dh, work.change[side], true), slots);
    }
    machine.each_tile(
        slots * problem.tiles(),
        FinishLayer<Team, Real>{problem.there, l, begin + work.aligned(fan_in * fan_out), side, work});
    h = {work.value[side], points, work.activations};
    begin = work.after(layer, begin);
  }
  machine.each_tile(slots, TotalChange<Team, Real>{problem.there, work});
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
