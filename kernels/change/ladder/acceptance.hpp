#pragma once

#include "kernels/change/carried/carried_change.hpp"
#include "kernels/change/forward_change.hpp"
#include "kernels/rules/step_context.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// The acceptance test: a ladder of estimators of the loss change, cheapest first, each with a bound on its
/// error. The first whose bound excludes the threshold decides.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// A rung that leaves too many steps to the next one rests, and is tried again later.
struct RungPolicy {
  static constexpr double memory = 256;  ///< steps
  static constexpr std::uint64_t rest = 4096;

  LANGEVO_INLINE static bool rests(const RungUse& use, std::uint64_t step) { return step < use.rests_until; }

  LANGEVO_INLINE static void take(bool missed, double most_missed, std::uint64_t step, RungUse& use) {
    use.missed += ((missed ? 1.0 : 0.0) - use.missed) / memory;
    if (use.missed <= most_missed) return;
    use = {0, step + rest};
  }

  /// Beside carried values a forward pass saves a third of the time, beside changes evaluated afresh more
  /// than half. Those are a few times the price of carried values, which miss where a change is too large.
  static constexpr double most_beside_carried = 0.2;
  static constexpr double most_beside_fresh = 0.5;
  static constexpr double most_of_carried = 0.25;
};

template <class Team>
struct AcceptanceWorkspace {
  LossChangeWorkspace<Team, float> single_precision;
  LossChangeWorkspace<Team, double> double_precision;
  KeptByOneThread<Team, CarriedValues<Team>> carried;
  ForwardOutputs<Team> forward;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    single_precision.carve(arena, network);
    double_precision.carve(arena, network);
    carried.carve(arena, network);
    forward.carve(arena, network);
  }

  [[nodiscard]] LANGEVO_FUNCTION bool carries(const FloatCalibration& calibration, std::uint64_t step) const {
    if constexpr (Team::carries_values)
      return carried.get().tiles > 0 && !RungPolicy::rests(calibration.carried_use, step);
    return false;
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal.
  template <class Context>
  LANGEVO_FUNCTION void begin_step(const Team& team, const Context& context,
                                   const FloatCalibration& calibration) const {
    const bool wanted = !carries(calibration, context.step) || forward.pays_beside_carried;
    const bool serves = wanted && !RungPolicy::rests(calibration.forward_use, context.step);
    forward.begin_step(team, context.replica, context.step, serves);
    if (!forward.state->following) begin_carried_step(context);
  }

  LANGEVO_FUNCTION void end_step(const Team& team, bool accepted, const NetworkView& network) const {
    forward.end_step(team, accepted);
    end_carried_step(team, accepted, network);
  }

  /// The same for carried values alone.
  template <class Context>
  LANGEVO_FUNCTION void begin_carried_step(const Context& context) const {
    if constexpr (Team::carries_values) carried.get().begin_step(context.replica, context.step);
  }
  LANGEVO_FUNCTION void end_carried_step(const Team& team, bool accepted, const NetworkView& network) const {
    if constexpr (Team::carries_values) carried.get().end_step(team, accepted, network, single_precision);
  }
};

/// A change of loss up to here is accepted: -log(u)/beta with u uniform, 0 at beta = inf.
template <class Source>
LANGEVO_INLINE double acceptance_threshold(double beta, const Source& source) {
  if (!is_finite(beta)) return 0;
  const RandomWords words = source.block(0);
  return -logarithm(uniform_double(words.word[0], words.word[1])) / beta;
}

enum class Verdict { accept, reject, undecided };

/// What an estimate says of the threshold, with its error bound multiplied by `factor`.
LANGEVO_INLINE Verdict compare(const LossChange& estimate, double factor, double threshold) {
  const double bound = factor * estimate.error_bound;
  if (!is_finite(estimate.change) || !is_finite(bound)) return Verdict::undecided;
  if (estimate.change + bound <= threshold) return Verdict::accept;
  if (estimate.change - bound > threshold) return Verdict::reject;
  return Verdict::undecided;
}

/// The worst-case bound of the float change assumes that all roundings conspire; they do not, and in deep
/// networks it is 10^3 to 10^6 times the error. So the float rung's bound is measured: audits compare the
/// float change with the double one and remember the largest ratio of error to worst case; the bound in use
/// is `safety` times that. Until enough audits were made, of successive steps once one shows an error, it is
/// the worst case itself.
struct AuditPolicy {
  static constexpr std::uint32_t audits_before_trust = 16;
  static constexpr double safety = 16;

  /// Whether the proposal of this step is audited; blocks of steps change nothing in it.
  LANGEVO_INLINE static bool due(std::uint64_t step, const RungCalibration& calibration) {
    if (calibration.audits > 0 && calibration.audits < audits_before_trust) return true;
    const std::uint64_t interval = calibration.audits == 0 ? 2 : 1024;
    return step % interval == interval - 1;
  }

