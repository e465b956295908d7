#pragma once

#include "kernels/screened/attempts.hpp"

/// Metropolis steps whose acceptance test begins with a local model of the loss: the rung below the float
/// change. Most proposals are decided by the model, the rest by a renewed model or the exact evaluation, so
/// that trajectories are those of the exact test. The model's error is measured: after a stretch of proposals
/// the gradient at its end is compared with the one the model carried there, and exact evaluations, some of
/// them audits at random, with what it predicted. A stretch in which the model did worse than assumed is
/// replayed.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The exact steps that are due; the state that the model knows is left behind.
template <class Team, class Context>
LANGEVO_APART void take_exact_steps(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  ScreeningState& state = *run.replica.screening;
  const std::uint64_t left = run.end - run.context.step;
  const std::uint64_t steps = left < state.exact_left ? left : state.exact_left;
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++run.context.step) {
    mutate(team, run.context, run.rule, run.replica.x, run.replica.calibration, run.work.exact, run.counters);
    ++run.counters.steps;
  }
  run.age.has_gradient = false;
  team.by_leader([&]() LANGEVO_BODY { state.exact_left -= steps; });
}

/// Takes x and the mutation widths into the workspace, and begins a state of which nothing is known.
template <class Team, class Context>
LANGEVO_APART void begin_screening(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  if constexpr (Team::carries_values) work.activations.get().valid = false;  // those of another replica
  const std::size_t size = work.model.size;
  const double* const x = run.home;
  const double* const sigma = run.context.sigma;
  team.each(work.model.padded, [&](std::size_t i) LANGEVO_BODY {
    work.state[i] = i < size ? x[i] : 0.0;
    work.sigma[i] = i < size ? sigma[i] : 0.0;
  });
  const std::size_t normals = work.steps_at_a_time * normal_buffer_size(size);
  team.each(normals, [&](std::size_t i) LANGEVO_BODY { work.normal[i] = 0; });
  run.replica.x = work.state;
  run.costs = screening_costs(run.context.problem, run.rule.precision, work.model.knows_curvature(),
                              Team::carries_values, work.carries_activations());
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

template <class Team, class Context>
LANGEVO_APART std::uint64_t advance_replica(const Team& team, Context context, const ScreenedMetropolis& rule,
                                            std::uint64_t steps, ReplicaView replica,
                                            const ScreenedWorkspace<Team>& work, StepCounters& counters) {
  ScreenedRun<Team, Context> run{
      team, context, rule, replica, replica.x, work, work.model, counters, context.step + steps};
  begin_screening(run);
  while (run.context.step < run.end) {
    if (run.replica.screening->exact_left > 0) {
      take_exact_steps(run);
    } else {
      take_stretch(run);
    }
  }
  end_screening(run);
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
