#pragma once

#include "kernels/base/elementary.hpp"
#include "kernels/network/losses/outputs.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// softmax_c = exp(f_c - highest) / sum; logsumexp = highest + log sum.
template <class Team, class Real>
struct Softmax {
  typename Team::template PointValues<Real> highest;
  typename Team::template PointValues<Real> sum;

  LANGEVO_INLINE Real probability(Real f, int p) const { return exponential(f - highest[p]) / sum[p]; }
};

/// Takes the softmax of the outputs logit(i).
template <class Real, class Team, class Logit>
LANGEVO_INLINE void take_softmax(const Team& team, int outputs, const Logit& logit,
                                 Softmax<Team, Real>& softmax) {
  team.each_point([&](int p) LANGEVO_BODY {
    softmax.highest[p] = logit(p);
    softmax.sum[p] = 0;
  });
  each_output(team, 1, outputs,
              [&](int i, int p) LANGEVO_BODY { softmax.highest[p] = larger(softmax.highest[p], logit(i)); });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    softmax.sum[p] += exponential(logit(i) - softmax.highest[p]);
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
