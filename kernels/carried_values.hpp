#pragma once

#include "kernels/carried_rows.hpp"
#include "kernels/gradient.hpp"
#include "kernels/loss_change.hpp"

/// The values of all units at the present state, carried from proposal to proposal: a rejection leaves them
/// as they are, an acceptance adds the changes that the float rung has just computed. A proposal then costs
/// its changes alone. The error bound counts what carrying adds, one rounding and the change's error for
/// every acceptance; after some of them the values are renewed from the state in double.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct CarriedValues {
  static constexpr int acceptances_before_renewal = 32;

  float* value[2];  ///< [tile][unit][points_per_tile] of all layers; `side` holds now, the other the proposal
  float* norm[2];   ///< 2-norm over a layer's units, input first, [tile][layer][points_per_tile]
  float* error[2];  ///< bound on the 2-norm of their errors
  LayerNorms<float>* norms;  ///< bounds at the present state
  std::size_t tiles;         ///< 0: nothing is carried
  std::size_t units;
  std::size_t layers;  ///< input included
  std::uint64_t next_step;
  std::uint32_t replica;
  int side;
  int acceptances;  ///< since the renewal
  bool valid;       ///< for the state before `next_step` of `replica`
  bool following;   ///< a step has begun: its decision may use the values
  bool proposed;    ///< the other side is that of the proposal decided last

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    tiles = Team::carries_values ? network.carried_tiles : 0;
    units = 0;
    for (int l = 0; l < network.layer_count; ++l) units += network.layers[l].fan_out;
    layers = static_cast<std::size_t>(network.layer_count) + 1;
    next_step = 0;
    replica = 0;
    acceptances = 0;
    following = false;
    forget();
    if (tiles == 0) return;
    for (int s = 0; s < 2; ++s) {
      value[s] = arena.take<float>(tiles * units * points_per_tile);
      norm[s] = arena.take<float>(tiles * layers * points_per_tile);
      error[s] = arena.take<float>(tiles * layers * points_per_tile);
    }
    norms = arena.take<LayerNorms<float>>(network.layer_count);
  }

  /// Whether the last decision's float change came from the values.
  [[nodiscard]] LANGEVO_FUNCTION bool gave_change() const { return following && proposed; }

  /// The state was changed by someone else.
  LANGEVO_FUNCTION void forget() {
    valid = false;
    proposed = false;
    side = 0;
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal. Values of
  /// another replica or of another time are forgotten.
  LANGEVO_FUNCTION void begin_step(std::uint32_t of_replica, std::uint64_t step) {
    if constexpr (!Team::carries_values) return;
    if (next_step != step || replica != of_replica) forget();
    following = tiles > 0;
    replica = of_replica;
    next_step = step;
    proposed = false;
  }

  LANGEVO_FUNCTION void end_step(bool accepted, const LayerNorms<float>* proposal_norms) {
    if constexpr (!Team::carries_values) return;
    ++next_step;
    following = false;
    if (!accepted) return;
    if (!proposed) {
      forget();
      return;
    }
    side = 1 - side;
    for (std::size_t l = 0; l + 1 < layers; ++l) {  // triangle inequality
      norms[l].spectral += proposal_norms[l].weight_change;
      norms[l].weight += proposal_norms[l].weight_change;
      norms[l].bias += proposal_norms[l].bias_change;
    }
    if (++acceptances >= acceptances_before_renewal) forget();
  }
};

/// Values, norms and errors of x on side 0, computed in double.
template <class Act, class Team>
LANGEVO_FUNCTION void renew_values(const Team& team, const ProblemView& problem, const double* x,
                                   LossChangeWorkspace<Team, double>& work, CarriedValues<Team>& carried) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  constexpr double u = Limits<double>::unit_roundoff;
  constexpr auto u_float = static_cast<double>(Limits<float>::unit_roundoff);
  carried.side = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    carried.norms[l] = layer_norms<float>(
        team, network.layers[l], x, x, spectral_norm_pays(network.layers[l], data.points), work.norm_scratch);
  }
  const PointErrors<double>& e = work.errors;
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    float* stored = carried.value[0] + tile * carried.units * points_per_tile;
    float* norm = carried.norm[0] + tile * carried.layers * points_per_tile;
    float* error = carried.error[0] + tile * carried.layers * points_per_tile;
    int from = 0;
    load_inputs(team, data, tile, work.value[from], work.errors);
    team.each_point([&](int p) LANGEVO_BODY {
      norm[p] = static_cast<float>(e.value_norm[p]);
      error[p] = static_cast<float>(u_float * e.value_norm[p]);
    });
    for (int l = 0; l < network.layer_count; ++l) {
      const Layer& layer = network.layers[l];
      const bool hidden = l + 1 < network.layer_count;
      const auto spectral = static_cast<double>(carried.norms[l].spectral);
      const auto weight = static_cast<double>(carried.norms[l].weight);
      const auto biases = static_cast<double>(carried.norms[l].bias);
      team.each_point([&](int p) LANGEVO_BODY {
        e.value[p] = spectral * e.value[p] + (layer.fan_in + 3) * u * (weight * e.value_norm[p] + biases);
        e.value_norm[p] = PointErrors<double>::square_floor();
      });
      each_unit_block(team, layer.fan_out, [&](auto block, int j) LANGEVO_BODY {
        constexpr int units = block;
        double* const rows = work.value[1 - from] + static_cast<std::size_t>(j) * points_per_tile;
        affine_units<units>(team, layer, j, x, work.value[from], rows);
        if (hidden)
          transform_rows<units>(team, rows, [](double a, int) LANGEVO_BODY { return Act::value(a); });
        team.each_point([&](int p) LANGEVO_BODY {
          double square = e.value_norm[p];
#pragma GCC unroll 8
          for (int i = 0; i < units; ++i) {
            const double h = rows[i * points_per_tile + p];
            stored[i * points_per_tile + p] = static_cast<float>(h);
            square = multiply_add(h, h, square);
          }
          e.value_norm[p] = square;
        });
        stored += units * points_per_tile;
      });
      norm += points_per_tile;
      error += points_per_tile;
      team.each_point([&](int p) LANGEVO_BODY {
        e.value_norm[p] = square_root(e.value_norm[p]) + 1e-16;
        if (hidden)
          e.value[p] += u * Act::template value_error<double>().of_norm(layer.fan_out, e.value_norm[p]);
        norm[p] = static_cast<float>(e.value_norm[p]);
        error[p] = static_cast<float>(e.value[p] + u_float * e.value_norm[p]);
      });
      from = 1 - from;
    }
  }
  carried.acceptances = 0;
  carried.valid = true;
}

