#pragma once

#include "kernels/change/carried/carried_values.hpp"
#include "kernels/change/carried/layer.hpp"

/// The changes of one tile's outputs from carried values.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Where a tile's rows lie; bounds are [layer][points_per_tile], input first.
struct CarriedTile {
  const float* input;
  float* hidden;  ///< values in place
  const float* value;
  float* next;
  float* norm;
  float* error;
  float* next_norm;
  float* next_error;

  template <class Team>
  LANGEVO_INLINE CarriedTile(const CarriedValues<Team>& carried, const DataView<float>& data,
                             std::size_t tile) {
    const int now = carried.side;
    const std::size_t row = tile * carried.units * points_per_tile;
    const std::size_t bound = tile * carried.layered.layers * points_per_tile;
    input = data.inputs + tile * data.input_dim * points_per_tile;
    hidden = carried.value[0] + row;
    value = carried.value[now] + row;
    next = carried.value[1 - now] + row;
    norm = carried.layered.norm[now] + bound;
    error = carried.layered.error[now] + bound;
    next_norm = carried.layered.norm[1 - now] + bound;
    next_error = carried.layered.error[1 - now] + bound;
  }

  /// Goes on to the layer above one of `units`.
  LANGEVO_INLINE void ascend(int units) {
    value += static_cast<std::size_t>(units) * points_per_tile;
    next += static_cast<std::size_t>(units) * points_per_tile;
    norm += points_per_tile;
    error += points_per_tile;
    next_norm += points_per_tile;
    next_error += points_per_tile;
  }
};

/// The changes of one tile's outputs to work.change[0], in a shallow network. Returns the outputs.
template <class Act, class Team>
LANGEVO_FUNCTION const float* carry_shallow_network(const Team& team, const NetworkView& network,
                                                    const ShallowRows& rows, ValuesLeft left,
                                                    const CarriedTile& at,
                                                    const LossChangeWorkspace<Team, float>& work) {
  const Layer& hidden = network.layers[0];
  const Layer& output = network.layers[1];
  const float bias_change = output.has_bias ? work.weight_change[output.bias_offset] : 0.0f;
  float* const df = work.change[0];
  with_series_terms<Act>(rows.reach, [&](auto terms) LANGEVO_BODY {
    const float* const w = work.proposed_weight + output.weight_offset;
    const float* const e = work.weight_change + output.weight_offset;
    using Lanes = typename Team::FloatLanes;
    if (left == ValuesLeft::proposed) {
      shallow_output_change<Act, terms, ValuesLeft::proposed, Lanes>(hidden, rows, w, e, bias_change, df);
    } else {
      shallow_output_change<Act, terms, ValuesLeft::present, Lanes>(hidden, rows, w, e, bias_change, df);
    }
  });
  const std::size_t row = static_cast<std::size_t>(hidden.fan_out) * points_per_tile;
  const float* const f = at.value + row;
  float* const next = at.next + row;
  team.each_point([&](int p) LANGEVO_BODY { next[p] = f[p] + df[p]; });
  return f;
}

/// The changes of one tile's outputs in any other network, to work.change[network.layer_count % 2], and the
/// bounds on their errors; nullptr where a change is too large for the series.
template <class Act, class Team>
LANGEVO_FUNCTION const float* carry_layers(const Team& team, const NetworkView& network, std::size_t points,
                                           CarriedTile at, const LossChangeWorkspace<Team, float>& work) {
  using Lanes = typename Team::FloatLanes;
  const PointErrors<float> e = work.errors;
  const float* h = at.input;
  int from = 0;
  team.each_point([&](int p) LANGEVO_BODY {
    e.change[p] = 0;
    e.change_norm[p] = 0;
  });
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const bool hidden = l + 1 < network.layer_count;
    const LayerNorms<float> norms = work.norms[l];
    team.each_point([&](int p) LANGEVO_BODY {
      const ChangeBounds<float> d = affine_change_bounds<float>(
          norms, layer.fan_in, {e.change_norm[p], e.change[p]}, at.norm[p], at.error[p]);
      e.margin[p] = d.norm;
      e.change[p] = d.error;
      e.change_norm[p] = PointErrors<float>::square_floor();
    });
    const LayerRows rows{work.proposed_weight,  work.weight_change, h,
                         work.change[from],     at.value,           at.next,
                         work.change[1 - from], e.change_norm,      points};
    // of the tile's own points: which of the others have values depends on the machine
    const auto within = [&](float reach) LANGEVO_BODY {
      return !team.any_point([&](int p) LANGEVO_BODY {
        return static_cast<std::size_t>(p) < points && !(e.margin[p] <= reach);  // NaN is not
      });
    };
    // `of_values` gives the bounds of the values' changes at one point.
    const auto end_layer = [&](const auto& of_values) LANGEVO_BODY {
      at.ascend(layer.fan_out);
      team.each_point([&](int p) LANGEVO_BODY {
        const ChangeBounds<float> change = of_values(p);
        const ChangeBounds<float> next = changed_value_bounds(change, at.norm[p], at.error[p]);
        e.change_norm[p] = change.norm;
        e.change[p] = change.error;
        e.value[p] = at.error[p];
        at.next_norm[p] = next.norm;
        at.next_error[p] = next.error;
      });
    };
    const auto measured = [&](int p) LANGEVO_BODY {
      return ChangeBounds<float>{square_root(e.change_norm[p]), e.change[p]};
    };
    const auto end_series = [&](auto count) LANGEVO_BODY {
      constexpr int terms = count;
      carry_layer<Act, terms, Lanes>(l == 0, layer, rows);
      end_layer([&](int p) LANGEVO_BODY {
        const ChangeBounds<float> d = measured(p);
        return series_change_bounds<Act>(d, at.error[p], Act::template series_remainder<terms>(d.norm));
      });
    };
    h = at.value;
    if (!hidden) {
      carry_layer<LinearOutput, 0, Lanes>(l == 0, layer, rows);
      end_layer(measured);
    } else if (within(Act::series_reach() / 2)) {
      end_series(Constant<2>{});
    } else if (within(Act::series_reach())) {
      end_series(Constant<3>{});
    } else {
      return nullptr;
    }
    from = 1 - from;
  }
  return h;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
