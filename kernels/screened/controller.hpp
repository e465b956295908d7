#pragma once

#include "kernels/model/learnt_curvature.hpp"
#include "kernels/screened/costs.hpp"
#include "kernels/screened/state.hpp"

/// How long a local model is followed, what error it is assumed to have, and when it does not pay.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What came of a stretch.
struct StretchResult {
  std::uint64_t done;       ///< proposals
  std::uint64_t accepted;   ///< of them
  std::uint64_t undecided;  ///< among them and the one it ended before
  GradientError error;      ///< at the end
  bool cut_short;           ///< no more were asked for: says nothing of what would pay
};

/// The controller's numbers.
struct ScreeningPolicy {
  /// An error of the curvature, and its change along the way, act on z.A.z / 2 as well: as much as if a
  /// mutation came so many accepted ones later; what of that is unlike e is seen in predictions where the
  /// curvature is learnt.
  static constexpr double reach_of_one = 4;
  static constexpr double reach_of_one_learning = 1;
  /// Errors that e does not explain are bounded by this many times the largest seen.
  static constexpr double remainder_margin = 3;
  /// Weights of the largest remainder so far with every error seen: once a model is trusted, before that, and
  /// in the first stretches with a learnt curvature, before which errors were larger.
  static constexpr double memory_of_remainder = 0.995;
  static constexpr double memory_before_trust = 0.98;
  static constexpr double memory_of_first_remainders = 0.8;
  static constexpr double first_stretches = 10;
  /// Proposals audited one and all before a model is trusted. With fewer, mutations that are large beside the
  /// weights show errors later than were bounded by then: see bench/large_mutations.
  static constexpr std::uint32_t samples_before_trust = 64;
  /// One stretch in so many has one proposal audited.
  static constexpr std::uint32_t stretches_per_audit = 32;
  static constexpr double shortest = 8;
  static constexpr double longest = 65536;
  static constexpr double largest_growth = 1.5;
  /// Power of the growth of a stretch's undecided proposals: their number grows as its length to 1 + this, as
  /// the scaled gradient's error at the end does; it is an error of the curvature's change if that is known,
  /// else of the curvature.
  static constexpr double growth_power = 2;
  static constexpr double growth_power_learning = 0.5;
  /// Share of the usual length and more before a stretch ends early, see earliest_end.
  static constexpr double least_share = 0.4;
  static constexpr double least_share_learning = 1.2;
  /// A stretch ends after so many usual lengths.
  static constexpr double latest_end = 1.5;
  /// Weight of what the stretch before left undecided.
  static constexpr double memory = 0.85;
  /// Every exact step lets models lose so much of its time; less after every retreat,
  static constexpr double share_to_lose = 1.0 / 16;
  /// which doubles what the next trial may lose, up to so many times.
  static constexpr std::uint32_t most_doublings = 6;
  /// A retreat lasts so many steps at the most.
  static constexpr double most_exact_steps = 4e9;
  /// Stretches have to gain this share of the time of exact steps.
  static constexpr double least_gain = 0.2;
  /// Replays of a stretch before it is done by exact steps.
  static constexpr int most_replays = 6;
  /// Gradients made in float and in double to see how they differ: the first ones, then one in so many.
  static constexpr std::uint32_t first_gradient_comparisons = 4;
  static constexpr std::uint32_t gradients_per_comparison = 64;
  /// A gradient in float serves where its error is this much smaller than the scaled gradient's at a
  /// stretch's end,
  static constexpr double smaller_float_gradient_error = 16;
  /// and is taken to be so many times the largest lately.
  static constexpr double float_gradient_margin = 2;
  static constexpr double memory_of_float_gradient_error = 0.9;

  LANGEVO_INLINE static bool trusted(const ScreeningState& state) {
    return state.samples >= samples_before_trust;
  }

  LANGEVO_INLINE static double usual_length(const ScreeningState& state) {
    return state.length > 0 ? static_cast<double>(state.length) : 2 * shortest;
  }

