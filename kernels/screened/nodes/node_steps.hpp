#pragma once

#include "kernels/change/step_context.hpp"
#include "kernels/quadrature/node_rungs.hpp"
#include "kernels/screened/run.hpp"

/// Steps that an evaluation on the nodes of a quadrature decides, or one on all points where it cannot.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What a step depends on, on the nodes.
using NodesContext = BasicStepContext<const ProblemView&>;

/// The decision on the proposal in work.exact.proposed. `carries`: values are carried along to the next one,
/// which will be the next step.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide_step_on_nodes(ScreenedRun<Team, Context>& run, Precision precision,
                                               double threshold, bool audit_float, bool carries) {
  const Team& team = run.team;
  const Context& context = run.context;
  const ProblemView& nodes = run.nodes.view->problem;
  const LadderWorkspace<Team>& ladder = run.nodes.work->ladder;
  const double* const x = run.replica.x;
  const double* const proposed = run.work.exact.proposed;
  const NodesContext on_nodes{nodes, context.sigma, context.seed, context.step, context.replica};
  if (carries) ladder.begin_step(team, on_nodes, *run.replica.calibration);
  StepCounters counters;
  const ProposedStep<Team, NodesContext, LadderWorkspace<Team>> step{
      run.nodes.team, on_nodes, precision, x, proposed, ladder, run.replica.calibration, counters};
  Decision decision{};
  const bool decided = decide_on_nodes(step, run.nodes.defect(), threshold, audit_float, decision);
  run.nodes.decided = decided;
  run.counters.audits += counters.audits;
  run.counters.audit_failures += counters.audit_failures;
  run.counters.decided_on_nodes += decided ? 1 : 0;
  if (!decided) {
    ++run.nodes.opened;
    const ProposedStep<Team, Context, LadderWorkspace<Team>> on_all{
        team,        context, Precision::float64, x, proposed, run.work.exact.ladder, run.replica.calibration,
        run.counters};
    decision = decide(on_all, threshold);
  }
  if (carries) ladder.end_step(team, decision.accepted, nodes.network);
  return decision;
}

/// One step without a local model.
template <class Team, class Context>
LANGEVO_FUNCTION void mutate_on_nodes(ScreenedRun<Team, Context>& run) {
  mutate_where(run.team, run.context, run.rule.beta, run.replica.x, run.work.exact, run.counters,
               [&](double threshold) {
                 return decide_step_on_nodes(run, run.rule.precision, threshold, false, true).accepted;
               });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
