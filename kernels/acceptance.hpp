#pragma once

#include "kernels/carried_change.hpp"
#include "kernels/step_context.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// The acceptance test: a ladder of estimators of the loss change, cheapest first, each with a bound on its
/// error. The first whose bound excludes the threshold decides.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct AcceptanceWorkspace {
  LossChangeWorkspace<Team, float> single_precision;
  LossChangeWorkspace<Team, double> double_precision;
  CarriedValues<Team> carried;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    single_precision.carve(arena, network);
    double_precision.carve(arena, network);
    carried.carve(arena, network);
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
/// is `safety` times that. Until enough audits were made it is the worst case itself.
struct AuditPolicy {
  static constexpr std::uint32_t audits_before_trust = 16;
  static constexpr double safety = 16;

  /// Whether the proposal of this step is audited; by the step alone, so that blocks of steps change nothing.
  LANGEVO_INLINE static bool due(std::uint64_t step, const RungCalibration& calibration) {
    const std::uint64_t interval = calibration.audits < audits_before_trust ? 2 : 1024;
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

/// Whether the float change decides by itself: not where it is audited.
LANGEVO_INLINE bool float_decides(const LossChange& estimate, double threshold, bool audit,
                                  const RungCalibration& calibration) {
  return !audit && compare(estimate, AuditPolicy::factor(calibration), threshold) != Verdict::undecided;
}

/// Goes on from the float change; `exact` evaluates the double one, where the float change does not decide.
template <class Team, class Exact>
LANGEVO_FUNCTION Decision decide_from_float(const Team& team, const LossChange& estimate, double threshold,
                                            bool audit, RungCalibration* calibration, StepCounters& counters,
                                            const Exact& exact_change) {
  const double factor = AuditPolicy::factor(*calibration);
  if (float_decides(estimate, threshold, audit, *calibration)) {
    ++counters.decided_by_float;
    return {compare(estimate, factor, threshold) == Verdict::accept,
            {estimate.change, factor * estimate.error_bound}};
  }
  const LossChange exact = exact_change();
  const double error = absolute(estimate.change - exact.change);
  if (audit && is_finite(error) && is_finite(estimate.error_bound)) {
    ++counters.audits;
    if (error > factor * estimate.error_bound + exact.error_bound) ++counters.audit_failures;
    team.synchronize();
    if (team.leads() && error > 0) {  // an exact result, as where a network is dead, says nothing of others
      ++calibration->audits;
      calibration->largest_ratio = larger(calibration->largest_ratio, error / estimate.error_bound);
    }
    team.synchronize();
  }
  return decide_by_double(exact, threshold, counters);
}

/// Whether U(proposed) - U(x) <= threshold. A driver that tells of every step, with begin_step before and
/// end_step after it, has the values of x carried along; without that each call stands for itself.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide(const Team& team, const Context& context, Precision precision,
                                 const double* x, const double* proposed, double threshold,
                                 AcceptanceWorkspace<Team>& work, FloatCalibration* calibrations,
                                 StepCounters& counters, bool audit_float = false) {
  const ProblemView& problem = context.problem;
  if (precision == Precision::float64) {
    return decide_by_double(loss_change(team, problem, x, proposed, work.double_precision), threshold,
                            counters);
  }
  const LossChange estimate = float_change_of_step(team, problem, x, proposed, work.single_precision,
                                                   work.double_precision, work.carried);
  RungCalibration* const calibration =
      work.carried.gave_change() ? &calibrations->carried : &calibrations->fresh;
  const bool audit = audit_float || AuditPolicy::due(context.step, *calibration);
  return decide_from_float(team, estimate, threshold, audit, calibration, counters,
                           [&] { return loss_change(team, problem, x, proposed, work.double_precision); });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
