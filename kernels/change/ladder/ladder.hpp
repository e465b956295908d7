#pragma once

#include "kernels/change/carried/carried_change.hpp"
#include "kernels/change/forward_change.hpp"
#include "kernels/change/ladder/rung_audits.hpp"
#include "langevo/dynamics.hpp"

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
