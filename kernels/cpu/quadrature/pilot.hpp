#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/cpu_kernels.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "langevo/dynamics.hpp"

namespace langevo {

/// One problem with the best kernels of this machine, which give the bits of all others, for several threads.
class ProblemKernels {
 public:
  ProblemKernels(const Network& network, const Dataset& data, Loss loss, int threads);

  /// U(x), and dU/dx into `gradient`, [N].
  double loss_and_gradient(int thread, const double* x, double* gradient);
  /// U(x') - U(x) in double.
  LossChange loss_change(int thread, const double* x, const double* proposed);
  /// The loss of every point at x, [points].
  void losses_of_points(int thread, const double* x, double* losses);

  [[nodiscard]] ProblemView view() const { return problem_.view(); }
  [[nodiscard]] int threads() const { return static_cast<int>(memory_.size()); }

 private:
  const CpuKernels& kernels_;
  HostProblem problem_;
  std::vector<WorkspaceMemory> memory_;  // one per thread
};

/// A state that a run is expected to come near.
struct PilotState {
  std::vector<double> x;
  bool chooses;  ///< nodes are chosen by it, or else only checked
};

/// How pilot trajectories are made.
struct PilotPlan {
  double mutations;  ///< of the run
  std::uint64_t seed;
  std::uint64_t most_gradients;  ///< for each trajectory
  double noise = 1;              ///< that a replica has, in that of the Metropolis rule
};

/// States along pilot trajectories: the mean motion of the Metropolis rule, and the same with its noise, as
/// much of it as a replica has and half as much again. One long step stands for h mutations,
///   x_i += -h d sigma_i^2 g_i / |sigma.g| + sqrt(h v) sigma_i z_i,
/// with d, v = 1/sqrt(2 pi), 1/2 at beta = inf, min(beta |sigma.g| / 2, 1/sqrt(2 pi)), 1 else (Whitelam et
/// al. 2021, eqs. 8 and 17), and the drift is followed as by a heavy ball, so that it may be long.
/// `initial_states`: [count][N].
std::vector<PilotState> follow_pilots(ProblemKernels& problem, const Metropolis& rule,
                                      std::span<const double> sigma, std::span<const double> initial_states,
                                      const PilotPlan& plan);

/// Normal(0, 1) numbers of the stream `pilot`, [n]; `step` and `replica` tell them apart.
std::vector<float> pilot_normals(std::uint64_t seed, std::uint64_t step, std::uint32_t replica,
                                 std::size_t n);

}  // namespace langevo
