#pragma once

#include "kernels/acceptance.hpp"
#include "kernels/kernel_rules.hpp"
#include "kernels/leading_part.hpp"
#include "kernels/step_context.hpp"

/// What a local model says of one proposal, with a bound on its error: estimates that cost more and more,
/// until one of them decides. e: the error of the slope that the model carries.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What a stretch is followed with.
struct Stretch {
  std::uint64_t length;
  std::uint64_t audited;  ///< proposal that is audited; none if not below length
  double slope_error;     ///< |e| assumed at the end,
  double across_error;    ///< and of its part across the model's directions
  double rounding;        ///< bound on the rounding errors of a prediction
};

/// What is assumed at one proposal.
struct ModelBound {
  double slope_error;   ///< |e|
  double across_error;  ///< of its part across the model's directions
  double others;        ///< bound on errors that have nothing to do with e, curvature apart
};

LANGEVO_INLINE ModelBound model_bound(const Stretch& stretch, std::uint64_t done,
                                      const ScreeningState& state) {
  const double share = ScreeningPolicy::drift_share(done, stretch.length);
  return {share * stretch.slope_error, share * stretch.across_error,
          ScreeningPolicy::rest_margin * state.largest_rest + stretch.rounding};
}

/// Roundings of G.z, and of x' = x + sigma z in double, for |z| up to sqrt(N) + 8.
template <class Team, class Context>
LANGEVO_FUNCTION double prediction_rounding(const Team& team, const Context& context, const double* x,
                                            double slope_norm, std::size_t n) {
  const double relative_state = square_root(team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double ratio = x[i] / context.sigma[i];
    return ratio * ratio;
  }));
  const double size = square_root(static_cast<double>(n)) + 8;
  return slope_norm * (float_additions(n) * static_cast<double>(Limits<float>::unit_roundoff) * size +
                       2 * Limits<double>::unit_roundoff * relative_state);
}

/// What the model says of one proposal, step by step until it decides.
struct Prediction {
  LossChange deciding;  ///< the first estimate that decided, or the last one made
  LossChange closest;   ///< the last one made
  double explained;     ///< part of its bound that is due to e
  double threshold;
  Verdict verdict;
  bool bent;   ///< A z is in the model's bend
  bool holds;  ///< false: the slope turned out to bend more than assumed
};

/// Goes to the last estimate if it `audit`s.
template <class Team, class Context>
LANGEVO_FUNCTION Prediction predict(const Team& team, const Context& context, const ScreenedMetropolis& rule,
                                    const ModelBound& assumed, bool audit, const float* z,
                                    const ScreeningState& state, LocalModel& model) {
  const double pending_margin = ScreeningPolicy::deviations * state.pending_margin;
  const auto bound_of_curvature = [&](const CurvatureNorms& norms) {
    return curvature_tail(norms) + pending_error(norms, model.pending_count, pending_margin);
  };
  Prediction result{{},    {},  ScreeningPolicy::deviations * assumed.slope_error, 0, Verdict::undecided,
                    false, true};
  const auto consider = [&](double change, double curvature_bound) {
    result.closest = {change, result.explained + assumed.others + curvature_bound};
    if (result.verdict != Verdict::undecided) return;  // an audit wants to know more
    result.deciding = result.closest;
    result.verdict = compare(result.closest, 1.0, result.threshold);
  };
  const double linear = linear_change(team, model, z);
  consider(linear + static_cast<double>(model.whole.half_trace), bound_of_curvature(model.whole));
  if (is_finite(rule.beta) &&
      (audit || result.verdict != Verdict::accept)) {  // the threshold is never below 0
    result.threshold = acceptance_threshold(rule.beta, context.random(Stream::acceptance));
    result.verdict = compare(result.deciding, 1.0, result.threshold);
  }
  if (!model.bends() || (result.verdict != Verdict::undecided && !audit)) return result;
  const LeadingPart part = leading_part(team, model, z);
  result.explained = smaller(result.explained, part.length * assumed.slope_error +
                                                   ScreeningPolicy::deviations * assumed.across_error);
  consider(linear + part.change + static_cast<double>(model.rest.half_trace), bound_of_curvature(model.rest));
  if (!model.knows_curvature() || (result.verdict != Verdict::undecided && !audit)) return result;
  result.holds = follow_pending(team, state.pending_margin, model);
  if (!result.holds) return result;
  const double followed = linear_change(team, model, z);
  consider(followed + quadratic_change(team, model, z), 0);
  result.bent = true;
  return result;
}

/// Whether an exact change is farther from an estimate than both their bounds allow.
LANGEVO_INLINE bool contradicts(const LossChange& exact, const LossChange& estimate) {
  return absolute(exact.change - estimate.change) - exact.error_bound > estimate.error_bound;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
