#pragma once

#include "kernels/base/kept_state.hpp"
#include "kernels/change/change_bounds.hpp"
#include "kernels/change/continuity.hpp"
#include "kernels/change/loss_change.hpp"
#include "kernels/network/gradient.hpp"

/// The float change of the loss from the outputs of x and x': df = f' - f of two forward passes in float, of
/// which that of x is at hand. A proposal then costs one product for every weight and point, where changes
/// cost two and changes beside values three. For that, df has the errors of whole outputs: it decides what
/// lies far enough from the threshold, which is nearly everything where mutations are not too small. Errors
/// of the activation that are the same for neighbouring arguments cancel in f' - f.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What kept outputs are of.
struct TwoPassState {
  Continuity track;
  float error[2];  ///< bound on the 2-norm of each side's errors at every point
  int side;        ///< that holds now; the other one is the proposal's
  bool valid;      ///< for the state before track.next_step
  bool following;  ///< a step has begun: its decision may use the outputs
  bool proposed;   ///< the other side is that of the proposal decided last
};

/// Outputs of the present state, and of the proposal beside them.
template <class Team>
struct TwoPassOutputs {
  float* output[2];   ///< [side][tile][output][points_per_tile]
  std::size_t tiles;  ///< 0: none are kept
  bool pays_beside_carried;
  KeptState<TwoPassState> state;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    tiles = network.forward_tiles;
    pays_beside_carried = forward_passes_pay(network);
    state.begin({Continuity::none(), {0, 0}, 0, false, false, false});
    const auto outputs = static_cast<std::size_t>(network.layers[network.layer_count - 1].fan_out);
    for (float*& rows : output) rows = arena.take<float>(tiles * outputs * points_per_tile);
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal. Outputs are
  /// not worth finding for a step that stands alone.
  LANGEVO_FUNCTION void begin_step(const Team& team, std::uint32_t replica, std::uint64_t step,
                                   bool serves) const {
    const bool may_follow = serves && tiles > 0;
    state.change(team, [=](TwoPassState& s) LANGEVO_BODY {
      const bool follows = s.track.begin(replica, step);
      s.valid = s.valid && follows;
      s.following = may_follow && follows;
      s.proposed = false;
    });
  }

  LANGEVO_FUNCTION void end_step(const Team& team, bool accepted) const {
    state.change(team, [=](TwoPassState& s) LANGEVO_BODY {
      s.track.end();
      s.following = false;
      if (!accepted) return;
      s.valid = s.proposed;
      s.side = 1 - s.side;
    });
  }
};

/// Outputs on one tile to `output`.
template <class Act, class Team>
LANGEVO_FUNCTION void forward_tile(const Team& team, const ProblemView& problem, const float* x,
                                   std::size_t tile, float* const (&scratch)[2], float* output) {
  const NetworkView& network = problem.network;
  const float* below = problem.data_float.inputs + tile * problem.data_float.input_dim * points_per_tile;
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const bool hidden = l + 1 < network.layer_count;
    float* const values = hidden ? scratch[l % 2] : output;
    each_unit_block<Team::units_per_block>(layer.fan_out, [&](auto units, int j) LANGEVO_BODY {
      float* const rows = values + static_cast<std::size_t>(j) * points_per_tile;
      if (hidden) {
        affine_units<units>(team, layer, j, x, below, rows,
                            [](auto sum) LANGEVO_BODY { return Act::quick_value(sum); });
      } else {
        affine_units<units>(team, layer, j, x, below, rows);
      }
    });
    below = values;
  }
}