  /// Mutations accepted in the usual stretch, and no fewer than a mutation itself is counted as.
  LANGEVO_INLINE static double usual_accepted(const ScreeningState& state, bool curved) {
    const double share =
        (static_cast<double>(state.accepted) + 1) / (static_cast<double>(state.proposals) + 2);
    return larger(curved ? reach_of_one : reach_of_one_learning, share * usual_length(state));
  }

  /// Proposals of the next stretch, of `left` at the most.
  LANGEVO_INLINE static std::uint64_t most_proposals(const ScreeningState& state, std::uint64_t left) {
    const auto most = static_cast<std::uint64_t>(latest_end * usual_length(state)) + 1;
    return left < most ? left : most;
  }

  /// Stretches that a Hessian serves: their gradients then cost about as much as it does.
  LANGEVO_INLINE static int hessian_ages(const ScreeningCosts& costs) {
    const double ratio = (costs.anchor - costs.gradient) / costs.gradient;
    return ratio < most_hessian_ages - 1 ? 1 + static_cast<int>(ratio) : most_hessian_ages;
  }

  /// Where the error at this age of the Hessian is kept.
  LANGEVO_INLINE static int told_age(int age) { return age < 2 ? age : age < 4 ? 2 : 3; }

  /// A stretch's gradient and its share of a Hessian, in evaluations of an undecided proposal.
  LANGEVO_INLINE static double renewal(const ScreeningCosts& costs) {
    return (costs.gradient + (costs.anchor - costs.gradient) / hessian_ages(costs)) / costs.in_float;
  }

  /// Proposals after which a stretch rather ends before an undecided one, which a renewed model decides, than
  /// has it evaluated: where what is left until the next undecided one is worth less than the difference.
  LANGEVO_INLINE static double earliest_end(const ScreeningCosts& costs, bool curved,
                                            const ScreeningState& state) {
    const double ratio = larger(1.0, renewal(costs));
    const double share = curved ? least_share : least_share_learning;
    return share * (ratio - 1) * usual_length(state) / square_root(ratio);
  }

  /// The error assumed of the next stretch, from what was seen at this age of the Hessian, or else at the one
  /// before; `curved`: it is known. `doubt`: 1, or more where that has failed; `least`: the error at the
  /// anchor.
  LANGEVO_INLINE static AssumedError assumed_error(const ScreeningState& state, int age, bool curved,
                                                   double doubt, double least) {
    const bool seen = state.growth[told_age(age)].length > 0;
    const ErrorGrowth& growth = state.growth[told_age(seen || age == 0 ? age : age - 1)];
    const double length = usual_accepted(state, curved);
    AssumedError assumed{{}, 0, least, length, curved, curved && age == 0};
    if (growth.length == 0) return assumed;
    assumed.assume(growth, doubt * larger(1.0, length / static_cast<double>(growth.length)) * (seen ? 1 : 4));
    return assumed;
  }

  /// Whether the next gradient is made in float and in double.
  LANGEVO_INLINE static bool compares_gradients(const ScreeningState& state) {
    return state.gradients < first_gradient_comparisons || state.gradients % gradients_per_comparison == 0;
  }

  LANGEVO_INLINE static void take_float_gradient_error(double error, ScreeningState& state) {
    const double kept = memory_of_float_gradient_error * static_cast<double>(state.float_gradient_error);
    state.float_gradient_error = static_cast<float>(error <= kept ? kept : error);  // NaN does not serve
  }

  /// Whether a gradient in float is as good as one in double.
  LANGEVO_INLINE static bool float_gradient_serves(const ScreeningState& state) {
    const ErrorGrowth& growth = state.growth[0];
    return state.gradients >= first_gradient_comparisons &&
           smaller_float_gradient_error * static_cast<double>(state.float_gradient_error * growth.seen) <=
               static_cast<double>(growth.across * growth.length);
  }