/// U(x') - U(x) from the carried values; false where a change is too large for the series.
template <class Act, class Team>
LANGEVO_FUNCTION bool carried_loss_change(const Team& team, const ProblemView& problem, const double* x,
                                          const double* proposed, LossChangeWorkspace<Team, float>& work,
                                          CarriedValues<Team>& carried, LossChange& result) {
  constexpr float u = Limits<float>::unit_roundoff;
  const NetworkView& network = problem.network;
  const DataView<float>& data = problem.data_float;
  team.each(network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    work.proposed_weight[i] = static_cast<float>(proposed[i]);
    work.weight_change[i] = static_cast<float>(proposed[i] - x[i]);
  });
  for (int l = 0; l < network.layer_count; ++l) {
    work.norms[l] = carried.norms[l];
    take_change_norms(team, network.layers[l], x, proposed, work.norms[l]);
  }
  team.clear(work.sums->change);
  team.clear(work.sums->magnitude);
  team.clear(work.sums->error);
  const PointErrors<float>& e = work.errors;
  const int now = carried.side;
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    const std::size_t first_row = tile * carried.layers * points_per_tile;
    const float* norm = carried.norm[now] + first_row;
    const float* error = carried.error[now] + first_row;
    float* next_norm = carried.norm[1 - now] + first_row;
    float* next_error = carried.error[1 - now] + first_row;
    const float* h = data.inputs + tile * data.input_dim * points_per_tile;
    const float* value = carried.value[now] + tile * carried.units * points_per_tile;
    float* next = carried.value[1 - now] + tile * carried.units * points_per_tile;
    int from = 0;
    team.each_point([&](int p) LANGEVO_BODY {
      e.change[p] = 0;
      e.change_norm[p] = 0;
      next_norm[p] = norm[p];
      next_error[p] = error[p];
    });
    for (int l = 0; l < network.layer_count; ++l) {
      const Layer& layer = network.layers[l];
      const LayerNorms<float> norms = work.norms[l];  // a copy: stores to rows cannot alias it
      const bool hidden = l + 1 < network.layer_count;
      const float spectral = norms.spectral + norms.weight_change;
      const float weight = norms.weight + norms.weight_change;
      const float gamma = static_cast<float>(2 * layer.fan_in + 5) * u;
      team.each_point([&](int p) LANGEVO_BODY {
        const float dh = e.change_norm[p];
        e.margin[p] = spectral * dh + norms.weight_change * norm[p] + norms.bias_change;  // >= |d|
        e.change[p] = spectral * e.change[p] + norms.weight_change * error[p] +
                      gamma * (weight * dh + norms.weight_change * norm[p] + norms.bias_change);
        e.change_norm[p] = PointErrors<float>::square_floor();
      });
      if (hidden &&
          team.any_point([&](int p) LANGEVO_BODY { return !(e.margin[p] <= Act::series_reach()); })) {
        return false;
      }
      const CarriedRows rows{work.proposed_weight,  work.weight_change, h, work.change[from], value, next,
                             work.change[1 - from], e.change_norm};
      if (hidden) {
        if (l == 0) {
          carry_layer<Act, true, typename Team::FloatLanes>(layer, rows);
        } else {
          carry_layer<Act, false, typename Team::FloatLanes>(layer, rows);
        }
      } else if (l == 0) {
        carry_layer<LinearOutput, true, typename Team::FloatLanes>(layer, rows);
      } else {
        carry_layer<LinearOutput, false, typename Team::FloatLanes>(layer, rows);
      }
      norm += points_per_tile;
      error += points_per_tile;
      next_norm += points_per_tile;
      next_error += points_per_tile;
      const float own = hidden ? Act::series_error() * u : 0.0f;
      const float shift = hidden ? 2.2f : 0.0f;
      team.each_point([&](int p) LANGEVO_BODY {
        const float d = square_root(e.change_norm[p]);  // >= |dh|, as no slope is above 1
        const float change = e.change[p] + shift * d * error[p] + own * d;
        const float next_size = norm[p] + d;
        e.change_norm[p] = d;
        e.change[p] = change;
        e.value[p] = error[p];
        next_norm[p] = next_size;
        next_error[p] = error[p] + change + u * next_size;
      });
      h = value;
      value += static_cast<std::size_t>(layer.fan_out) * points_per_tile;
      next += static_cast<std::size_t>(layer.fan_out) * points_per_tile;
      from = 1 - from;
    }
    const std::size_t first_point = tile * points_per_tile;
    add_loss_change(team, problem.loss, data.target_dim, data.targets + first_point * data.target_dim, h,
                    work.change[from], e, data.points - first_point, *work.sums);
  }
  result = total_loss_change(team, loss_denominator(problem.loss, data.points, data.target_dim), data.tiles,
                             *work.sums);
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
