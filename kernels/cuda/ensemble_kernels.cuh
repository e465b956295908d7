#pragma once

#include "kernels/advance.hpp"
#include "kernels/cuda/warp_team.cuh"
#include "kernels/moments.hpp"

/// The kernels: each warp takes one replica after the other, with a workspace of its own.
namespace langevo {

inline constexpr int warps_per_block = 4;

/// The scratch memory of all resident warps.
struct WorkspacePool {
  unsigned char* memory;
  std::size_t bytes_per_warp;

  __device__ static std::uint64_t warp() {
    return static_cast<std::uint64_t>(blockIdx.x) * warps_per_block + threadIdx.x / WarpTeam::lanes;
  }
  __device__ static std::uint64_t warps() { return static_cast<std::uint64_t>(gridDim.x) * warps_per_block; }
  [[nodiscard]] __device__ unsigned char* mine() const { return memory + warp() * bytes_per_warp; }
};

/// Where an ensemble lies on the device.
struct DeviceEnsembleView {
  ProblemView problem;
  const double* sigma;            ///< [N]
  double* state;                  ///< [replicas][N]
  RungCalibration* calibrations;  ///< [replicas]
  std::uint64_t replicas;
  std::uint64_t first_replica;
  std::uint64_t seed;
};

/// What a stretch of steps reports: totals, and the first replica that could not go on with the steps it
/// took.
struct StretchReport {
  StepCounters counters;
  unsigned long long failed_replica;
  std::uint64_t* steps_taken;  ///< [replicas]
};

__device__ inline void add_counters(StepCounters& total, const StepCounters& part) {
  static_assert(sizeof(StepCounters) % sizeof(unsigned long long) == 0);
  auto* to = reinterpret_cast<unsigned long long*>(&total);
  const auto* from = reinterpret_cast<const unsigned long long*>(&part);
  for (std::size_t i = 0; i < sizeof(StepCounters) / sizeof(unsigned long long); ++i)
    atomicAdd(to + i, from[i]);
}

template <class RuleType>
__global__ void __launch_bounds__(warps_per_block* WarpTeam::lanes)
    advance_kernel(DeviceEnsembleView ensemble, RuleType rule, std::uint64_t first_step, std::uint64_t steps,
                   WorkspacePool pool, StretchReport* report) {
  const WarpTeam team;
  auto work =
      carve_workspace<typename WorkspaceOf<WarpTeam, RuleType>::Type>(ensemble.problem.network, pool.mine());
  StepCounters counters;
  const std::size_t n = ensemble.problem.network.parameter_count;
  for (std::uint64_t r = pool.warp(); r < ensemble.replicas; r += pool.warps()) {
    const StepContext context{ensemble.problem, ensemble.sigma, ensemble.seed, first_step,
                              static_cast<std::uint32_t>(ensemble.first_replica + r)};
    const ReplicaView replica{ensemble.state + r * n, ensemble.calibrations + r};
    const std::uint64_t taken = advance_replica(team, context, rule, steps, replica, work, counters);
    if (team.leads() && taken < steps) {
      report->steps_taken[r] = taken;
      atomicMin(&report->failed_replica, static_cast<unsigned long long>(r));
    }
    team.synchronize();
  }
  if (team.leads()) add_counters(report->counters, counters);
}

/// U of states [count][N] into losses [count].
__global__ void __launch_bounds__(warps_per_block* WarpTeam::lanes)
    loss_kernel(ProblemView problem, const double* states, std::uint64_t count, WorkspacePool pool,
                double* losses) {
  const WarpTeam team;
  auto work = carve_workspace<GradientWorkspace<WarpTeam>>(problem.network, pool.mine());
  for (std::uint64_t r = pool.warp(); r < count; r += pool.warps()) {
    const double loss = loss_of_state(team, problem, states + r * problem.network.parameter_count, work);
    if (team.leads()) losses[r] = loss;
    team.synchronize();
  }
}

/// U(x) and its gradient, by one warp.
__global__ void gradient_kernel(ProblemView problem, const double* x, WorkspacePool pool, double* loss,
                                double* gradient) {
  const WarpTeam team;
  auto work = carve_workspace<GradientWorkspace<WarpTeam>>(problem.network, pool.mine());
  const double value = loss_and_gradient(team, problem, x, work);
  if (team.leads()) *loss = value;
  team.each(problem.network.parameter_count, [&](std::size_t i) { gradient[i] = work.gradient[i]; });
}

/// Every replica to the state x.
__global__ void broadcast_kernel(const double* x, std::size_t n, std::uint64_t replicas, double* state) {
  const std::uint64_t stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < replicas * n;
       i += stride) {
    state[i] = x[i % n];
  }
}

/// Moments of parameter i over the replicas of one chunk, in order; mean and sum_squared_deviations
/// [chunks][N].
__global__ void chunk_moments_kernel(const double* state, std::size_t n, std::uint64_t replicas, double* mean,
                                     double* sum_squared_deviations) {
  const std::uint64_t chunks = (replicas + replicas_per_chunk - 1) / replicas_per_chunk;
  const std::uint64_t stride = static_cast<std::uint64_t>(gridDim.x) * blockDim.x;
  for (std::uint64_t k = static_cast<std::uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x; k < chunks * n;
       k += stride) {
    const std::uint64_t first = k / n * replicas_per_chunk;
    const std::uint64_t last = first + replicas_per_chunk < replicas ? first + replicas_per_chunk : replicas;
    double m = 0;
    double s = 0;
    for (std::uint64_t r = first; r < last; ++r) {
      add_to_moments(state[r * n + k % n], static_cast<double>(r - first + 1), m, s);
    }
    mean[k] = m;
    sum_squared_deviations[k] = s;
  }
}

/// Joins the chunks of each parameter in order; the result takes the place of chunk 0.
__global__ void merge_chunks_kernel(std::size_t n, std::uint64_t replicas, double* mean,
                                    double* sum_squared_deviations) {
  const std::uint64_t chunks = (replicas + replicas_per_chunk - 1) / replicas_per_chunk;
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= n) return;
  double m = 0;
  double s = 0;
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::uint64_t before = chunk * replicas_per_chunk;
    const std::uint64_t here =
        replicas - before < replicas_per_chunk ? replicas - before : replicas_per_chunk;
    merge_moments(static_cast<double>(before), m, s, static_cast<double>(here), mean[chunk * n + i],
                  sum_squared_deviations[chunk * n + i]);
  }
  mean[i] = m;
  sum_squared_deviations[i] = s;
}

}  // namespace langevo
