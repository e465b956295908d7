#pragma once

#include "kernels/change/ladder/mutation.hpp"
#include "kernels/screened/replica_view.hpp"

/// The exact Metropolis rule: mutation after mutation, each decided by the ladder.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Always true: every step is taken, accepted or not.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const Metropolis& rule,
                                ReplicaView replica, const MetropolisWorkspace<Team>& work,
                                StepCounters& counters) {
  mutate(team, context, rule, replica.x, replica.calibration, work, counters);
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
