#pragma once

#include "kernels/change/carried/carried_renewal.hpp"
#include "kernels/change/carried/carried_tile.hpp"

/// The float change of the loss from carried values.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The loss of the points from the changes of their outputs: outputs_of(at, points) leaves those of a tile in
/// work.change and returns the outputs, or nullptr where a change is too large for the series.
template <class Team, class Outputs>
LANGEVO_INLINE bool change_of_tiles(const Team& team, const ProblemView& problem,
                                    const LossChangeWorkspace<Team, float>& work,
                                    CarriedValues<Team>& carried, LossChange& result,
                                    const Outputs& outputs_of) {
  const DataView<float>& data = problem.data_float;
  work.sums->clear(team);
  const float* const df = work.change[problem.network.layer_count % 2];
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    const std::size_t left = data.points - tile * points_per_tile;
    const std::size_t points = left < points_per_tile ? left : points_per_tile;
    const float* const f = outputs_of(CarriedTile(carried, data, tile), points);
    if (f == nullptr) return false;
    add_loss_change(team, problem, tile, f, df, work.errors, *work.sums);
  }
  result = total_loss_change(team, problem, *work.sums);
  carried.state = CarriedState::proposed;
  return true;
}

/// U(x') - U(x) of a shallow network, whose proposal `work` has; false where its change is too large for the
/// series.
template <class Act, class Team>
LANGEVO_FUNCTION bool change_of_values_in_place(const Team& team, const ProblemView& problem,
                                                const LossChangeWorkspace<Team, float>& work,
                                                CarriedValues<Team>& carried, LossChange& result) {
  const NetworkView& network = problem.network;
  ValuesInPlace& values = carried.shallow;
  const float largest_input = problem.data_float.largest_input;
  values.proposed_reach = shallow_reach(network.layers[0], work.weight_change, largest_input);
  if (!(values.proposed_reach <= Act::series_reach())) return false;
  ShallowRows rows{};
  rows.points = team.points;
  rows.change = work.weight_change;
  rows.reach = values.proposed_reach;
  rows.remainder = shallow_remainder<Act>(values.proposed_reach);
  if (values.pending != PendingChange::none) {
    rows.before = values.pending_change;
    rows.reach = larger(rows.reach, values.pending_reach);
  }
  const ValuesLeft leaves = values.values_to_leave();
  const float value_error = values.bounds[carried.side].output.error;
  const float change_error = propose_bounds<Act>(network, work.norms, largest_input, rows.remainder, carried);
  const PointErrors<float> e = work.errors;
  team.each_point([&](int p) LANGEVO_BODY {
    e.value[p] = value_error;
    e.change[p] = change_error;
  });
  change_of_tiles(team, problem, work, carried, result,
                  [&](const CarriedTile& at, std::size_t /*points*/) LANGEVO_BODY {
                    rows.input = at.input;
                    rows.value = at.hidden;
                    return carry_shallow_network<Act>(team, network, rows, leaves, at, work);
                  });
  values.pending = PendingChange::none;
  values.left = leaves;
  return true;
}

/// U(x') - U(x) from the carried values; false where a change is too large for the series.
template <class Act, class Team>
LANGEVO_FUNCTION bool carried_loss_change(const Team& team, const ProblemView& problem, const double* x,
                                          const double* proposed,
                                          const LossChangeWorkspace<Team, float>& work,
                                          CarriedValues<Team>& carried, LossChange& result) {
  const NetworkView& network = problem.network;
  for (int l = 0; l < network.layer_count; ++l) {
    work.norms[l] = carried.norms[l];
    take_change_norms(team, network.layers[l], x, proposed, work.norms[l],
                      [&](std::size_t i, double change) LANGEVO_BODY {
                        work.proposed_weight[i] = static_cast<float>(proposed[i]);
                        work.weight_change[i] = static_cast<float>(change);
                      });
  }
  return carried.in_place ? change_of_values_in_place<Act>(team, problem, work, carried, result)
                          : change_of_tiles(team, problem, work, carried, result,
                                            [&](const CarriedTile& at, std::size_t points) LANGEVO_BODY {
                                              return carry_layers<Act>(team, network, points, at, work);
                                            });
}

/// U(x') - U(x) in a step that the values follow, which it renews where they are not those of x; false as
/// carried_loss_change.
template <class Team>
LANGEVO_FUNCTION bool change_of_carried_step(const Team& team, const ProblemView& problem, const double* x,
                                             const double* proposed,
                                             const LossChangeWorkspace<Team, float>& single,
                                             const LossChangeWorkspace<Team, double>& precise,
                                             CarriedValues<Team>& carried, LossChange& result) {
  if (carried.state == CarriedState::unknown)
    renew_values<TanhActivation>(team, problem, x, precise, carried);
  return carried_loss_change<TanhActivation>(team, problem, x, proposed, single, carried, result);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
