#pragma once

#include "kernels/descent/descend.hpp"
#include "kernels/rules/metropolis.hpp"
#include "kernels/screened/screened_metropolis.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Scratch memory that a rule needs for one replica at a time.
template <class Team, class RuleType>
struct WorkspaceOf;
template <class Team>
struct WorkspaceOf<Team, Metropolis> {
  using Type = MetropolisWorkspace<Team>;
};
template <class Team>
struct WorkspaceOf<Team, ScreenedMetropolis> {
  using Type = ScreenedWorkspace<Team>;
};
template <class Team>
struct WorkspaceOf<Team, GradientRule> {
  using Type = GradientStepWorkspace<Team>;
};

/// Returns whether the step was finite.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const GradientRule& rule,
                                ReplicaView replica, const GradientStepWorkspace<Team>& work,
                                StepCounters& counters) {
  return take_gradient_step(team, context, rule, replica.x, work, counters);
}

/// Takes up to `steps` steps with one replica from context.step on; returns how many it took. It stops early
/// only where loss or gradient are no longer finite (a Metropolis proposal of that kind is rejected, not a
/// reason to stop).
template <class Team, class Context, class RuleType>
LANGEVO_FUNCTION std::uint64_t advance_replica(const Team& team, Context context, const RuleType& rule,
                                               std::uint64_t steps, ReplicaView replica,
                                               const typename WorkspaceOf<Team, RuleType>::Type& work,
                                               StepCounters& counters) {
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++context.step) {
    if (!take_step(team, context, rule, replica, work, counters)) return taken;
    ++counters.steps;
  }
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
