#pragma once

#include "kernels/change/carried/carried_activations.hpp"
#include "kernels/change/carried/shallow.hpp"
#include "kernels/change/loss_change.hpp"

/// The change of the loss in double from carried activations, which may be those of a state some mutations
/// back: one pass over them takes them to the present state and on to the proposal, and stores neither.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Terms of the series to the present state, and of the one from there on: what they leave out goes into the
/// bound, and is far below the changes that mutations usually make.
inline constexpr int terms_to_present = 3;
inline constexpr int terms_to_proposal = 2;

struct PresentAndProposed {
  const double* x;
  const double* proposed;
  const double* change;  ///< x' - x
};

/// Values f and changes df of the only output, on one tile.
template <class Act, class Team>
LANGEVO_INLINE void output_change(const NetworkView& network, const ShallowRows<double>& rows,
                                  const PresentAndProposed& parameters, double* f, double* df) {
  using Lanes = typename Team::DoubleLanes;
  const Layer& layer = network.layers[1];
  const double* const w = parameters.x + layer.weight_offset;
  const double* const e = parameters.change + layer.weight_offset;
  const double* const proposed = parameters.proposed + layer.weight_offset;
  const double bias = layer.has_bias ? parameters.x[layer.bias_offset] : 0.0;
  const double bias_change = layer.has_bias ? parameters.change[layer.bias_offset] : 0.0;
  with_shallow_vectors<Lanes>(rows.points, [&](auto count) LANGEVO_BODY {
    constexpr int vectors = count;
    Lanes sum[vectors];
    Lanes by_weight[vectors];
    Lanes by_value[vectors];
    each_shallow_strip<Act, terms_to_present, terms_to_proposal, ValuesLeft::found, vectors, Lanes>(
        network.layers[0], rows,
        [&](int) LANGEVO_BODY {
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            sum[v] = Lanes(bias);
            by_weight[v] = Lanes(bias_change);
            by_value[v] = Lanes(0.0);
          }
        },
        [&](int /*first*/, int j, const Lanes* value, const Lanes* rise) LANGEVO_BODY {
          const Lanes w_j(w[j]);
          const Lanes e_j(e[j]);
          const Lanes proposed_j(proposed[j]);
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            sum[v] = multiply_add(w_j, value[v], sum[v]);
            by_weight[v] = multiply_add(e_j, value[v], by_weight[v]);
            by_value[v] = multiply_add(proposed_j, rise[v], by_value[v]);
          }
        },
        [&](int first) LANGEVO_BODY {
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            const int at = first + v * Lanes::count;
            sum[v].store(f + at);
            (by_weight[v] + by_value[v]).store(df + at);
          }
        });
  });
}

/// U(x') - U(x) of a network with one output; false where nothing is carried or the series do not reach. The
/// error bound is one for all points: a proposal that it leaves undecided is a rare one.
template <class Team>
LANGEVO_APART bool carried_double_change(const Team& team, const ProblemView& problem, const double* x,
                                         const double* proposed, CarriedActivations<Team>& carried,
                                         const LossChangeWorkspace<Team, double>& work, LossChange& result) {
  if constexpr (Team::carries_values) {
    using Act = typename CarriedActivations<Team>::Act;
    if (carried.tiles == 0 || !carried.valid || problem.data_double.target_dim != 1) return false;
    const NetworkView& network = problem.network;
    const DataView<double>& data = problem.data_double;
    const Layer& hidden = network.layers[0];
    const Layer& output = network.layers[1];
    double* const way = carried.change;
    double* const change = work.weight_change;
    bool is_present = true;
    for (std::size_t i = 0; i < network.parameter_count; ++i) {
      way[i] = x[i] - carried.state[i];
      change[i] = proposed[i] - x[i];
      is_present = is_present && way[i] == 0;
    }
    const double reach_to_present = preactivation_reach(hidden, way, data.largest_input);
    const double reach_to_proposal = preactivation_reach(hidden, change, data.largest_input);
    constexpr double most = Act::series_reach();
    if (!(reach_to_present <= most && reach_to_proposal <= most)) return false;

    const auto changes_of_values = [&](const double* from, const double* to, double error, double remainder) {
      const LayerNorms<double> norms = layer_norms<double>(team, hidden, from, to, false, nullptr);
      return series_change_bounds<Act>(
          affine_change_bounds<double>(norms, hidden.fan_in, {0, 0}, data.largest_input, 0), error,
          remainder);
    };
    const auto remainder = [](auto terms, double reach) {
      return static_cast<double>(
          Act::template series_remainder<decltype(terms){}>(static_cast<float>(reach)));
    };
    const double norm = square_root(static_cast<double>(hidden.fan_out));
    const double error =
        is_present ? carried.error
                   : changed_value_bounds(
                         changes_of_values(carried.state, x, carried.error,
                                           remainder(Constant<terms_to_present>{}, reach_to_present)),
                         norm, carried.error)
                         .error;
    const ChangeBounds<double> dh =
        changes_of_values(x, proposed, error, remainder(Constant<terms_to_proposal>{}, reach_to_proposal));
    const LayerNorms<double> norms = layer_norms<double>(team, output, x, proposed, false, nullptr);
    const double value_error = affine_error(norms, output.fan_in, norm, error);
    const double change_error = affine_change_bounds(norms, output.fan_in, dh, norm, error).error;
    team.each_point([&](int p) LANGEVO_BODY {
      work.errors.value[p] = value_error;
      work.errors.change[p] = change_error;
    });

    work.sums->clear(team);
    const PresentAndProposed parameters{x, proposed, change};
    double* const f = work.value[0];
    double* const df = work.change[0];
    for (std::size_t tile = 0; tile < data.tiles; ++tile) {
      double* const input = carried.value + tile * carried.per_tile;
      const ShallowRows<double> rows{
          change + hidden.weight_offset, is_present ? nullptr : way + hidden.weight_offset, input,
          input + static_cast<std::size_t>(hidden.fan_in) * points_per_tile, team.points};
      output_change<Act, Team>(network, rows, parameters, f, df);
      add_loss_change<double>(team, problem, tile, f, df, work.errors, *work.sums);
    }
    result = total_loss_change(team, problem, *work.sums);
    return true;
  }
  return false;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
