#pragma once

#include "kernels/base/kept_state.hpp"
#include "kernels/change/carried/shallow.hpp"
#include "kernels/change/change_bounds.hpp"
#include "kernels/change/continuity.hpp"
#include "kernels/change/loss_change.hpp"

/// The values of all units at the present state, carried from proposal to proposal: a rejection leaves them
/// as they are, an acceptance adds the changes that the float rung has just computed. A proposal then costs
/// its changes alone. A shallow network has its hidden values in place, see shallow.hpp; of others the
/// proposal's values are kept beside them. The error bound counts what carrying adds, one rounding and the
/// change's error for every acceptance; after some of them the values are renewed from the state in double.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Whose values the carried ones are.
enum class CarriedState {
  unknown,  ///< nobody's
  present,  ///< of the state before the step at hand
  proposed  ///< of that state and, on the other side, of the proposal decided last
};

/// What values in place still lack.
enum class PendingChange { none, accepted, taken_back };

/// Norms of values and bounds on their errors, at every point, in a shallow network.
struct ShallowBounds {
  ChangeBounds<float> hidden;
  ChangeBounds<float> output;
};

/// What is known of hidden values in place.
struct ValuesInPlace {
  ShallowBounds bounds[2];  ///< of each side
  PendingChange pending;
  float* pending_change;  ///< [shallow_parameters(layer)]
  float pending_reach;    ///< bound on the changes of preactivations that it makes
  float proposed_reach;   ///< that of the proposal's
  ValuesLeft left;        ///< by the last pass
  float accepted_share;   ///< of the last tens of steps

  /// The values of a proposal that will most likely be accepted spare the next pass the way there.
  [[nodiscard]] LANGEVO_INLINE ValuesLeft values_to_leave() const {
    return accepted_share > 0.6f ? ValuesLeft::proposed : ValuesLeft::present;
  }
};

/// What is known of values of both sides, one beside the other: [tile][layer][points_per_tile], input first.
struct ValuesBeside {
  float* norm[2];   ///< 2-norm over a layer's units
  float* error[2];  ///< bound on the 2-norm of their errors
  std::size_t layers;
};

template <class Team>
struct CarriedValues {
  static constexpr int acceptances_before_renewal = 128;

