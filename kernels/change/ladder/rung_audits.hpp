#pragma once

#include "kernels/change/ladder/rung_calibration.hpp"
#include "kernels/change/ladder/verdict.hpp"

/// The bounds of the float rungs, and what is measured of them.
namespace langevo {
inline namespace LANGEVO_TARGET {

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
    return smaller(1.0, safety * static_cast<double>(calibration.largest_ratio));
  }
};

/// A float change, and what is known of its bound.
struct FloatEstimate {
  LossChange change;
  RungCalibration* calibration;
  bool audit = false;  ///< it is to be held against the double change

  [[nodiscard]] LANGEVO_INLINE double factor() const { return AuditPolicy::factor(*calibration); }
};

/// Whether it decides by itself: not where it is audited.
LANGEVO_INLINE bool float_decides(const FloatEstimate& estimate, const Threshold& threshold) {
  return !estimate.audit && compare(estimate.change, estimate.factor(), threshold) != Verdict::undecided;
}

/// The decision of an estimate of which float_decides is true.
LANGEVO_INLINE Decision decide_by_float(const FloatEstimate& estimate, const Threshold& threshold,
                                        StepCounters& counters) {
  const double factor = estimate.factor();
  ++counters.decided_by_float;
  return {compare(estimate.change, factor, threshold) == Verdict::accept,
          {estimate.change.change, factor * estimate.change.error_bound},
          true};
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
    calibration.largest_ratio = larger(calibration.largest_ratio, static_cast<float>(error / bound));
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