/// x rounded to float, to `weight`; returns a bound on the 2-norm of the outputs' errors at every point. With
/// F the Frobenius norm of a layer's weights and H a bound on the norm of the values below:
/// e' = F e + gamma (F H + |b|), and the activation adds its own.
template <class Act, class Team>
LANGEVO_FUNCTION float load_state(const Team& team, const ProblemView& problem, const double* x,
                                  float* weight) {
  constexpr float u = Limits<float>::unit_roundoff;
  const NetworkView& network = problem.network;
  const auto load = [&](std::size_t offset, std::size_t count) {
    return static_cast<float>(square_root(team.sum(count, [&](std::size_t i) LANGEVO_BODY {
      weight[offset + i] = static_cast<float>(x[offset + i]);
      return x[offset + i] * x[offset + i];
    })));
  };
  float norm = problem.data_float.largest_input;
  float error = u * norm;
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const float of_weights =
        load(layer.weight_offset, static_cast<std::size_t>(layer.fan_in) * layer.fan_out);
    const float of_biases = layer.has_bias ? load(layer.bias_offset, layer.fan_out) : 0.0f;
    error = affine_error<float>({of_weights, of_weights, 0, of_biases, 0}, layer.fan_in, norm, error);
    norm = of_weights * norm + of_biases;
    if (l + 1 == network.layer_count) break;
    const float widest = square_root(static_cast<float>(layer.fan_out));
    norm = smaller(Act::value(0.0f) * widest + Act::template slope_bound<float>() * norm,
                   Act::largest_value() * widest);
    error += u * Act::quick_error().of_norm(layer.fan_out, norm);
  }
  team.synchronize();
  return error;
}

/// Outputs of x to side 0.
template <class Act, class Team>
LANGEVO_FUNCTION void renew_outputs(const Team& team, const ProblemView& problem, const double* x,
                                    const LossChangeWorkspace<Team, float>& work,
                                    const TwoPassOutputs<Team>& outputs) {
  const float error = load_state<Act>(team, problem, x, work.weight);
  const std::size_t row = static_cast<std::size_t>(problem.data_float.target_dim) * points_per_tile;
  for (std::size_t tile = team.worker(); tile < outputs.tiles; tile += Team::workers)
    forward_tile<Act>(team, problem, work.weight, tile, work.value, outputs.output[0] + tile * row);
  outputs.state.change(team, [=](TwoPassState& s) LANGEVO_BODY {
    s.side = 0;
    s.error[0] = error;
    s.valid = true;
  });
  team.synchronize();
}

/// U(x') - U(x).
template <class Act, class Team>
LANGEVO_FUNCTION LossChange two_pass_loss_change_of(const Team& team, const ProblemView& problem,
                                                    const double* x, const double* proposed,
                                                    const LossChangeWorkspace<Team, float>& work,
                                                    const TwoPassOutputs<Team>& outputs) {
  if (!outputs.state->valid) renew_outputs<Act>(team, problem, x, work, outputs);
  const DataView<float>& data = problem.data_float;
  const int side = outputs.state->side;
  const float proposed_error = load_state<Act>(team, problem, proposed, work.proposed_weight);
  work.sums->clear(team);
  const float value_error = outputs.state->error[side];
  const float change_error = value_error + proposed_error;
  const PointErrors<float> errors = work.errors;
  team.each_point([&](int p) LANGEVO_BODY {
    errors.value[p] = value_error;
    errors.change[p] = change_error;
  });
  float* const df = work.change[0];
  const std::size_t row = static_cast<std::size_t>(data.target_dim) * points_per_tile;
  for (std::size_t tile = team.worker(); tile < outputs.tiles; tile += Team::workers) {
    const float* const f = outputs.output[side] + tile * row;
    float* const next = outputs.output[1 - side] + tile * row;
    forward_tile<Act>(team, problem, work.proposed_weight, tile, work.value, next);
    each_output(team, 0, data.target_dim, [&](int i, int) LANGEVO_BODY { df[i] = next[i] - f[i]; });
    add_loss_change<float>(team, problem, tile, f, df, errors, *work.sums);
  }
  outputs.state.change(team, [=](TwoPassState& s) LANGEVO_BODY {
    s.error[1 - side] = proposed_error;
    s.proposed = true;
  });
  team.synchronize();
  return total_loss_change(team, problem, *work.sums);
}

template <class Team>
LANGEVO_APART LossChange two_pass_loss_change(const Team& team, const ProblemView& problem, const double* x,
                                              const double* proposed,
                                              const LossChangeWorkspace<Team, float>& work,
                                              const TwoPassOutputs<Team>& outputs) {
  return with_activation(problem.network.activation, [&](auto activation) {
    return two_pass_loss_change_of<decltype(activation)>(team, problem, x, proposed, work, outputs);
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
