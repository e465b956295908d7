#pragma once

#include "kernels/change/ladder/rung_audits.hpp"
#include "kernels/change/ladder/rung_rest.hpp"
#include "langevo/dynamics.hpp"

/// How a proposal climbs the ladder: rungs are estimators of its change of loss, cheapest first, each with a
/// bound on its error. The first whose bound excludes the threshold decides.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Float rungs that one proposal can meet at the most.
inline constexpr int most_float_rungs = 2;

/// One proposal on its way. Estimates come from wherever the driver has them made: one replica at a time, or
/// many replicas' together.
struct Climb {
  Threshold threshold;
  bool audits = false;  ///< float estimates from here on are held against the double change
  FloatEstimate held[most_float_rungs] = {};
  Decision decision = {};

  /// Takes in the change of a float rung, whose place among those is `Place`, at this step; true: it decides.
  template <int Place>
  LANGEVO_INLINE bool take_float(const LossChange& change, RungCalibration* calibration, std::uint64_t step,
                                 StepCounters& counters) {
    const FloatEstimate estimate{change, calibration, audits || AuditPolicy::due(step, *calibration)};
    audits = estimate.audit;
    held[Place] = estimate;
    if (!float_decides(estimate, threshold)) return false;
    decision = decide_by_float(estimate, threshold, counters);
    return true;
  }

  /// Takes in a change in double; true: it decides, as the last one does whatever its bound.
  template <class Team>
  LANGEVO_INLINE bool take_double(const Team& team, const LossChange& change, bool is_last,
                                  StepCounters& counters) {
    if (!is_last && compare(change, 1.0, threshold) == Verdict::undecided) return false;
#pragma GCC unroll 2
    for (const FloatEstimate& estimate : held) {
      if (estimate.audit) take_audit(team, estimate, change, counters);
    }
    decision = decide_by_double(change, threshold, counters);
    return true;
  }
};

/// What is at hand to find a change of loss from.
template <class Team, class Context, class Workspace>
struct ProposedStep {
  const Team& team;
  const Context& context;
  Precision precision;  ///< float64: float rungs do not serve
  const double* x;
  const double* proposed;
  const Workspace& work;
  FloatCalibration* calibrations;
  StepCounters& counters;
};

/// A rung: estimate(step, change) gives the change of loss of a proposed step, or false where it has none; it
/// is asked only where it `serves`. Of a float rung the bound is measured, with a calibration(step) of its
/// own; one that leaves too many steps to the next has a `use` and rests.
template <class R, class Step>
concept Rung = requires(const Step& step, LossChange& change) {
  { R::is_double } -> std::convertible_to<bool>;
  { R::is_last } -> std::convertible_to<bool>;
  { R::serves(step) } -> std::same_as<bool>;
  { R::estimate(step, change) } -> std::same_as<bool>;
};
template <class R, class Step>
concept FloatRung = Rung<R, Step> && !R::is_double && requires(const Step& step) {
  { R::place } -> std::convertible_to<int>;
  { R::calibration(step) } -> std::same_as<RungCalibration*>;
};
template <class R, class Step>
concept RestingRung = FloatRung<R, Step> && requires(const Step& step) {
  { R::undecided_is_missed } -> std::convertible_to<bool>;
  { R::most_missed(step) } -> std::same_as<double>;
  { R::use(step) } -> std::same_as<RungUse*>;
};

template <class... Rungs>
struct RungList {};

/// Whether this rung decides.
template <class R, class Step>
LANGEVO_INLINE bool climb_rung(const Step& step, Climb& climb) {
  static_assert(Rung<R, Step>);
  if (!R::serves(step)) return false;
  LossChange change;
  const bool found = R::estimate(step, change);
  if constexpr (R::is_double) {
    return found && climb.take_double(step.team, change, R::is_last, step.counters);
  } else {
    const bool decides =
        found && climb.take_float<R::place>(change, R::calibration(step), step.context.step, step.counters);
    if constexpr (RestingRung<R, Step>) {
      if (!R::undecided_is_missed || !climb.held[R::place].audit) {
        const bool missed = R::undecided_is_missed ? !decides : !found;
        const double most_missed = R::most_missed(step);
        step.team.by_leader(
            [&]() LANGEVO_BODY { RestPolicy::take(missed, most_missed, step.context.step, *R::use(step)); });
      }
    }
    return decides;
  }
}

/// Climbs the rungs of a list; whether one of them decides.
template <class... Rungs, class Step>
LANGEVO_INLINE bool climb_rungs(RungList<Rungs...>, const Step& step, Climb& climb) {
  return (climb_rung<Rungs>(step, climb) || ...);
}

/// Climbs the rungs of a list, the last of which decides.
template <class... Rungs, class Step>
LANGEVO_INLINE Decision climb_ladder(RungList<Rungs...> rungs, const Step& step, double threshold,
                                     bool audits) {
  Climb climb{threshold, audits};
  climb_rungs(rungs, step, climb);
  return climb.decision;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