  LANGEVO_INLINE static double factor(const RungCalibration& calibration) {
    if (calibration.audits < audits_before_trust) return 1;
    return smaller(1.0, safety * calibration.largest_ratio);
  }
};

/// A decision, and the change of loss that it rests on.
struct Decision {
  bool accepted;
  LossChange change;
};

/// Last rung: past it, the value of the double change decides. A change that is not finite is rejected.
LANGEVO_INLINE Decision decide_by_double(const LossChange& exact, double threshold, StepCounters& counters) {
  if (!is_finite(exact.change)) {
    ++counters.not_finite;
    return {false, exact};
  }
  const Verdict verdict = compare(exact, 1.0, threshold);
  if (verdict != Verdict::undecided) {
    ++counters.decided_by_double;
    return {verdict == Verdict::accept, exact};
  }
  ++counters.decided_by_value;
  return {exact.change <= threshold, exact};
}

/// A float change, and what is known of its bound.
struct FloatEstimate {
  LossChange change;
  RungCalibration* calibration;
  bool audit;  ///< it is to be held against the double change

  [[nodiscard]] LANGEVO_INLINE double factor() const { return AuditPolicy::factor(*calibration); }
};

/// Whether it decides by itself: not where it is audited.
LANGEVO_INLINE bool float_decides(const FloatEstimate& estimate, double threshold) {
  return !estimate.audit && compare(estimate.change, estimate.factor(), threshold) != Verdict::undecided;
}

/// Where float_decides.
LANGEVO_INLINE Decision decide_by_float(const FloatEstimate& estimate, double threshold,
                                        StepCounters& counters) {
  const double factor = estimate.factor();
  ++counters.decided_by_float;
  return {compare(estimate.change, factor, threshold) == Verdict::accept,
          {estimate.change.change, factor * estimate.change.error_bound}};
}

template <class Team>
LANGEVO_APART void take_audit(const Team& team, const FloatEstimate& estimate, const LossChange& exact,
                              StepCounters& counters) {
  const double bound = estimate.change.error_bound;
  const double error = absolute(estimate.change.change - exact.change);
  if (!is_finite(error) || !is_finite(bound)) return;
  ++counters.audits;
  if (error > estimate.factor() * bound + exact.error_bound) ++counters.audit_failures;
  team.by_leader([&]() LANGEVO_BODY {
    if (!(error > 0)) return;  // an exact result, as where a network is dead, says nothing of others
    RungCalibration& calibration = *estimate.calibration;
    ++calibration.audits;
    calibration.largest_ratio = larger(calibration.largest_ratio, error / bound);
  });
}

/// Whether U(proposed) - U(x) <= threshold. A driver that tells of every step, with begin_step before and
/// end_step after it, has the outputs of x kept or its values carried along; without that each call stands
/// for itself.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide(const Team& team, const Context& context, Precision precision,
                                 const double* x, const double* proposed, double threshold,
                                 const AcceptanceWorkspace<Team>& work, FloatCalibration* calibrations,
                                 StepCounters& counters, bool audit_float = false) {
  const ProblemView& problem = context.problem;
  if (precision == Precision::float64) {
    return decide_by_double(loss_change(team, problem, x, proposed, work.double_precision), threshold,
                            counters);
  }
  FloatEstimate forward{};
  if (work.forward.state->following) {
    const LossChange change =
        forward_loss_change(team, problem, x, proposed, work.single_precision, work.forward);
    RungCalibration* const calibration = &calibrations->forward;
    forward = {change, calibration, audit_float || AuditPolicy::due(context.step, *calibration)};
    const bool decides = float_decides(forward, threshold);
    if (!forward.audit) {
      const double most_missed = work.carries(*calibrations, context.step) ? RungPolicy::most_beside_carried
                                                                           : RungPolicy::most_beside_fresh;
      team.by_leader([&]() LANGEVO_BODY {
        RungPolicy::take(!decides, most_missed, context.step, calibrations->forward_use);
      });
    }
    if (decides) return decide_by_float(forward, threshold, counters);
  }
  const LossChange change = float_change_of_step(team, problem, x, proposed, work.single_precision,
                                                 work.double_precision, work.carried);
  RungCalibration* calibration = &calibrations->fresh;
  if constexpr (Team::carries_values) {
    const CarriedValues<Team>& carried = work.carried.get();
    if (carried.following) {
      RungPolicy::take(!carried.proposed, RungPolicy::most_of_carried, context.step,
                       calibrations->carried_use);
    }
    if (carried.gave_change()) calibration = &calibrations->carried;
  }
  const FloatEstimate estimate{change, calibration,
                               forward.audit || audit_float || AuditPolicy::due(context.step, *calibration)};
  if (float_decides(estimate, threshold)) return decide_by_float(estimate, threshold, counters);
  const LossChange exact = loss_change(team, problem, x, proposed, work.double_precision);
  if (forward.audit) take_audit(team, forward, exact, counters);
  if (estimate.audit) take_audit(team, estimate, exact, counters);
  return decide_by_double(exact, threshold, counters);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
