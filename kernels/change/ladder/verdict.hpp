#pragma once

#include "kernels/base/elementary.hpp"
#include "kernels/change/loss_sums.hpp"
#include "kernels/random/normals.hpp"
#include "langevo/statistics.hpp"

/// What an estimate of the loss change with its error bound says of a proposal, and the last word on it.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// A change of loss up to here is accepted: -log(u)/beta with u uniform, 0 at beta = inf.
template <class Source>
LANGEVO_INLINE double acceptance_threshold(double beta, const Source& source) {
  if (!is_finite(beta)) return 0;
  const RandomWords words = source.block(0);
  return -logarithm(uniform_double(words.word[0], words.word[1])) / beta;
}

/// The threshold for what is estimated: a number for the change of the loss; for a part of it, what the rest
/// leaves of that number, known within bounds.
struct Threshold {
  double least;
  double most;
  LANGEVO_INLINE Threshold(double value) : least(value), most(value) {}
  LANGEVO_INLINE Threshold(double from, double to) : least(from), most(to) {}
};

enum class Verdict { accept, reject, undecided };

/// What an estimate says of the threshold, with its error bound multiplied by `factor`.
LANGEVO_INLINE Verdict compare(const LossChange& estimate, double factor, const Threshold& threshold) {
  const double bound = factor * estimate.error_bound;
  if (!is_finite(estimate.change) || !is_finite(bound)) return Verdict::undecided;
  if (estimate.change + bound <= threshold.least) return Verdict::accept;
  if (estimate.change - bound > threshold.most) return Verdict::reject;
  return Verdict::undecided;
}

/// A decision, and the change of loss that it rests on.
struct Decision {
  bool accepted;
  LossChange change;
  bool by_float;
};

/// Last rung: past it, the value of the double change decides. A change that is not finite is rejected.
LANGEVO_INLINE Decision decide_by_double(const LossChange& exact, const Threshold& threshold,
                                         StepCounters& counters) {
  if (!is_finite(exact.change)) {
    ++counters.not_finite;
    return {false, exact, false};
  }
  const Verdict verdict = compare(exact, 1.0, threshold);
  if (verdict != Verdict::undecided) {
    ++counters.decided_by_double;
    return {verdict == Verdict::accept, exact, false};
  }
  ++counters.decided_by_value;
  return {exact.change <= threshold.least, exact, false};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
