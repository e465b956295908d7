#pragma once

#include "kernels/gradient.hpp"

/// Gradients of states that follow each other closely: of a network with one hidden layer, the hidden units'
/// values are carried in double from one gradient to the next. Their changes, of which a few terms of the
/// series are exact to rounding, cost half of what new values do.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct CarriedActivations {
  /// The values then have half a rounding each of so many additions.
  static constexpr int changes_before_renewal = 64;
  /// What a core's second cache holds beside other things.
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;

  double* value;         ///< as GradientWorkspace::value, of every tile
  double* state;         ///< the x that they belong to, [N]
  double* change;        ///< the way from there, [N]
  std::size_t per_tile;  ///< numbers of one tile
  std::size_t tiles;     ///< 0: nothing is carried
  double largest_input;  ///< 2-norm, of all points
  int changes;           ///< since the values were new
  bool valid;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    valid = false;
    tiles = 0;
    if (!Team::carries_values || network.layer_count != 2) return;
    const Layer& hidden = network.layers[0];
    per_tile = static_cast<std::size_t>(hidden.fan_in + hidden.fan_out + network.layers[1].fan_out) *
               points_per_tile;
    if (network.carried_tiles * per_tile * sizeof(double) > most_bytes) return;
    tiles = network.carried_tiles;
    value = arena.take<double>(tiles * per_tile);
    state = arena.take<double>(network.parameter_count);
    change = arena.take<double>(network.parameter_count);
  }

  /// The state becomes x. A bound on how far any preactivation moves.
  LANGEVO_FUNCTION double move_to(const double* x, const NetworkView& network) {
    for (std::size_t i = 0; i < network.parameter_count; ++i) {
      change[i] = x[i] - state[i];
      state[i] = x[i];
    }
    const Layer& hidden = network.layers[0];
    double reach = 0;
    for (int j = 0; j < hidden.fan_out; ++j) {
      const double* const w = change + hidden.weight_offset + static_cast<std::size_t>(j) * hidden.fan_in;
      double square = 0;
      for (int k = 0; k < hidden.fan_in; ++k) square += w[k] * w[k];
      const double bias = hidden.has_bias ? absolute(change[hidden.bias_offset + j]) : 0.0;
      const double moved = square_root(square) * largest_input + bias;
      if (!(moved <= reach)) reach = moved;  // NaN stays
    }
    return reach;
  }
};

/// Largest 2-norm of a point's inputs.
LANGEVO_FUNCTION double largest_input_norm(const DataView<double>& data) {
  double largest_square = 0;
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    const double* const inputs = data.inputs + tile * data.input_dim * points_per_tile;
    for (int p = 0; p < points_per_tile; ++p) {
      double square = 0;
      for (int k = 0; k < data.input_dim; ++k) {
        const double input = inputs[k * points_per_tile + p];
        square += input * input;
      }
      largest_square = larger(largest_square, square);
    }
  }
  return square_root(largest_square);
}

/// Adds to the hidden units' values on a tile what `change` makes of them, by `Terms` terms of the series;
/// returns the outputs.
template <class Act, int Terms, class Team>
LANGEVO_FUNCTION double* follow_change(const Team& team, const NetworkView& network, const double* x,
                                       const double* change, double* h, double* scratch) {
  const Layer& hidden = network.layers[0];
  double* const values = h + static_cast<std::size_t>(hidden.fan_in) * points_per_tile;
  each_unit_block(team, hidden.fan_out, [&](auto units, int j) LANGEVO_BODY {
    affine_units<units>(team, hidden, j, change, h, scratch);
    transform_rows<units>(team, values + static_cast<std::size_t>(j) * points_per_tile,
                          [scratch](double value, int at) LANGEVO_BODY {
                            const double moved = Terms == 4
                                                     ? Act::template series_change<4>(value, scratch[at])
                                                     : Act::tiny_change(value, 0.0, scratch[at]);
                            return value + moved;
                          });
  });
  double* const output = values + static_cast<std::size_t>(hidden.fan_out) * points_per_tile;
  each_unit_block(team, network.layers[1].fan_out, [&](auto units, int i) LANGEVO_BODY {
    affine_units<units>(team, network.layers[1], i, x, values,
                        output + static_cast<std::size_t>(i) * points_per_tile);
  });
  return output;
}

/// As loss_and_gradient, from the values carried where they are near.
template <class Team>
LANGEVO_APART double loss_and_carried_gradient(const Team& team, const ProblemView& problem, const double* x,
                                               CarriedActivations<Team>& carried,
                                               GradientWorkspace<Team>& work) {
  if constexpr (Team::carries_values) {
    using Act = TanhActivation;  // as carried_tiles is 0 for the others
    const NetworkView& network = problem.network;
    if (carried.tiles > 0) {
      constexpr double reach_of_four = 6e-4;  // the fifth term is below 1e-17
      const double reach = carried.valid ? carried.move_to(x, network) : Limits<double>::infinity;
      const bool near = reach <= Act::tiny_change_reach<double>() &&
                        carried.changes < CarriedActivations<Team>::changes_before_renewal;
      if (!near) {
        for (std::size_t i = 0; i < network.parameter_count; ++i) carried.state[i] = x[i];
        carried.largest_input = largest_input_norm(problem.data_double);
        carried.valid = true;
      }
      carried.changes = near ? carried.changes + 1 : 0;
      return loss_and_gradient_of<Act>(team, problem, x, work, [&](std::size_t tile) {
        double* const h = carried.value + tile * carried.per_tile;
        if (!near) return forward<Act>(team, problem, x, tile, h);
        return reach <= reach_of_four
                   ? follow_change<Act, 4>(team, network, x, carried.change, h, work.slope[0])
                   : follow_change<Act, 6>(team, network, x, carried.change, h, work.slope[0]);
      });
    }
  }
  return loss_and_gradient(team, problem, x, work);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
