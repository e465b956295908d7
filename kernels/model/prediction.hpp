#pragma once

#include "kernels/change/ladder/verdict.hpp"
#include "kernels/model/leading_curvature.hpp"
#include "langevo/dynamics.hpp"

/// What a local model says of one proposal, with a bound on its error: estimates that cost more and more,
/// until one of them decides. e: the error of the scaled gradient that the model carries.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What is assumed of the next few proposals.
struct ModelBound {
  /// An e larger than assumed is accounted for up to so many times.
  static constexpr double most_allowed = 3;

  double along[leading_directions];  ///< bounds on e's parts along the model's directions,
  double across;                     ///< and on what the rest of e makes of a mutation,
  double others;                     ///< on errors that have nothing to do with e, curvature apart,
  double curvature;                  ///< and on those of the first estimate's

  /// A bound on e.z, of which e's parts along the directions make `along_directions` at the most.
  [[nodiscard]] LANGEVO_INLINE double explained(double along_directions) const {
    return square_root(along_directions * along_directions + across * across);
  }
};

/// A few proposals z_k, and what there is to know of them whatever mutations are pending.
template <class Team>
struct ScreenedProposals {
  template <class Real>
  using Values = typename Team::template VectorValues<Real>;

  const float* normals;  ///< z_k at normals + k stride
  std::size_t stride;
  Values<double> change;  ///< of the loss by scaled gradient and directions, were nothing pending
  Values<double> part[leading_directions];          ///< v_r.z
  Values<double> second_order[leading_directions];  ///< kappa_r v_r.z: what one more of v_r.D would add
  Values<double> clear;  ///< a change beyond is decided, had e been up to most_allowed times that assumed

  [[nodiscard]] LANGEVO_INLINE const float* z(std::size_t k) const { return normals + k * stride; }

  /// The change of the loss after accepted mutations D of which v_r.D are pending, of a member's own k.
  [[nodiscard]] LANGEVO_INLINE double change_after(std::size_t k,
                                                   const double (&pending_part)[leading_directions]) const {
    double sum = change[k];
    for (int r = 0; r < leading_directions; ++r) sum += second_order[r][k] * pending_part[r];
    return sum;
  }
};

template <class Team>
LANGEVO_INLINE void screen_proposals(const Team& team, const LocalModel& model, const ModelBound& assumed,
                                     std::size_t count, ScreenedProposals<Team>& proposals) {
  typename Team::template VectorValues<double> products[1 + leading_directions];
  typename Team::template VectorValues<double> along;
  products_with(team, model, count, proposals.normals, proposals.stride, products);
  team.each_vector(count, [&](std::size_t k) LANGEVO_BODY {
    proposals.change[k] = products[0][k] + model.remainder.half_trace;
    along[k] = 0;
  });
  for (int r = 0; r < leading_directions; ++r) {
    const double eigenvalue = model.eigenvalue[r];
    const double bound = assumed.along[r];
    team.each_vector(count, [&](std::size_t k) LANGEVO_BODY {
      const double part = products[1 + r][k];
      const double second_order = eigenvalue * part;
      proposals.part[r][k] = part;
      proposals.second_order[r][k] = second_order;
      proposals.change[k] += 0.5 * second_order * part;
      along[k] += bound * absolute(part);
    });
  }
  team.each_vector(count, [&](std::size_t k) LANGEVO_BODY {
    proposals.clear[k] =
        ModelBound::most_allowed * assumed.explained(along[k]) + assumed.others + assumed.curvature;
  });
}

/// One of them, with the mutations accepted before it pending.
struct ScreenedProposal {
  const float* z;
  LossChange first;  ///< by scaled gradient and directions
  double explained;  ///< bound on e.z
};

template <class Team>
LANGEVO_INLINE ScreenedProposal screened_proposal(const Team& team, const ScreenedProposals<Team>& proposals,
                                                  std::size_t k, const ModelBound& assumed,
                                                  const LocalModel& model) {
  double change = team.of_vector(proposals.change, k);
  double along = 0;
  for (int r = 0; r < leading_directions; ++r) {
    change += team.of_vector(proposals.second_order[r], k) * model.pending_part[r];
    along += assumed.along[r] * absolute(team.of_vector(proposals.part[r], k));
  }
  const double explained = assumed.explained(along);
  return {proposals.z(k), {change, explained + assumed.others + assumed.curvature}, explained};
}

/// Roundings of G.z, and of x' = x + sigma z in double, for |z| up to sqrt(N) + 8.
template <class Team, class Context>
LANGEVO_FUNCTION double prediction_rounding(const Team& team, const Context& context, const double* x,
                                            double gradient_norm, std::size_t n) {
  const double relative_state = square_root(team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double ratio = x[i] / context.sigma[i];
    return ratio * ratio;
  }));
  const double size = square_root(static_cast<double>(n)) + 8;
  return gradient_norm *
         (Team::float_additions(n) * static_cast<double>(Limits<float>::unit_roundoff) * size +
          2 * Limits<double>::unit_roundoff * relative_state);
}

/// What the model says of one proposal.
struct Prediction {
  LossChange deciding;  ///< the first estimate that decided, or the last one made
  LossChange closest;   ///< the last one made
  double threshold;
  Verdict verdict;
};

/// Goes on from the first estimate, which leaves open whether the change is above 0; to the last one, by the
/// product A z where A is known in full, if it `audit`s.
template <class Team, class Context>
LANGEVO_FUNCTION Prediction predict(const Team& team, const Context& context, const Metropolis& rule,
                                    const ModelBound& assumed, bool audit, const ScreenedProposal& proposal,
                                    LocalModel& model) {
  const double threshold = acceptance_threshold(rule.beta, context.random(Stream::acceptance));
  const LossChange& first = proposal.first;
  Prediction result{first, first, threshold, compare(first, 1.0, threshold)};
  if (!model.knows_curvature() || (result.verdict != Verdict::undecided && !audit)) return result;
  model.follows_soon = model.pending_count >= LocalModel::pending_worth_following;
  result.closest = {full_change(team, model, proposal.z), proposal.explained + assumed.others};
  if (result.verdict != Verdict::undecided) return result;  // an audit wants to know more
  result.deciding = result.closest;
  result.verdict = compare(result.closest, 1.0, threshold);
  return result;
}

/// Whether an exact change is farther from an estimate than both their bounds allow.
LANGEVO_INLINE bool contradicts(const LossChange& exact, const LossChange& estimate) {
  return absolute(exact.change - estimate.change) - exact.error_bound > estimate.error_bound;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
