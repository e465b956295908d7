#pragma once

#include <cstdint>

#include "kernels/problem_view.hpp"
#include "kernels/scalar.hpp"

/// How long a local model is followed, what error it is assumed to have, and when it does not pay.
namespace langevo {

/// Of a learnt curvature (learnt_curvature.hpp): what one direction's sums hold.
struct LearntDirection {
  double weight = 0;   ///< of (v.y)^2 / |d|^2; 0: nothing is known
  double product = 0;  ///< of (v.y) (v.d) / |d|^2
  double square = 0;   ///< of (v.d)^2 / |d|^2
};

inline constexpr int leading_directions = 4;

/// What one replica has learnt about its local models. All errors are of the change of the loss.
struct ScreeningState {
  double length = 0;             ///< proposals per stretch; 0: nothing is known yet
  double undecided = 0;          ///< cost of what models left undecided, lately,
  double undecided_squares = 0;  ///< over stretches whose squared lengths add up to this
  double drift = 0;              ///< growth of the slope's error |e| per proposal,
  double drift_across = 0;       ///< and of its part across the model's directions,
  double drift_length = 0;       ///< seen over so many proposals
  double largest_rest = 0;       ///< largest error beyond what |e| explains, forgotten slowly
  double offset = 0;             ///< mean of z.A.z / 2 where A is not known in full
  double pending_margin = 3;     ///< see pending_error
  double float_share = 1;        ///< of the proposals sent on, those that the float change decided, lately
  std::uint32_t samples = 0;     ///< exact evaluations compared with the model
  std::uint32_t losing = 0;      ///< stretches in a row that cost more than exact steps would
  std::uint32_t retreats = 0;    ///< in a row, without a stretch that paid
  std::uint64_t exact_left = 0;  ///< steps to take without a model
  LearntDirection learnt[leading_directions] = {};
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Costs in exact steps, from operations per point; fitted to measured times, for the controller only.
struct ScreeningCosts {
  double proposal;  ///< a proposal that the model decides
  double anchor;    ///< gradient and Hessian
  double exact;     ///< an evaluation for a proposal that the model left undecided
};

LANGEVO_FUNCTION ScreeningCosts screening_costs(const NetworkView& network, std::size_t points, bool curved) {
  double weights = 0;
  double units = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    weights += static_cast<double>(network.layers[l].fan_in) * network.layers[l].fan_out;
    units += network.layers[l].fan_out;
  }
  const auto n = static_cast<double>(network.parameter_count);
  const double carried = 1.2 * weights + 10 * units;  // an exact step that carries the values of all units
  const double evaluation = 1.9 * weights + 35 * units;
  const double gradient = 3.2 * weights + 48 * units;
  const double hessian = curved ? 0.3 * n * n + 60 * units : 0;
  const double proposal = (60 * n + (curved ? 0.5 * n * n : 0)) / static_cast<double>(points);
  return {proposal / carried, (gradient + hessian) / carried, evaluation / carried};
}

/// The controller's numbers.
struct ScreeningPolicy {
  /// The model is assumed to be wrong by Normal(0, |e|^2) at the most; this many standard deviations.
  static constexpr double deviations = 6;
  /// |e| may exceed what the last stretches let expect by this factor.
  static constexpr double drift_margin = 1.5;
  /// Errors that |e| does not explain are bounded by this many times the largest seen.
  static constexpr double rest_margin = 3;
  /// Proposals audited one and all before a model is trusted.
  static constexpr std::uint32_t samples_before_trust = 16;
  /// One stretch in so many has one proposal audited.
  static constexpr std::uint32_t stretches_per_audit = 4;
  static constexpr double shortest = 8;
  static constexpr double longest = 65536;
  static constexpr double largest_growth = 1.5;
  /// Weight of what the stretch before left undecided.
  static constexpr double memory = 0.85;
  /// After so many stretches in a row that do not pay, exact steps for so many stretches, twice as many every
  /// next time.
  static constexpr std::uint32_t losing_before_retreat = 3;
  static constexpr double stretches_per_retreat = 64;
  static constexpr std::uint32_t most_doublings = 6;
  /// Replays of a stretch before it is done by exact steps.
  static constexpr int most_replays = 6;

  LANGEVO_INLINE static bool trusted(const ScreeningState& state) {
    return state.samples >= samples_before_trust;
  }

  /// Proposals of the next stretch, of `most` at the most: the rest of a call is cut into equal ones.
  LANGEVO_INLINE static double next_length(const ScreeningState& state, std::uint64_t most) {
    const double wanted = state.length > 0 ? state.length : 2 * shortest;
    const auto left = static_cast<double>(most);
    const auto stretches = static_cast<std::uint64_t>(left / wanted) + 1;
    return left <= wanted ? left : larger(1.0, static_cast<double>(most / stretches));
  }

