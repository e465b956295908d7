#pragma once

#include "kernels/base/kept_state.hpp"
#include "kernels/change/carried/carried_narrow.hpp"
#include "kernels/change/change_bounds.hpp"
#include "kernels/change/loss_change.hpp"
#include "kernels/change/step_track.hpp"

/// The values of all units at the present state, carried from proposal to proposal: a rejection leaves them
/// as they are, an acceptance adds the changes that the float rung has just computed. A proposal then costs
/// its changes alone. A first hidden layer of few inputs has its values in place, see carried_narrow.hpp; of
/// the others the proposal's values are kept beside them. The error bound counts what carrying adds, one
/// rounding and the change's error for every acceptance; after some of them the values are renewed from the
/// state in double.
namespace langevo {
inline namespace LANGEVO_TARGET {

enum class PendingChange { none, accepted, taken_back };

/// Norms of values and bounds on their errors, at every point, in a network of a narrow layer and a single
/// output.
struct NarrowBounds {
  ChangeBounds<float> hidden;
  ChangeBounds<float> output;
};

template <class Team>
struct CarriedValues {
  static constexpr int acceptances_before_renewal = 128;

  /// [tile][unit][points_per_tile] of all layers; `side` holds now, the other the proposal. A narrow first
  /// layer is in value[0] always.
  float* value[2];
  float* norm[2];            ///< 2-norm over a layer's units, input first, [tile][layer][points_per_tile]
  float* error[2];           ///< bound on the 2-norm of their errors
  NarrowBounds bounds[2];    ///< in place of both where narrow_output
  LayerNorms<float>* norms;  ///< bounds at the present state
  std::size_t tiles;         ///< 0: nothing is carried
  std::size_t units;
  std::size_t layers;  ///< that have norm and error, input included
  StepTrack track;
  bool narrow;            ///< the first layer is hidden and of few inputs
  bool narrow_output;     ///< and followed by a single output
  PendingChange pending;  ///< that its values lack
  float* pending_change;  ///< [narrow_parameters(layer)]
  float pending_size;     ///< bound on the changes of preactivations that they make
  float narrow_size;      ///< that of the proposal's
  ValuesLeft left;        ///< by the last pass
  float accepted_share;   ///< of the last tens of steps
  int side;
  int acceptances;  ///< since the renewal
  bool valid;       ///< for the state before track.next_step
  bool following;   ///< a step has begun: its decision may use the values
  bool proposed;    ///< the other side is that of the proposal decided last

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    tiles = network.carried_tiles;
    units = 0;
    for (int l = 0; l < network.layer_count; ++l) units += network.layers[l].fan_out;
    narrow = has_narrow_layer(network);
    narrow_output = is_narrow(network);
    layers = narrow_output ? 0 : static_cast<std::size_t>(network.layer_count) + 1;
    track = StepTrack::none();
    acceptances = 0;
    following = false;
    left = ValuesLeft::present;
    accepted_share = 0;
    forget();
    if (tiles == 0) return;
    for (int s = 0; s < 2; ++s) {
      value[s] = arena.take<float>(tiles * units * points_per_tile);
      norm[s] = arena.take<float>(tiles * layers * points_per_tile);
      error[s] = arena.take<float>(tiles * layers * points_per_tile);
    }
    norms = arena.take<LayerNorms<float>>(network.layer_count);
    if (narrow) pending_change = arena.take<float>(narrow_parameters(network.layers[0]));
  }

  /// Whether the last decision's float change came from the values.
  [[nodiscard]] LANGEVO_FUNCTION bool gave_change() const { return following && proposed; }

  /// Those of a proposal that will most likely be accepted spare the next pass the way there. Only where no
  /// other layer needs the present ones: it does half of what a way back costs besides.
  [[nodiscard]] LANGEVO_FUNCTION ValuesLeft values_to_leave() const {
    return narrow_output && accepted_share > 0.6f ? ValuesLeft::proposed : ValuesLeft::present;
  }

  /// The state was changed by someone else.
  LANGEVO_FUNCTION void forget() {
    valid = false;
    proposed = false;
    pending = PendingChange::none;
    side = 0;
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal. Values of
  /// another replica or of another time are forgotten.
  LANGEVO_FUNCTION void begin_step(std::uint32_t replica, std::uint64_t step) {
    if (!track.begin(replica, step)) {
      forget();
      accepted_share = 0;
    }
    following = tiles > 0;
    proposed = false;
  }

  /// After the decision on the proposal of the step begun last, whose float change `work` has.
  LANGEVO_FUNCTION void end_step(const Team& team, bool accepted, const NetworkView& network,
                                 const LossChangeWorkspace<Team, float>& work) {
    if (!following) return;
    track.end();
    following = false;
    accepted_share += ((accepted ? 1.0f : 0.0f) - accepted_share) / 32;
    const bool ahead = proposed && left == ValuesLeft::proposed;
    if (!accepted && !ahead) return;
    if (!proposed || acceptances + 1 >= acceptances_before_renewal) {
      forget();
      return;
    }
    ++acceptances;
    if (narrow && accepted != ahead) {
      pending = accepted ? PendingChange::accepted : PendingChange::taken_back;
      pending_size = narrow_size;
      const float sign = accepted ? 1.0f : -1.0f;
      team.each(narrow_parameters(network.layers[0]),
                [&](std::size_t i) LANGEVO_BODY { pending_change[i] = sign * work.weight_change[i]; });
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

/// Of values that were computed in double and rounded.
template <class Act>
LANGEVO_FUNCTION NarrowBounds renewed_bounds(const NetworkView& network, const LayerNorms<float>* norms) {
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
  NarrowBounds& present = carried.bounds[carried.side];
  NarrowBounds& next = carried.bounds[1 - carried.side];
  ChangeBounds<float>& h = present.hidden;
  const ChangeBounds<float>& f = present.output;
  if (carried.pending == PendingChange::taken_back) h = values_taken_back<Act>(h, next.hidden);
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
