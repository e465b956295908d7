#pragma once

#include <type_traits>

#include "kernels/cuda/teams/cuda_kernels.hpp"
#include "kernels/cuda/teams/cuda_team.cuh"
#include "kernels/rules/advance.hpp"

namespace langevo {

/// Teams to a block: two warps that do not know of each other, or one team that is the block.
template <class Team>
inline constexpr int teams_per_block = Team::workers == 1 ? 2 : 1;

/// Kernels ask for one such block on a multiprocessor at the least: without that, ptxas saves registers by
/// spilling.
template <class Team>
inline constexpr int threads_per_block = teams_per_block<Team>* Team::threads;

/// What a team has on chip before the arrays of its workspace: the workspace's pointers, one set for each
/// warp, would take registers of every thread.
template <class Team, class Workspace>
struct TeamMemory {
  static_assert(std::is_trivially_default_constructible_v<Workspace>, "nobody constructs it");
  double warp_sums[Team::workers];
  Workspace workspaces[Team::workers];
};

/// The team that a thread is in, its place among all teams of the launch, and its workspace, which stays as
/// the warp's first lane has carved it.
template <class Team, class Workspace>
class TeamSeat {
 public:
  __device__ TeamSeat(const NetworkView& network, const WorkspacePool& pool) {
    extern __shared__ __align__(Arena::alignment) unsigned char on_chip[];
    const unsigned place = threadIdx.x / Team::threads;
    first = static_cast<std::uint64_t>(blockIdx.x) * teams_per_block<Team> + place;
    Arena arena{pool.memory + first * pool.bytes_per_team,
                0,
                {on_chip + place * pool.on_chip_bytes_per_team, pool.on_chip_bytes_per_team, 0},
                Team::workers,
                static_cast<int>(team.worker())};
    auto* const memory = arena.take<TeamMemory<Team, Workspace>>(1);
    team = Team{memory->warp_sums};
    workspace_ = memory->workspaces + team.worker();
    if (threadIdx.x % Team::lanes == 0)
      workspace_->carve(arena, network);  // in place: a copy would be in registers
    __syncwarp();
  }

  /// Calls body(r) for every r below n that is this team's.
  template <class Body>
  __device__ void each_replica(std::uint64_t n, const Body& body) const {
    const std::uint64_t teams = static_cast<std::uint64_t>(gridDim.x) * teams_per_block<Team>;
    for (std::uint64_t r = first; r < n; r += teams) {
      body(r);
      team.synchronize();
    }
  }

  [[nodiscard]] __device__ const Workspace& workspace() const { return *workspace_; }

  Team team;
  std::uint64_t first;

 private:
  Workspace* workspace_;
};

__device__ inline void add_counters(StepCounters& total, const StepCounters& part) {
  static_assert(sizeof(StepCounters) % sizeof(unsigned long long) == 0);
  auto* to = reinterpret_cast<unsigned long long*>(&total);
  const auto* from = reinterpret_cast<const unsigned long long*>(&part);
  for (std::size_t i = 0; i < sizeof(StepCounters) / sizeof(unsigned long long); ++i)
    atomicAdd(to + i, from[i]);
}

template <class Team, class RuleType>
__global__ void __launch_bounds__(threads_per_block<Team>, 1)
    advance_kernel(const __grid_constant__ DeviceEnsembleView ensemble, RuleType rule,
                   std::uint64_t first_step, std::uint64_t steps, WorkspacePool pool, StepsReport* report) {
  const TeamSeat<Team, typename WorkspaceOf<Team, RuleType>::Type> seat(ensemble.problem.network, pool);
  StepCounters counters;
  const std::size_t n = ensemble.problem.network.parameter_count;
  seat.each_replica(ensemble.replicas, [&](std::uint64_t r) {
    const BasicStepContext<const ProblemView&> context{
        ensemble.problem, ensemble.sigma, ensemble.seed, first_step,
        static_cast<std::uint32_t>(ensemble.first_replica + r)};
    ReplicaView replica{ensemble.state + r * n, ensemble.calibrations + r};
    if constexpr (std::is_same_v<RuleType, ScreenedMetropolis>) {
      replica.screening = ensemble.screenings + r;
      if (ensemble.curvatures != nullptr) replica.learnt = ensemble.curvatures + r;
      if (ensemble.directions != nullptr)
        replica.directions = ensemble.directions + r * ensemble.directions_per_replica;
    }
    const std::uint64_t taken =
        advance_replica(seat.team, context, rule, steps, replica, seat.workspace(), counters);
    if (seat.team.leads() && taken < steps) {
      report->steps_taken[r] = taken;
      atomicMin(&report->failed_replica, static_cast<unsigned long long>(r));
    }
  });
  if (seat.team.leads()) add_counters(report->counters, counters);
}

template <class Team>
__global__ void __launch_bounds__(threads_per_block<Team>, 1)
    loss_kernel(ProblemView problem, const double* states, std::uint64_t count, WorkspacePool pool,
                double* losses) {
  const TeamSeat<Team, GradientWorkspace<Team>> seat(problem.network, pool);
  seat.each_replica(count, [&](std::uint64_t r) {
    const double loss =
        loss_of_state(seat.team, problem, states + r * problem.network.parameter_count, seat.workspace());
    if (seat.team.leads()) losses[r] = loss;
  });
}

template <class Team>
__global__ void __launch_bounds__(threads_per_block<Team>, 1)
    gradient_kernel(ProblemView problem, const double* x, WorkspacePool pool, double* loss,
                    double* gradient) {
  const TeamSeat<Team, GradientWorkspace<Team>> seat(problem.network, pool);
  seat.each_replica(1, [&](std::uint64_t) {
    const double value = loss_and_gradient(seat.team, problem, x, seat.workspace());
    if (seat.team.leads()) *loss = value;
    seat.team.each(problem.network.parameter_count,
                   [&](std::size_t i) { gradient[i] = seat.workspace().gradient[i]; });
  });
}

template <class Team, class Workspace>
Arena measure_seat(const NetworkView& network, Arena arena) {
  arena.workers = Team::workers;
  arena.take<TeamMemory<Team, Workspace>>(1);
  return measure_workspace<Workspace>(network, arena);
}

template <class Team>
Arena measure_team_workspace(const NetworkView& network, WorkspaceUse use, Arena arena) {
  switch (use) {
    case WorkspaceUse::exact_metropolis:
      return measure_seat<Team, MetropolisWorkspace<Team>>(network, arena);
    case WorkspaceUse::screened_metropolis:
      return measure_seat<Team, ScreenedWorkspace<Team>>(network, arena);
    case WorkspaceUse::gradients:
      break;
  }
  return measure_seat<Team, GradientStepWorkspace<Team>>(network, arena);
}

template <class Team>
struct KernelOf {
  template <class RuleType>
  struct Of {
    static constexpr AdvanceKernel<RuleType> function = advance_kernel<Team, RuleType>;
  };
};

template <class Team>
const CudaKernels& kernels_of_team() {
  static constexpr CudaKernels kernels{
      .workers_per_team = Team::workers,
      .teams_per_block = teams_per_block<Team>,
      .advance = table_of<AdvanceKernel, KernelOf<Team>::template Of>(KernelRules{}),
      .losses = loss_kernel<Team>,
      .loss_and_gradient = gradient_kernel<Team>,
      .measure = measure_team_workspace<Team>};
  return kernels;
}

}  // namespace langevo
