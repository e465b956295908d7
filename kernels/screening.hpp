#pragma once

#include <cstdint>

#include "kernels/problem_view.hpp"
#include "kernels/scalar.hpp"
#include "langevo/dynamics.hpp"

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
  double credit = 0;             ///< exact steps' worth of time that models may lose yet
  std::uint32_t samples = 0;     ///< exact evaluations compared with the model
  std::uint32_t retreats = 0;    ///< to exact steps, since models last paid
  std::uint64_t exact_left = 0;  ///< steps to take without a model
  LearntDirection learnt[leading_directions] = {};
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// An evaluation in double, in ones in float.
inline constexpr double double_evaluation = 3;

/// Costs in exact steps, for the controller only; bench/screening_costs prints them beside measured ones.
struct ScreeningCosts {
  double proposal;  ///< a proposal that the model decides
  double gradient;
  double anchor;  ///< gradient and Hessian
  double exact;   ///< an evaluation for a proposal that the model left undecided, in float
};

/// Numbers fitted to nanoseconds of one AVX-512 core. `curved`: the Hessian is known; `carries`: the team can
/// carry the values of all units from one exact step to the next.
LANGEVO_FUNCTION ScreeningCosts screening_costs(const ProblemView& problem, Precision precision, bool curved,
                                                bool carries) {
  const NetworkView& network = problem.network;
  const auto points = static_cast<double>(problem.data_double.points);
  const auto n = static_cast<double>(network.parameter_count);
  double weights = 0;
  double units = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    weights += static_cast<double>(network.layers[l].fan_in) * network.layers[l].fan_out;
    units += network.layers[l].fan_out;
  }
  const Layer& first = network.layers[0];
  const bool narrow = network.layer_count > 1 && first.fan_in <= narrow_fan_in;
  const double narrow_units = narrow ? first.fan_out : 0;
  const double other_weights = weights - narrow_units * first.fan_in;
  const double own = 350 + 2.5 * n;
  const double evaluation = own + points * (0.065 * weights + 0.93 * units);
  const bool in_double = precision == Precision::float64;
  const bool carried = carries && !in_double && network.carried_tiles > 0;
  const double step =
      carried
          ? own + points * (2 + 0.024 * other_weights + 0.2 * (units - narrow_units) + 0.12 * narrow_units)
          : (in_double ? double_evaluation : 1) * evaluation;
  const double gradient = own + points * (0.08 * weights + 1.5 * units);
  const double rows = problem.data_double.target_dim * points;
  const double hessian = curved ? n * n + 0.011 * n * n * rows + 30 * points : 0;
  return {(20 + 1.5 * n) / step, gradient / step, (gradient + hessian) / step, evaluation / step};
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
  /// Every exact step lets models lose so much of its time; less after every retreat,
  static constexpr double share_to_lose = 1.0 / 16;
  /// which doubles what the next trial may lose, up to so many times.
  static constexpr std::uint32_t most_doublings = 6;
  /// Stretches have to gain this share of the time of exact steps.
  static constexpr double least_gain = 0.2;
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
  /// directions, with undecided ones that cost `spent` of costs.exact, when `most` were asked for.
  LANGEVO_INLINE static void finish_stretch(double length, double error, double across, double spent,
                                            const ScreeningCosts& costs, std::uint64_t most,
                                            ScreeningState& state) {
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
  }

  /// A state of which nothing is known: exact steps first, so that the run is not much slower than those
  /// however soon it ends.
  LANGEVO_INLINE static void begin(const ScreeningCosts& costs, ScreeningState& state) {
    if (state.samples == 0 && state.retreats == 0) retreat(costs, state);
  }

  /// A stretch of `length` proposals has cost as much as `cost` exact steps.
  LANGEVO_INLINE static void settle(double length, double cost, const ScreeningCosts& costs, bool may_retreat,
                                    ScreeningState& state) {
    const double most = 8 * trial(costs) + 2 * trial_after(state.retreats, costs);
    state.credit = smaller(most, state.credit + (1 - least_gain) * length - cost);
    if (state.credit == most) state.retreats = 0;
    if (state.credit >= 0) return;
    if (may_retreat) {
      retreat(costs, state);
    } else {
      state.credit = 0;
    }
  }

  /// The model failed however short the stretch.
  LANGEVO_INLINE static void give_up(const ScreeningCosts& costs, ScreeningState& state) {
    state.length = shortest;
    retreat(costs, state);
  }

 private:
  /// What it takes to see whether models pay: some anchors, and carried values that have to be renewed.
  LANGEVO_INLINE static double trial(const ScreeningCosts& costs) {
    return 3 * costs.anchor + 3 * costs.exact;
  }
  LANGEVO_INLINE static double trial_after(std::uint32_t retreats, const ScreeningCosts& costs) {
    return trial(costs) * static_cast<double>(std::uint64_t{1} << retreats);
  }

  LANGEVO_INLINE static void retreat(const ScreeningCosts& costs, ScreeningState& state) {
    const double budget = trial_after(state.retreats, costs);
    state.retreats += state.retreats < most_doublings ? 1 : 0;
    state.exact_left =
        static_cast<std::uint64_t>((budget - state.credit) * state.retreats / share_to_lose) + 1;
    state.credit = budget;
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