  /// [tile][unit][points_per_tile] of all layers; `side` holds now, the other the proposal. Hidden values in
  /// place are in value[0] always.
  float* value[2];
  LayerNorms<float>* norms;  ///< bounds at the present state
  std::size_t tiles;         ///< 0: nothing is carried
  std::size_t units;
  bool in_place;
  ValuesInPlace shallow;
  ValuesBeside layered;
  Continuity track;
  bool in_step;  ///< a step has begun: its decision may use the values
  CarriedState state;
  int side;
  int acceptances;  ///< since the renewal

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    tiles = network.carried_tiles;
    units = 0;
    for (int l = 0; l < network.layer_count; ++l) units += network.layers[l].fan_out;
    in_place = is_shallow(network);
    layered.layers = in_place ? 0 : static_cast<std::size_t>(network.layer_count) + 1;
    track = Continuity::none();
    acceptances = 0;
    in_step = false;
    shallow.left = ValuesLeft::present;
    shallow.accepted_share = 0;
    forget();
    if (tiles == 0) return;
    for (int s = 0; s < 2; ++s) {
      value[s] = arena.take<float>(tiles * units * points_per_tile);
      layered.norm[s] = arena.take<float>(tiles * layered.layers * points_per_tile);
      layered.error[s] = arena.take<float>(tiles * layered.layers * points_per_tile);
    }
    norms = arena.take<LayerNorms<float>>(network.layer_count);
    if (in_place) shallow.pending_change = arena.take<float>(shallow_parameters(network.layers[0]));
  }

  /// Whether the decision at hand has a float change from the values.
  [[nodiscard]] LANGEVO_FUNCTION bool gave_change() const {
    return in_step && state == CarriedState::proposed;
  }

  /// The state was changed by someone else.
  LANGEVO_FUNCTION void forget() {
    state = CarriedState::unknown;
    shallow.pending = PendingChange::none;
    side = 0;
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal. Values of
  /// another replica or of another time are forgotten.
  LANGEVO_FUNCTION void begin_step(std::uint32_t replica, std::uint64_t step) {
    if (!track.begin(replica, step)) {
      forget();
      shallow.accepted_share = 0;
    }
    in_step = tiles > 0;
    if (state == CarriedState::proposed) state = CarriedState::present;
  }

  /// Takes in the decision on the proposal of the step begun last, whose float change `work` has.
  LANGEVO_FUNCTION void end_step(const Team& team, bool accepted, const NetworkView& network,
                                 const LossChangeWorkspace<Team, float>& work) {
    if (!in_step) return;
    track.end();
    in_step = false;
    const bool proposed = state == CarriedState::proposed;
    shallow.accepted_share += ((accepted ? 1.0f : 0.0f) - shallow.accepted_share) / 32;
    const bool ahead = proposed && shallow.left == ValuesLeft::proposed;
    if (!accepted && !ahead) return;
    if (!proposed || acceptances + 1 >= acceptances_before_renewal) {
      forget();
      return;
    }
    ++acceptances;
    if (in_place && accepted != ahead) {
      shallow.pending = accepted ? PendingChange::accepted : PendingChange::taken_back;
      shallow.pending_reach = shallow.proposed_reach;
      const float sign = accepted ? 1.0f : -1.0f;
      team.each(shallow_parameters(network.layers[0]), [&](std::size_t i) LANGEVO_BODY {
        shallow.pending_change[i] = sign * work.weight_change[i];
      });
    }
    if (!accepted) return;
    side = 1 - side;
    for (int l = 0; l < network.layer_count; ++l) {  // triangle inequality
      norms[l].spectral += work.norms[l].weight_change;
      norms[l].weight += work.norms[l].weight_change;
      norms[l].bias += work.norms[l].bias_change;
    }
  }
};

/// The bounds of values that were computed in double and rounded.
template <class Act>
LANGEVO_FUNCTION ShallowBounds renewed_bounds(const NetworkView& network, const LayerNorms<float>* norms) {
  constexpr float rounding = 1.001f * Limits<float>::unit_roundoff;
  const float hidden = Act::largest_value() * square_root(static_cast<float>(network.layers[0].fan_out));
  const float output = norms[1].weight * hidden + norms[1].bias;
  return {{hidden, rounding * hidden}, {output, rounding * output}};
}

/// Takes the bounds on to those of a proposal, whose changes have these norms; returns the bound on the error
/// of the output's change.
template <class Act, class Team>
LANGEVO_FUNCTION float propose_bounds(const NetworkView& network, const LayerNorms<float>* norms,
                                      float largest_input, float remainder, CarriedValues<Team>& carried) {
  ShallowBounds& present = carried.shallow.bounds[carried.side];
  ShallowBounds& next = carried.shallow.bounds[1 - carried.side];
  ChangeBounds<float>& h = present.hidden;
  const ChangeBounds<float>& f = present.output;
  if (carried.shallow.pending == PendingChange::taken_back) h = values_taken_back<Act>(h, next.hidden);
  const float input_error = Limits<float>::unit_roundoff * largest_input;
  const ChangeBounds<float> d =
      affine_change_bounds<float>(norms[0], network.layers[0].fan_in, {0, 0}, largest_input, input_error);
  const ChangeBounds<float> dh = series_change_bounds<Act>(d, h.error, remainder);
  const ChangeBounds<float> df =
      affine_change_bounds(norms[1], network.layers[1].fan_in, dh, h.norm, h.error);
  next = {changed_value_bounds(dh, h.norm, h.error), changed_value_bounds(df, f.norm, f.error)};
  return df.error;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
