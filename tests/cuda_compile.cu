// Needs no device: every rule of the shared maths must be CUDA code, too.
#include "kernels/advance.hpp"
#include "kernels/serial_team.hpp"

namespace langevo {

template <class RuleType>
__global__ void advance_one_replica(StepContext context, RuleType rule, std::uint64_t steps,
                                    ReplicaView replica, unsigned char* memory, StepCounters* counters) {
  auto work =
      carve_workspace<typename WorkspaceOf<SerialTeam, RuleType>::Type>(context.problem.network, memory);
  counters->steps = advance_replica(SerialTeam{}, context, rule, steps, replica, work, *counters);
}

template __global__ void advance_one_replica(StepContext, Metropolis, std::uint64_t, ReplicaView,
                                             unsigned char*, StepCounters*);
template __global__ void advance_one_replica(StepContext, Gradient, std::uint64_t, ReplicaView,
                                             unsigned char*, StepCounters*);
template __global__ void advance_one_replica(StepContext, NormalizedGradient, std::uint64_t, ReplicaView,
                                             unsigned char*, StepCounters*);
template __global__ void advance_one_replica(StepContext, Langevin, std::uint64_t, ReplicaView,
                                             unsigned char*, StepCounters*);

}  // namespace langevo