  /// Takes in the error of one prediction, known to `uncertainty`, where e explains up to `explained`;
  /// `learnt`: null where the curvature is known.
  LANGEVO_INLINE static void take_sample(double error, double uncertainty, double explained,
                                         LearntCurvature* learnt, ScreeningState& state) {
    ++state.samples;
    if (learnt != nullptr) {  // the error is counted from the offset so far
      learnt->offset += error / (state.samples < 64 ? static_cast<double>(state.samples) : 64.0);
    }
    const double rest = absolute(error) - uncertainty - 0.5 * explained;
    const bool learns = learnt != nullptr && learnt->rank > 0 && learnt->seen < first_stretches;
    const double kept = learns           ? memory_of_first_remainders
                        : trusted(state) ? memory_of_remainder
                                         : memory_before_trust;
    state.largest_remainder =
        static_cast<float>(larger(kept * static_cast<double>(state.largest_remainder), rest));
  }

  /// Whether an audit of the model is one of the float change too.
  LANGEVO_INLINE static bool audits_float(const ScreeningState& state) { return state.samples % 4 == 0; }

  /// Takes in the error measured at the end of a stretch, be it as good as assumed or not.
  LANGEVO_INLINE static void take_error(const AssumedError& assumed, int age, const StretchResult& result,
                                        ScreeningState& state) {
    take_gradient_error(result.error, assumed, static_cast<double>(result.accepted),
                        state.growth[told_age(age)]);
  }

  LANGEVO_INLINE static void finish_stretch(const StretchResult& result, const AssumedError& assumed, int age,
                                            const ScreeningCosts& costs, ScreeningState& state) {
    take_error(assumed, age, result, state);
    const auto kept = static_cast<float>(memory);
    state.proposals = kept * state.proposals + static_cast<float>(result.done);
    state.accepted = kept * state.accepted + static_cast<float>(result.accepted);
    state.pending_margin = larger(ScreeningState{}.pending_margin, 0.99f * state.pending_margin);
    if (result.cut_short) return;
    const auto done = static_cast<double>(result.done);
    const double undecided =
        memory * static_cast<double>(state.undecided) + static_cast<double>(result.undecided);
    const double squares = memory * static_cast<double>(state.undecided_squares) + done * done;
    state.undecided = static_cast<float>(undecided);
    state.undecided_squares = static_cast<float>(squares);
    const double until_undecided = square_root(squares / (undecided + 0.3));
    const double old = usual_length(state);
    const double power = assumed.curved ? growth_power : growth_power_learning;
    const double wanted = until_undecided * square_root(larger(1.0, renewal(costs)) / power);
    state.length = static_cast<float>(
        smaller(longest, larger(shortest, smaller(largest_growth * old, larger(0.5 * old, wanted)))));
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
    const double credit = static_cast<double>(state.credit) + (1 - least_gain) * length - cost;
    state.credit = static_cast<float>(smaller(most, credit));
    if (credit >= most) state.retreats = 0;
    if (credit >= 0) return;
    if (may_retreat) {
      retreat(costs, state);
    } else {
      state.credit = 0;
    }
  }

  /// The model failed however short the stretch.
  LANGEVO_INLINE static void give_up(const ScreeningCosts& costs, ScreeningState& state) {
    state.length = static_cast<float>(shortest);
    retreat(costs, state);
  }

 private:
  /// What it takes to see whether models pay: some anchors, and carried values that have to be renewed.
  LANGEVO_INLINE static double trial(const ScreeningCosts& costs) {
    return 3 * costs.anchor + 3 * costs.in_float;
  }
  LANGEVO_INLINE static double trial_after(std::uint32_t retreats, const ScreeningCosts& costs) {
    return trial(costs) * static_cast<double>(std::uint64_t{1} << retreats);
  }

  LANGEVO_INLINE static void retreat(const ScreeningCosts& costs, ScreeningState& state) {
    const double budget = trial_after(state.retreats, costs);
    state.retreats += state.retreats < most_doublings ? 1 : 0;
    const double steps = (budget - static_cast<double>(state.credit)) * state.retreats / share_to_lose;
    state.exact_left = static_cast<std::uint32_t>(smaller(most_exact_steps, steps)) + 1;
    state.credit = static_cast<float>(budget);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
