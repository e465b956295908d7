#pragma once

#include "kernels/change/activation_change.hpp"
#include "kernels/layered/layered_change_workspace.hpp"

/// What is done for the change of the loss with one tile, one layer or one replica; see layered_change.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

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
    add_loss_change<Real>(team, problem, index % data.tiles, tile.output, tile.output_change, tile.errors,
                          *tile.sums);
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
      work.result[slot] = mean_loss_change(loss_denominator(problem), additions, {change, magnitude, error});
    }
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
