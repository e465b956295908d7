#pragma once

#include "kernels/carried_rows.hpp"
#include "kernels/carried_values.hpp"

/// The float change of the loss from carried values.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Bounds on the 2-norm over a layer's units of the changes at any point of a tile, and on that of their
/// errors. One for all points: they cost next to nothing, and the audits measure how far they are from the
/// errors.
struct ChangeBounds {
  float norm;
  float error;
};

/// Of preactivations above values of `norm`, with `error`; see loss_change.hpp.
LANGEVO_INLINE ChangeBounds affine_change_bounds(const LayerNorms<float>& norms, int fan_in,
                                                 ChangeBounds below, float norm, float error) {
  const float gamma = static_cast<float>(2 * fan_in + 5) * Limits<float>::unit_roundoff;
  const float spectral = norms.spectral + norms.weight_change;
  const float weight = norms.weight + norms.weight_change;
  const float own = norms.weight_change * norm + norms.bias_change;
  return {spectral * below.norm + own,
          spectral * below.error + norms.weight_change * error + gamma * (weight * below.norm + own)};
}

/// Of values, with `error`, whose preactivations change within `bounds`, by a series with that remainder; no
/// slope is above 1.
template <class Act>
LANGEVO_INLINE ChangeBounds series_change_bounds(ChangeBounds bounds, float error, float remainder) {
  const float own = Act::series_error() * Limits<float>::unit_roundoff + remainder;
  return {bounds.norm, bounds.error + (Act::series_sensitivity() * error + own) * bounds.norm};
}

/// Of values to which such changes were added.
LANGEVO_INLINE ChangeBounds changed_value_bounds(ChangeBounds bounds, float norm, float error) {
  const float next = norm + bounds.norm;
  return {next, error + bounds.error + Limits<float>::unit_roundoff * next};
}

/// Where a tile's rows and bounds lie.
struct CarriedTile {
  const float* input;
  float* narrow;  ///< values of a narrow first layer
  const float* value;
  float* next;
  const float* norm;  ///< bounds on values and their errors, [layer], input first
  const float* error;
  float* next_norm;
  float* next_error;

  template <class Team>
  LANGEVO_INLINE CarriedTile(const CarriedValues<Team>& carried, const DataView<float>& data,
                             std::size_t tile) {
    const int now = carried.side;
    const std::size_t row = tile * carried.units * points_per_tile;
    const std::size_t bound = tile * carried.layers;
    input = data.inputs + tile * data.input_dim * points_per_tile;
    narrow = carried.value[0] + row;
    value = carried.value[now] + row;
    next = carried.value[1 - now] + row;
    norm = carried.norm[now] + bound;
    error = carried.error[now] + bound;
    next_norm = carried.norm[1 - now] + bound;
    next_error = carried.error[1 - now] + bound;
  }

  /// To the layer above one of `units`, whose values change within `bounds`.
  LANGEVO_INLINE void ascend(int units, const ChangeBounds& bounds) {
    value += static_cast<std::size_t>(units) * points_per_tile;
    next += static_cast<std::size_t>(units) * points_per_tile;
    ++norm;
    ++error;
    const ChangeBounds changed = changed_value_bounds(bounds, *norm, *error);
    *++next_norm = changed.norm;
    *++next_error = changed.error;
  }
};

/// Outputs f of one tile, and bounds on the errors of f and of its changes; f = nullptr: none.
struct CarriedOutput {
  const float* f;
  float value_error;
  float change_error;
};

/// The changes of one tile's outputs to work.change[0], in a network of a narrow layer and a single output.
template <class Act, class Team>
LANGEVO_FUNCTION CarriedOutput carry_narrow_network(const Team& team, const NetworkView& network,
                                                    const NarrowRows& rows, CarriedTile at,
                                                    const LossChangeWorkspace<Team, float>& work) {
  const Layer& hidden = network.layers[0];
  const Layer& output = network.layers[1];
  const float bias_change = output.has_bias ? work.weight_change[output.bias_offset] : 0.0f;
  float* const df = work.change[0];
  with_series_terms<Act>(rows.reach, [&](auto terms) LANGEVO_BODY {
    narrow_output_change<Act, terms, typename Team::FloatLanes>(
        hidden, rows, work.proposed_weight + output.weight_offset, work.weight_change + output.weight_offset,
        bias_change, df);
  });
  const ChangeBounds d = affine_change_bounds(work.norms[0], hidden.fan_in, {0, 0}, *at.norm, *at.error);
  const ChangeBounds dh = series_change_bounds<Act>(d, at.error[1], rows.remainder);
  at.ascend(hidden.fan_out, dh);
  const float error = affine_change_bounds(work.norms[1], hidden.fan_out, dh, *at.norm, *at.error).error;
  const CarriedTile outputs = at;
  at.ascend(0, {largest_size(points_per_tile, df), error});
  team.each_point([&](int p) LANGEVO_BODY { outputs.next[p] = outputs.value[p] + df[p]; });
  return {outputs.value, *at.error, error};
}

