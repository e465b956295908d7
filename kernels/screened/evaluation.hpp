#pragma once

#include "kernels/screened/nodes/node_steps.hpp"

/// Proposals that the first estimate of a local model leaves open: better estimates of it, or the exact
/// evaluation.
namespace langevo {
inline namespace LANGEVO_TARGET {

enum class StepOutcome {
  taken,
  left_open,  ///< undecided: a renewed model is to decide
  disproved   ///< the model is worse than its bound
};

/// The exact decision on the proposal in work.exact.proposed, in float first, which may be `audit`ed, too.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide_exactly(ScreenedRun<Team, Context>& run, double threshold, bool audit) {
  const Team& team = run.team;
  const Context& context = run.context;
  const LadderWorkspace<Team>& ladder = run.work.exact.ladder;
  ScreeningState& state = *run.replica.screening;
  const bool trusted = ScreeningPolicy::trusted(state);
  const bool audit_float = audit && trusted && ScreeningPolicy::audits_float(state);
  const auto decide_it = [&]() {
    if constexpr (Team::uses_nodes) {
      if (run.nodes.active)
        return decide_step_on_nodes(run, run.rule.precision, threshold, audit_float, !trusted);
    }
    // before the model is trusted every step is evaluated: an exact step, whose values can be carried
    if (!trusted) ladder.begin_carried_step(context);
    const ProposedStep<Team, Context, LadderWorkspace<Team>> step{team,
                                                                  context,
                                                                  run.rule.precision,
                                                                  run.replica.x,
                                                                  run.work.exact.proposed,
                                                                  ladder,
                                                                  run.replica.calibration,
                                                                  run.counters};
    const Decision decision = decide(step, threshold, audit_float);
    if (!trusted) ladder.end_carried_step(team, decision.accepted, context.problem.network);
    return decision;
  };
  const Decision decision = decide_it();
  run.evaluation = decision.by_float ? run.costs.in_float : run.costs.in_double;
  return decision;
}

/// Has the exact evaluation decide proposal z, and the model compared with it. False where it contradicts.
template <class Team, class Context>
LANGEVO_APART bool evaluate_proposal(ScreenedRun<Team, Context>& run, bool audit,
                                     const ScreenedProposal& proposal, const Prediction& prediction) {
  const Team& team = run.team;
  const Context& context = run.context;
  ScreeningState& state = *run.replica.screening;
  const double* const x = run.replica.x;
  const float* const z = proposal.z;
  double* const proposed = run.work.exact.proposed;
  team.each(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    proposed[i] = proposed_parameter(x[i], context.sigma[i], z[i]);
  });
  team.synchronize();
  const bool trusted = ScreeningPolicy::trusted(state);
  const Decision exact = decide_exactly(run, prediction.threshold, audit);
  run.accepts = exact.accepted;
  if (audit) {
    ++run.counters.model_audits;
  } else {
    ++run.progress.undecided;
    run.progress.spent += run.evaluation;
  }
  const double error = exact.change.change - prediction.closest.change;
  if (!is_finite(error)) return true;
  double uncertainty = exact.change.error_bound;
  if constexpr (Team::uses_nodes) {  // the model is one of the loss on the nodes, with the defect's gradient
    if (run.nodes.active && run.nodes.decided) uncertainty -= run.nodes.bound;
  }
  team.by_leader([&]() LANGEVO_BODY {
    ScreeningPolicy::take_sample(error, uncertainty, proposal.explained,
                                 run.model.knows_curvature() ? nullptr : run.replica.learnt, state);
  });
  if (trusted &&
      (contradicts(exact.change, prediction.closest) || contradicts(exact.change, prediction.deciding))) {
    ++run.counters.model_failures;
    return false;
  }
  return true;
}

/// A proposal that the first estimate does not decide by itself, or that is audited. `may_end`: it may be
/// left open.
template <class Team, class Context>
LANGEVO_APART StepOutcome decide_open_step(ScreenedRun<Team, Context>& run, const ModelBound& assumed,
                                           bool audit, bool may_end, const ScreenedProposal& proposal) {
  const Prediction prediction = predict(run.team, run.context, run.rule, assumed, audit, proposal, run.model);
  run.accepts = prediction.verdict == Verdict::accept;
  if (!audit && prediction.verdict != Verdict::undecided) {
    ++run.counters.decided_by_model;
    run.progress.take_decision(prediction.deciding, prediction.threshold, proposal.explained);
  } else if (may_end && !audit) {
    ++run.progress.undecided;
    return StepOutcome::left_open;
  } else if (!evaluate_proposal(run, audit, proposal, prediction)) {
    return StepOutcome::disproved;
  }
  return StepOutcome::taken;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
