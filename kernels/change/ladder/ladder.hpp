#pragma once

#include "kernels/change/carried/carried_change.hpp"
#include "kernels/change/ladder/climb.hpp"
#include "kernels/change/two_pass_change.hpp"
#include "langevo/dynamics.hpp"

/// The ladder of exact steps: its rungs, and the memory that they share.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct LadderWorkspace {
  LossChangeWorkspace<Team, float> single_precision;
  LossChangeWorkspace<Team, double> double_precision;
  KeptByOneThread<Team, CarriedValues<Team>> carried;
  TwoPassOutputs<Team> forward;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    single_precision.carve(arena, network);
    double_precision.carve(arena, network);
    carried.carve(arena, network);
    forward.carve(arena, network);
  }

  [[nodiscard]] LANGEVO_FUNCTION bool carries(const FloatCalibration& calibration, std::uint64_t step) const {
    if constexpr (Team::carries_values)
      return carried.get().tiles > 0 && !RestPolicy::rests(calibration.carried_use, step);
    return false;
  }

  /// The next decision is that of this step, and end_step will tell what became of the proposal. A driver
  /// that tells of every step has the outputs of x kept or its values carried along; without that each
  /// decision stands for itself.
  template <class Context>
  LANGEVO_FUNCTION void begin_step(const Team& team, const Context& context,
                                   const FloatCalibration& calibration) const {
    const bool wanted = !carries(calibration, context.step) || forward.pays_beside_carried;
    const bool serves = wanted && !RestPolicy::rests(calibration.two_pass_use, context.step);
    forward.begin_step(team, context.replica, context.step, serves);
    if (!forward.state->following) begin_carried_step(context);
  }

  LANGEVO_FUNCTION void end_step(const Team& team, bool accepted, const NetworkView& network) const {
    forward.end_step(team, accepted);
    end_carried_step(team, accepted, network);
  }

  /// The state was changed by someone else.
  LANGEVO_FUNCTION void forget(const Team& team) const {
    forward.state.change(team, [](TwoPassState& s) LANGEVO_BODY { s.valid = false; });
    if constexpr (Team::carries_values) carried.get().forget();
  }

  /// begin_step and end_step for carried values alone.
  template <class Context>
  LANGEVO_FUNCTION void begin_carried_step(const Context& context) const {
    if constexpr (Team::carries_values) carried.get().begin_step(context.replica, context.step);
  }
  LANGEVO_FUNCTION void end_carried_step(const Team& team, bool accepted, const NetworkView& network) const {
    if constexpr (Team::carries_values) carried.get().end_step(team, accepted, network, single_precision);
  }
};

/// Whether float rungs may serve the step.
template <class Step>
LANGEVO_INLINE bool is_in_float(const Step& step) {
  return step.precision == Precision::float32;
}

/// The float change from two forward passes, of which that of x is at hand. Beside carried values it saves a
/// third of the time, beside changes evaluated afresh more than half.
struct TwoPassRung {
  static constexpr bool is_double = false;
  static constexpr bool is_last = false;
  static constexpr int place = 0;
  static constexpr bool undecided_is_missed = true;

  template <class Step>
  LANGEVO_INLINE static bool serves(const Step& step) {
    return is_in_float(step) && step.work.forward.state->following;
  }
  template <class Step>
  LANGEVO_INLINE static bool estimate(const Step& step, LossChange& change) {
    change = two_pass_loss_change(step.team, step.context.problem, step.x, step.proposed,
                                  step.work.single_precision, step.work.forward);
    return true;
  }
  template <class Step>
  LANGEVO_INLINE static RungCalibration* calibration(const Step& step) {
    return &step.calibrations->forward;
  }
  template <class Step>
  LANGEVO_INLINE static RungUse* use(const Step& step) {
    return &step.calibrations->two_pass_use;
  }
  template <class Step>
  LANGEVO_INLINE static double most_missed(const Step& step) {
    return step.work.carries(*step.calibrations, step.context.step) ? 0.2 : 0.5;
  }
};

/// The float change from values carried along. It has no change where one is too large for the series; those
/// cost a few times as much afresh.
struct CarriedRung {
  static constexpr bool is_double = false;
  static constexpr bool is_last = false;
  static constexpr int place = 1;
  static constexpr bool undecided_is_missed = false;

  template <class Step>
  LANGEVO_INLINE static bool serves(const Step& step) {
    return is_in_float(step) && step.work.carried.get().in_step;
  }
  template <class Step>
  LANGEVO_INLINE static bool estimate(const Step& step, LossChange& change) {
    return change_of_carried_step(step.team, step.context.problem, step.x, step.proposed,
                                  step.work.single_precision, step.work.double_precision,
                                  step.work.carried.get(), change);
  }
  template <class Step>
  LANGEVO_INLINE static RungCalibration* calibration(const Step& step) {
    return &step.calibrations->carried;
  }
  template <class Step>
  LANGEVO_INLINE static RungUse* use(const Step& step) {
    return &step.calibrations->carried_use;
  }
  template <class Step>
  LANGEVO_INLINE static double most_missed(const Step& /*step*/) {
    return 0.25;
  }
};

/// The float change evaluated afresh, in the place of carried values, beside which it would leave the same
/// open.
struct FloatChangeRung {
  static constexpr bool is_double = false;
  static constexpr bool is_last = false;
  static constexpr int place = CarriedRung::place;

  template <class Step>
  LANGEVO_INLINE static bool serves(const Step& step) {
    if constexpr (std::decay_t<decltype(step.team)>::carries_values) {
      if (step.work.carried.get().gave_change()) return false;
    }
    return is_in_float(step);
  }
  template <class Step>
  LANGEVO_INLINE static bool estimate(const Step& step, LossChange& change) {
    change = loss_change(step.team, step.context.problem, step.x, step.proposed, step.work.single_precision);
    return true;
  }
  template <class Step>
  LANGEVO_INLINE static RungCalibration* calibration(const Step& step) {
    return &step.calibrations->fresh;
  }
};

/// The double change evaluated afresh.
struct DoubleChangeRung {
  static constexpr bool is_double = true;
  static constexpr bool is_last = true;

  template <class Step>
  LANGEVO_INLINE static bool serves(const Step& /*step*/) {
    return true;
  }
  template <class Step>
  LANGEVO_INLINE static bool estimate(const Step& step, LossChange& change) {
    change = loss_change(step.team, step.context.problem, step.x, step.proposed, step.work.double_precision);
    return true;
  }
};

/// The rungs of an evaluated step, cheapest first, up to one of the double change.
template <class Team, class Double>
using EvaluatedRungs =
    std::conditional_t<Team::carries_values, RungList<TwoPassRung, CarriedRung, FloatChangeRung, Double>,
                       RungList<TwoPassRung, FloatChangeRung, Double>>;

/// Whether U(proposed) - U(x) <= threshold. `audits`: float rungs are held against the double one.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide(const ProposedStep<Team, Context, LadderWorkspace<Team>>& step,
                                 double threshold, bool audits = false) {
  return climb_ladder(EvaluatedRungs<Team, DoubleChangeRung>{}, step, threshold, audits);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