/// The same in any network, to work.change[network.layer_count % 2]; no outputs where a change is too large
/// for the series.
template <class Act, class Team>
LANGEVO_FUNCTION CarriedOutput carry_layers(const Team& team, const NetworkView& network, bool narrow,
                                            const NarrowRows& narrow_rows, std::size_t points, CarriedTile at,
                                            LossChangeWorkspace<Team, float>& work) {
  using Lanes = typename Team::FloatLanes;
  float* const squares = work.errors.change_norm;
  const float* h = at.input;
  int from = 0;
  ChangeBounds bounds{0, 0};  // of the changes in work.change[from]
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const bool hidden = l + 1 < network.layer_count;
    bounds = affine_change_bounds(work.norms[l], layer.fan_in, bounds, *at.norm, *at.error);
    const float error = at.error[1];  // of this layer's values
    const CarriedRows rows{work.proposed_weight,
                           work.weight_change,
                           h,
                           work.change[from],
                           at.value,
                           at.next,
                           work.change[1 - from],
                           squares,
                           points};
    const auto carry = [&](auto act, auto terms) LANGEVO_BODY {
      team.each_point([&](int p) LANGEVO_BODY { squares[p] = PointErrors<float>::square_floor(); });
      carry_layer<decltype(act), terms, Lanes>(l == 0, layer, rows);
      bounds.norm = square_root(largest_size(points_per_tile, squares));
    };
    const auto carry_series = [&](auto terms) LANGEVO_BODY {
      carry(Act{}, terms);
      bounds = series_change_bounds<Act>(bounds, error,
                                         Act::template series_remainder<decltype(terms){}>(bounds.norm));
    };
    h = at.value;
    if (l == 0 && narrow) {
      h = at.narrow;
      with_series_terms<Act>(narrow_rows.reach, [&](auto terms) LANGEVO_BODY {
        narrow_changes<Act, terms, Lanes>(layer, narrow_rows, work.change[1 - from]);
      });
      bounds = series_change_bounds<Act>(bounds, error, narrow_rows.remainder);
    } else if (!hidden) {
      carry(LinearOutput{}, Constant<0>{});
    } else if (bounds.norm <= Act::series_reach() / 2) {
      carry_series(Constant<2>{});
    } else if (bounds.norm <= Act::series_reach()) {
      carry_series(Constant<3>{});
    } else {
      return {};
    }
    at.ascend(layer.fan_out, bounds);
    from = 1 - from;
  }
  return {h, *at.error, bounds.error};
}

/// U(x') - U(x) from the carried values; false where a change is too large for the series.
template <class Act, class Team>
LANGEVO_FUNCTION bool carried_loss_change(const Team& team, const ProblemView& problem, const double* x,
                                          const double* proposed, LossChangeWorkspace<Team, float>& work,
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
  NarrowRows narrow{};
  if (carried.narrow) {
    carried.narrow_size = narrow_change_bound(network.layers[0], work.weight_change, carried.largest_input);
    if (!(carried.narrow_size <= Act::series_reach())) return false;
    narrow.change = work.weight_change;
    narrow.reach = carried.narrow_size;
    narrow.remainder = narrow_remainder<Act>(carried.narrow_size);
    if (carried.narrow_pending) {
      narrow.accepted = carried.accepted_change;
      narrow.reach = larger(narrow.reach, carried.accepted_size);
    }
  }
  team.clear(work.sums->change);
  team.clear(work.sums->magnitude);
  team.clear(work.sums->error);
  const float* const df = work.change[network.layer_count % 2];
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    const CarriedTile at(carried, data, tile);
    const std::size_t first_point = tile * points_per_tile;
    const std::size_t left = data.points - first_point;
    const std::size_t points = left < points_per_tile ? left : points_per_tile;
    narrow.input = at.input;
    narrow.value = at.narrow;
    const CarriedOutput output =
        carried.narrow_output ? carry_narrow_network<Act>(team, network, narrow, at, work)
                              : carry_layers<Act>(team, network, carried.narrow, narrow, points, at, work);
    if (output.f == nullptr) {
      if (carried.narrow_pending) carried.forget();  // some tiles have taken what was accepted
      return false;
    }
    team.each_point([&](int p) LANGEVO_BODY {
      work.errors.value[p] = output.value_error;
      work.errors.change[p] = output.change_error;
    });
    add_loss_change(team, problem.loss, data.target_dim, data.targets + first_point * data.target_dim,
                    output.f, df, work.errors, points, *work.sums);
  }
  result = total_loss_change(team, loss_denominator(problem.loss, data.points, data.target_dim), data.tiles,
                             *work.sums);
  carried.narrow_pending = false;
  carried.proposed = true;
  return true;
}

/// The float change of loss of a step's proposal: from carried values where there are any.
template <class Team>
LANGEVO_FUNCTION LossChange float_change_of_step(const Team& team, const ProblemView& problem,
                                                 const double* x, const double* proposed,
                                                 LossChangeWorkspace<Team, float>& single,
                                                 LossChangeWorkspace<Team, double>& precise,
                                                 CarriedValues<Team>& carried) {
  if constexpr (Team::carries_values) {
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
