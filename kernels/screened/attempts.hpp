#pragma once

#include "kernels/screened/renewal.hpp"
#include "kernels/screened/stretch.hpp"

/// A stretch from its beginning to its end, and again where the model did worse than assumed.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The proposal of a stretch that begins at this step to be audited, or none.
template <class Context>
LANGEVO_INLINE std::uint64_t audited_proposal(const Context& context, double length) {
  const RandomWords words = context.random(Stream::model_audit).block(0);
  return words.word[0] % ScreeningPolicy::stretches_per_audit == 0
             ? words.word[1] % static_cast<std::uint64_t>(length)
             : ~std::uint64_t{0};
}

/// Back to the anchor for a replay; what was seen of the model stays counted.
template <class Team, class Context>
LANGEVO_FUNCTION void return_to_anchor(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  double* const x = run.replica.x;
  run.context.step -= run.progress.done;
  run.anchor_counters.model_failures = run.counters.model_failures;
  run.anchor_counters.model_audits = run.counters.model_audits;
  run.counters = run.anchor_counters;
  ++run.counters.replays;
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = work.anchor[i]; });
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.scaled_gradient[i] = work.anchor_gradient[i];
    model.pending[i] = 0;
  });
  model.forget_pending();
  team.synchronize();
}

/// Whether the scaled gradient at the end of a stretch is what the model, all pending mutations followed,
/// makes of it; leaves the gradient there in work.gradient and the measured error in run.error.
template <class Team, class Context>
LANGEVO_APART bool check_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  ScreeningState& state = *run.replica.screening;
  const bool product_as_assumed = follow_pending(team, static_cast<double>(state.pending_margin), run.model);
  if (!product_as_assumed) widen_pending_margin(team, state);
  const double loss = find_gradient(run);
  run.error = check_gradient(team, work.gradient.gradient, run.context.sigma, run.model);
  return product_as_assumed && is_finite(loss) && is_finite(run.error.across);
}

/// A model of the present state, to begin a stretch with.
template <class Team, class Context>
LANGEVO_APART void begin_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreeningCosts& costs = run.costs;
  const bool at_hand = run.at_start();
  run.spent = run.age.has_gradient || at_hand ? 0 : costs.gradient;
  if (!run.age.has_gradient) find_first_gradient(run);
  renew_model(run);
  if (!at_hand) run.spent += run.age.hessian == 0 ? costs.anchor : costs.gradient;
  ++run.counters.anchors;
  const double gradient_norm =
      square_root(team.dot(run.model.padded, run.model.scaled_gradient, run.model.scaled_gradient));
  run.anchor_error = 4e-6 * gradient_norm + run.age.float_gradient_error;
  run.stretch.rounding =
      prediction_rounding(team, run.context, run.replica.x, 2 * gradient_norm, run.model.size);
  run.stretch.defect = 0;
  if constexpr (Team::uses_nodes) {
    if (run.nodes.active) run.stretch.defect = run.nodes.bound;
  }
  run.stretch.asked = run.end - run.context.step;
  run.stretch.most = ScreeningPolicy::most_proposals(*run.replica.screening, run.stretch.asked);
}

/// What is assumed of the stretch from the anchor on, more at every attempt.
template <class Team, class Context>
LANGEVO_APART void assume_stretch(ScreenedRun<Team, Context>& run, int attempt) {
  const ScreeningState& state = *run.replica.screening;
  Stretch& stretch = run.stretch;
  stretch.trusted = ScreeningPolicy::trusted(state);
  stretch.audited = audited_proposal(run.context, ScreeningPolicy::usual_length(state));
  stretch.earliest_end = ScreeningPolicy::earliest_end(run.costs, run.model.knows_curvature(), state);
  stretch.error = ScreeningPolicy::assumed_error(state, run.age.hessian, run.model.knows_curvature(),
                                                 1.0 + attempt, run.anchor_error);
  run.progress = {};
  run.anchor_counters = run.counters;
}

/// Ends a stretch that `holds` as far as is known; tells whether its error was as assumed, too. Where not,
/// all is back at the anchor, for a shorter one.
template <class Team, class Context>
LANGEVO_APART bool finish_stretch(ScreenedRun<Team, Context>& run, bool holds) {
  const Team& team = run.team;
  const ScreeningCosts& costs = run.costs;
  const StretchProgress& progress = run.progress;
  Stretch& stretch = run.stretch;
  const AssumedError& assumed = stretch.error;
  ScreeningState& state = *run.replica.screening;
  const StretchResult result{progress.done, progress.accepted, progress.undecided, run.error,
                             progress.done == stretch.asked};
  const auto done = static_cast<double>(progress.done);
  const double error = assumed.excess(run.error, static_cast<double>(progress.accepted));
  const double cost = costs.proposal * done + progress.spent;
  if (holds && (!stretch.trusted || error <= larger(1.0, progress.allows))) {
    learn_from_stretch(run);
    team.by_leader([&]() LANGEVO_BODY {
      const double audits = !stretch.trusted ? done : stretch.audited < progress.done ? costs.in_double : 0;
      ScreeningPolicy::finish_stretch(result, assumed, run.age.hessian, costs, state);
      ScreeningPolicy::settle(done, cost + audits + run.spent, costs,
                              run.rule.acceptance == Acceptance::automatic, state);
    });
    run.age.has_gradient = true;
    return true;
  }
  run.spent += cost + costs.gradient / 2;
  return_to_anchor(run);
  if (progress.done > 0 && is_finite(run.error.across)) {
    team.by_leader(
        [&]() LANGEVO_BODY { ScreeningPolicy::take_error(assumed, run.age.hessian, result, state); });
  }
  stretch.most = progress.done / 2 > 1 ? progress.done / 2 : 1;
  return false;
}

/// One stretch from the present state on; none where the model failed again and again.
template <class Team, class Context>
LANGEVO_FUNCTION void take_stretch(ScreenedRun<Team, Context>& run) {
  begin_stretch(run);
  for (int attempt = 0; attempt <= ScreeningPolicy::most_replays; ++attempt) {
    assume_stretch(run, attempt);
    run.error = {};
    const bool holds = follow_stretch(run) && check_stretch(run);
    if (finish_stretch(run, holds)) return;
  }
  run.age.has_gradient = false;
  run.team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::give_up(run.costs, *run.replica.screening); });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
