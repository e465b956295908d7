#pragma once

#include "kernels/base/kept_state.hpp"
#include "kernels/change/change_bounds.hpp"
#include "kernels/network/gradient.hpp"

/// The hidden units' values of a network with one hidden layer, carried in double along states that follow
/// each other closely. Their changes, of which a few terms of the series are exact to rounding, cost half of
/// what new values do.
namespace langevo {

/// How values get to another state.
enum class ValuesMove { none, by_four_terms, by_five_terms, anew };

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// A bound on the change of every unit's preactivation at every point: max_j (|dw_j| largest_input + |db_j|).
LANGEVO_INLINE double preactivation_reach(const Layer& layer, const double* change, double largest_input) {
  double reach = 0;
  for (int j = 0; j < layer.fan_out; ++j) {
    const double* const w = change + layer.weight_offset + static_cast<std::size_t>(j) * layer.fan_in;
    double square = 0;
    for (int k = 0; k < layer.fan_in; ++k) square += w[k] * w[k];
    const double bias = layer.has_bias ? absolute(change[layer.bias_offset + j]) : 0.0;
    const double moved = square_root(square) * largest_input + bias;
    if (!(moved <= reach)) reach = moved;  // NaN stays
  }
  return reach;
}

/// The way to a state this far off, by no more terms than leave out about half a rounding of a value.
LANGEVO_INLINE ValuesMove move_within(double reach) {
  if (reach <= 9e-4) return ValuesMove::by_four_terms;
  return reach <= 3e-3 ? ValuesMove::by_five_terms : ValuesMove::anew;
}

/// What the terms leave out of a change d, in |d|.
template <class Act>
LANGEVO_INLINE double remainder_of(ValuesMove move, double reach) {
  const auto at = static_cast<float>(reach);
  if (move == ValuesMove::by_four_terms) return static_cast<double>(Act::template series_remainder<4>(at));
  return static_cast<double>(Act::template series_remainder<5>(at));
}

template <class Team>
struct CarriedActivations {
  using Act = TanhActivation;  // as carried_tiles is 0 for the others

  /// The values then have half a rounding each of so many additions.
  static constexpr int changes_before_renewal = 64;
  /// What a core's second cache holds beside other things.
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;

  double* value;         ///< as GradientWorkspace::value, of every tile
  double* state;         ///< the x that they belong to, [N]
  double* change;        ///< the way that they have to go there, [N]
  std::size_t per_tile;  ///< numbers of one tile
  std::size_t tiles;     ///< 0: nothing is carried
  double error;          ///< bound on the 2-norm over the hidden units of their errors at every point
  int changes;           ///< since the values were new
  bool valid;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    valid = false;
    tiles = 0;
    if (network.layer_count != 2) return;
    const Layer& hidden = network.layers[0];
    per_tile = static_cast<std::size_t>(hidden.fan_in + hidden.fan_out + network.layers[1].fan_out) *
               points_per_tile;
    if (network.carried_tiles * per_tile * sizeof(double) > most_bytes) return;
    tiles = network.carried_tiles;
    value = arena.take<double>(tiles * per_tile);
    state = arena.take<double>(network.parameter_count);
    change = arena.take<double>(network.parameter_count);
  }

  /// The state becomes x; outputs() brings the values there.
  LANGEVO_FUNCTION ValuesMove move_to(const Team& team, const ProblemView& problem, const double* x) {
    const NetworkView& network = problem.network;
    const Layer& hidden = network.layers[0];
    const double largest_input = problem.data_double.largest_input;
    const LayerNorms<double> norms = layer_norms<double>(team, hidden, x, state, false, nullptr);
    bool stays = valid;
    for (std::size_t i = 0; i < network.parameter_count; ++i) {
      change[i] = x[i] - state[i];
      state[i] = x[i];
      stays = stays && change[i] == 0;
    }
    if (stays) return ValuesMove::none;
    const double reach = preactivation_reach(hidden, change, largest_input);
    const ValuesMove move = valid && changes < changes_before_renewal ? move_within(reach) : ValuesMove::anew;
    const double norm = square_root(static_cast<double>(hidden.fan_out));
    if (move == ValuesMove::anew) {
      error =
          affine_error(norms, hidden.fan_in, largest_input, 0.0) +
          Limits<double>::unit_roundoff * Act::template value_error<double>().of_norm(hidden.fan_out, norm);
      changes = 0;
      valid = true;
    } else {
      const ChangeBounds<double> d =
          affine_change_bounds<double>(norms, hidden.fan_in, {0, 0}, largest_input, 0);
      error = changed_value_bounds(series_change_bounds<Act>(d, error, remainder_of<Act>(move, reach)), norm,
                                   error)
                  .error;
      ++changes;
    }
    return move;
  }

  /// h += its change, from `Units` rows of changes of preactivations.
  template <int Terms, int Units>
  LANGEVO_INLINE static void add_changes(const Team& team, const double* preactivation_change, double* h) {
    transform_rows<Units>(team, h, [=](double value, int at) LANGEVO_BODY {
      return value + Act::template series_change<Terms>(value, preactivation_change[at]);
    });
  }

  /// The outputs on a tile at x after move_to has said how, the hidden units' values and the inputs before
  /// them. `scratch`: [Team::units_per_block][points_per_tile].
  LANGEVO_FUNCTION double* outputs(const Team& team, const ProblemView& problem, const double* x,
                                   ValuesMove move, std::size_t tile, double* scratch) const {
    const NetworkView& network = problem.network;
    const Layer& hidden = network.layers[0];
    double* const input = value + tile * per_tile;
    if (move == ValuesMove::anew) return forward<Act>(team, problem, x, tile, input);
    double* const values = input + static_cast<std::size_t>(hidden.fan_in) * points_per_tile;
    double* const output = values + static_cast<std::size_t>(hidden.fan_out) * points_per_tile;
    if (move == ValuesMove::none) return output;
    each_unit_block<Team::units_per_block>(hidden.fan_out, [&](auto units, int j) LANGEVO_BODY {
      double* const h = values + static_cast<std::size_t>(j) * points_per_tile;
      affine_units<units>(team, hidden, j, change, input, scratch);
      if (move == ValuesMove::by_four_terms) {
        add_changes<4, units>(team, scratch, h);
      } else {
        add_changes<5, units>(team, scratch, h);
      }
    });
    layer_values<Act>(team, network.layers[1], false, x, values, output);
    return output;
  }
};

/// U(x), and dU/dx into work.gradient, from carried activations, of which there are some.
template <class Team>
LANGEVO_APART double loss_and_carried_gradient(const Team& team, const ProblemView& problem, const double* x,
                                               CarriedActivations<Team>& carried,
                                               const GradientWorkspace<Team>& work) {
  const ValuesMove move = carried.move_to(team, problem, x);
  return loss_and_gradient_of<typename CarriedActivations<Team>::Act>(
      team, problem, x, work,
      [&](std::size_t tile) { return carried.outputs(team, problem, x, move, tile, work.slope[0]); });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
