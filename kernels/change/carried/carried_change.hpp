#pragma once

#include "kernels/change/carried/carried_renewal.hpp"
#include "kernels/change/carried/carried_tile.hpp"

/// The float change of the loss from carried values.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// U(x') - U(x) from the carried values; false where a change is too large for the series.
template <class Act, class Team>
LANGEVO_FUNCTION bool carried_loss_change(const Team& team, const ProblemView& problem, const double* x,
                                          const double* proposed,
                                          const LossChangeWorkspace<Team, float>& work,
                                          CarriedValues<Team>& carried, LossChange& result) {
  const NetworkView& network = problem.network;
  const DataView<float>& data = problem.data_float;
  for (int l = 0; l < network.layer_count; ++l) {
    work.norms[l] = carried.norms[l];
    take_change_norms(team, network.layers[l], x, proposed, work.norms[l],
                      [&](std::size_t i, double change) LANGEVO_BODY {
                        work.proposed_weight[i] = static_cast<float>(proposed[i]);
                        work.weight_change[i] = static_cast<float>(change);
                      });
  }
  NarrowFloatRows narrow{};
  if (carried.narrow) {
    carried.narrow_size = narrow_change_bound(network.layers[0], work.weight_change, data.largest_input);
    if (!(carried.narrow_size <= Act::series_reach())) return false;
    narrow.change = work.weight_change;
    narrow.reach = carried.narrow_size;
    narrow.remainder = narrow_remainder<Act>(carried.narrow_size);
    if (carried.pending != PendingChange::none) {
      narrow.before = carried.pending_change;
      narrow.reach = larger(narrow.reach, carried.pending_size);
    }
  }
  const ValuesLeft leaves = carried.values_to_leave();
  if (carried.narrow_output) {
    const float value_error = carried.bounds[carried.side].output.error;
    const float change_error =
        propose_bounds<Act>(network, work.norms, data.largest_input, narrow.remainder, carried);
    const PointErrors<float> e = work.errors;
    team.each_point([&](int p) LANGEVO_BODY {
      e.value[p] = value_error;
      e.change[p] = change_error;
    });
  }
  work.sums->clear(team);
  const float* const df = work.change[network.layer_count % 2];
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    const CarriedTile at(carried, data, tile);
    const std::size_t first_point = tile * points_per_tile;
    const std::size_t left = data.points - first_point;
    const std::size_t points = left < points_per_tile ? left : points_per_tile;
    narrow.input = at.input;
    narrow.value = at.narrow;
    const float* const f = carried.narrow_output
                               ? carry_narrow_network<Act>(team, network, narrow, leaves, at, work)
                               : carry_layers<Act>(team, network, carried.narrow, narrow, points, at, work);
    if (f == nullptr) {
      if (carried.pending != PendingChange::none)
        carried.forget();  // some tiles have taken what was accepted
      return false;
    }
    add_loss_change(team, problem.loss, data.target_dim, data.targets + first_point * data.target_dim, f, df,
                    work.errors, points, *work.sums);
  }
  result = total_loss_change(team, loss_denominator(problem.loss, data.points, data.target_dim), data.tiles,
                             *work.sums);
  carried.pending = PendingChange::none;
  carried.left = leaves;
  carried.proposed = true;
  return true;
}

/// The float change of loss of a step's proposal: from carried values where there are any.
template <class Team>
LANGEVO_FUNCTION LossChange float_change_of_step(const Team& team, const ProblemView& problem,
                                                 const double* x, const double* proposed,
                                                 const LossChangeWorkspace<Team, float>& single,
                                                 const LossChangeWorkspace<Team, double>& precise,
                                                 const KeptByOneThread<Team, CarriedValues<Team>>& kept) {
  if constexpr (Team::carries_values) {
    CarriedValues<Team>& carried = kept.get();
    if (carried.following) {
      if (!carried.valid) renew_values<TanhActivation>(team, problem, x, precise, carried);
      LossChange change;
      if (carried_loss_change<TanhActivation>(team, problem, x, proposed, single, carried, change))
        return change;
    }
  }
  return loss_change(team, problem, x, proposed, single);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