  /// |e| assumed at the end of a stretch, for a drift seen: in proportion to its length, to the square beyond
  /// the lengths seen; float arithmetic alone makes some.
  LANGEVO_INLINE static double assumed_error(const ScreeningState& state, double drift, double length,
                                             double slope_norm) {
    const double growth = state.drift_length > 0 ? larger(1.0, length / state.drift_length) : 1.0;
    return drift_margin * drift * growth * length + 4e-6 * slope_norm;
  }

  /// Of its part across the directions, which varies more.
  LANGEVO_INLINE static double assumed_across(const ScreeningState& state, double length, double slope_norm) {
    return 1.5 * assumed_error(state, state.drift_across, length, slope_norm);
  }

  /// Share of that at proposal `done` of the stretch: |e| grows no slower than a random walk.
  LANGEVO_INLINE static double drift_share(std::uint64_t done, std::uint64_t length) {
    return larger(0.5, square_root(static_cast<double>(done + 1) / static_cast<double>(length)));
  }

  /// Takes in the error of one prediction, known to `uncertainty`, where e explains up to `explained`.
  LANGEVO_INLINE static void take_sample(double error, double uncertainty, double explained,
                                         bool learns_offset, ScreeningState& state) {
    ++state.samples;
    if (learns_offset) {  // the error is counted from the offset so far
      state.offset += error / (state.samples < 64 ? static_cast<double>(state.samples) : 64.0);
    }
    const double rest = absolute(error) - uncertainty - 0.5 * explained;
    state.largest_rest = larger(state.largest_rest, rest);
  }

  /// Whether a proposal the model left open is worth an evaluation in float: those are the close ones, and in
  /// some states all too close for it.
  LANGEVO_INLINE static bool float_pays(const ScreeningState& state) {
    return state.float_share > 0.35 || state.samples % 16 == 0;
  }

  /// Whether an audit of the model is one of the float change too.
  LANGEVO_INLINE static bool audits_float(const ScreeningState& state) { return state.samples % 4 == 0; }

  LANGEVO_INLINE static void take_rung(bool by_float, ScreeningState& state) {
    state.float_share += ((by_float ? 1.0 : 0.0) - state.float_share) / 16;
  }

  /// After a stretch of `length` proposals whose slope ended `error` wrong, `across` of it across the
  /// directions, undecided ones that cost `spent`
  /// of costs.exact, and `wasted` exact steps' worth of replays, when `most` were asked for.
  LANGEVO_INLINE static void finish_stretch(double length, double error, double across, double spent,
                                            double wasted, const ScreeningCosts& costs, bool may_retreat,
                                            std::uint64_t most, ScreeningState& state) {
    state.drift = larger(error / length, 0.8 * state.drift);
    state.drift_across = larger(across / length, 0.8 * state.drift_across);
    state.drift_length = length;
    state.largest_rest *= 0.98;
    state.pending_margin = larger(ScreeningState{}.pending_margin, 0.99 * state.pending_margin);
    if (static_cast<double>(most) < state.length) return;  // cut short: says nothing of what would pay
    // a stretch's undecided ones grow about as its length squared; the sum of anchors and undecided ones is
    // least where both cost the same
    state.undecided = memory * state.undecided + spent;
    state.undecided_squares = memory * state.undecided_squares + length * length;
    const double balance =
        square_root(costs.anchor * state.undecided_squares / (costs.exact * (state.undecided + 0.3)));
    const double wanted = smaller(largest_growth * length, larger(0.5 * length, balance));
    state.length = smaller(longest, larger(shortest, wanted));
    const double cost = costs.proposal * length + costs.anchor + costs.exact * spent + wasted;
    if (!may_retreat || cost < 0.9 * length) {
      state.losing = 0;
      state.retreats = 0;
      return;
    }
    if (++state.losing >= losing_before_retreat) retreat(length, state);
  }

  /// The model failed however short the stretch.
  LANGEVO_INLINE static void give_up(ScreeningState& state) {
    state.length = shortest;
    retreat(shortest, state);
  }

 private:
  LANGEVO_INLINE static void retreat(double length, ScreeningState& state) {
    const auto doublings = static_cast<double>(std::uint64_t{1} << state.retreats);
    state.exact_left = static_cast<std::uint64_t>(stretches_per_retreat * doublings * length);
    state.retreats += state.retreats < most_doublings ? 1 : 0;
    state.losing = 0;
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
