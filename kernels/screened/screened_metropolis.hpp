#pragma once

#include "kernels/screened/nodes/span.hpp"

/// Metropolis steps whose acceptance test begins with a local model of the loss: the rung below the float
/// change. Most proposals are decided by the model, the rest by a renewed model or the exact evaluation, so
/// that trajectories are those of the exact test. The model's error is measured: after a stretch of proposals
/// the gradient at its end is compared with the one the model carried there, and exact evaluations, some of
/// them audits at random, with what it predicted. A stretch in which the model did worse than assumed is
/// replayed.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Takes x and the mutation widths into the workspace, and begins a state of which nothing is known.
template <class Team, class Context>
LANGEVO_APART void begin_screening(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  const std::size_t size = work.model.size;
  const double* const x = run.home;
  const double* const sigma = run.context.sigma;
  team.each(work.model.padded, [&](std::size_t i) LANGEVO_BODY {
    work.state[i] = i < size ? x[i] : 0.0;
    work.sigma[i] = i < size ? sigma[i] : 0.0;
  });
  const std::size_t row = ScreenedWorkspace<Team>::normal_row(size);
  for (std::size_t k = 0; k < work.steps_at_a_time; ++k) {  // what stays of a row's end has to be finite
    float* const end = work.normal + k * row + size;
    team.each(row - size, [&](std::size_t i) LANGEVO_BODY { end[i] = 0; });
  }
  run.replica.x = work.state;
  run.costs = costs_of_run(run);
  if (run.rule.acceptance == Acceptance::automatic)
    team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::begin(run.costs, *run.replica.screening); });
  team.synchronize();
}

/// Takes x back.
template <class Team, class Context>
LANGEVO_APART void end_screening(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const double* const state = run.work.state;
  double* const x = run.home;
  team.synchronize();
  team.each(run.work.model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = state[i]; });
  team.synchronize();
}

/// Whether a run begins where the model at hand was made.
template <class Team, class Context>
LANGEVO_FUNCTION void begin_from(const StartModel* start, ScreenedRun<Team, Context>& run) {
  if constexpr (Team::carries_values) {
    if (start != nullptr && is_at(run.team, run.model.size, *start, run.replica.x))
      run.start = {*start, run.context.step};
  }
}

/// `start`: a model that is at hand, made with the loss that this evaluates first; null: there is none.
template <class Team, class Context>
LANGEVO_APART std::uint64_t advance_replica(const Team& team, Context context, const ScreenedMetropolis& rule,
                                            std::uint64_t steps, ReplicaView replica,
                                            const ScreenedWorkspace<Team>& work, StepCounters& counters,
                                            const StartModel* start = nullptr) {
  ScreenedRun<Team, Context> run{
      team, context, rule, replica, replica.x, work, work.model, counters, context.step + steps};
  begin_screening(run);
  begin_from(start, run);
  take_screened_steps(run);
  end_screening(run);
  return steps;
}

/// Likewise, where the nodes of a quadrature may stand for all points. `nodes_team`: for the nodes.
template <class Team, class Context>
LANGEVO_APART std::uint64_t advance_replica_on_nodes(
    const Team& team, Context context, const ScreenedMetropolis& rule, std::uint64_t steps,
    ReplicaView replica, const ScreenedWorkspace<Team>& work, const NodesView& nodes, const Team& nodes_team,
    const NodesWorkspace<Team>& nodes_work, StepCounters& counters, const StartModel* start = nullptr) {
  ScreenedRun<Team, Context> run{
      team, context, rule, replica, replica.x, work, work.model, counters, context.step + steps};
  run.nodes.view = &nodes;
  run.nodes.work = &nodes_work;
  run.nodes.team = nodes_team;
  run.nodes.active = true;
  begin_screening(run);
  begin_from(start, run);
  take_spans(run);
  end_screening(run);
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
