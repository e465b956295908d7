#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/cuda/memory/cuda_ensemble.cuh"
#include "kernels/cuda/memory/device_problem.cuh"
#include "kernels/cuda/teams/launch_plan.hpp"
#include "langevo/ensemble.hpp"

namespace langevo {

/// What steps of an ensemble depend on, on the device.
struct DeviceDynamics {
  DeviceDynamics(const HostProblem& host, const Dynamics& dynamics, const EnsembleShape& ensemble)
      : problem(host),
        rule(kernel_rule(host.view(), dynamics.rule)),
        sigma(dynamics.sigma.data(), dynamics.sigma.size()),
        shape(ensemble) {}

  DeviceProblem problem;
  KernelRule rule;
  DeviceArray<double> sigma;  // [N]
  EnsembleShape shape;
};

/// How replicas whose states are on the device take steps and are evaluated. Work is enqueued on streams;
/// `slot` tells them apart.
class Executor {
 public:
  Executor() = default;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  virtual ~Executor() = default;

  /// Forgets what it learnt of replicas first .. first + count - 1.
  virtual void forget(std::uint64_t first, std::uint64_t count) = 0;

  /// What it learnt of all replicas, to and from [replicas * learnt_bytes_per_replica()] on the host;
  /// complete on return.
  [[nodiscard]] virtual std::size_t learnt_bytes_per_replica() const = 0;
  virtual void save_learnt(std::byte* bytes) const = 0;
  virtual void restore_learnt(const std::byte* bytes) = 0;

  /// What code it is: others learn other things.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Takes steps with one range of replicas; ranges come in order.
  virtual void advance_async(const CudaEnsemble::Visit& visit, std::uint64_t first_step,
                             std::uint64_t steps) = 0;

  /// After all ranges and streams are done: adds what these steps counted.
  /// @throws RunError where loss or gradient of a replica stopped being finite
  virtual void finish(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) = 0;

  /// U of states [count][N] into losses [count], all on the device.
  virtual void losses_async(const CudaStream& stream, std::size_t slot, const double* states,
                            std::uint64_t count, double* losses) = 0;

  /// U(x) and dU/dx likewise, on the first stream.
  virtual void gradient_async(const CudaStream& stream, const double* x, double* loss, double* gradient) = 0;
};

/// What teams keep of every replica's curvature.
struct KeptCurvature {
  bool learnt = false;         ///< a LearntCurvature,
  std::size_t directions = 0;  ///< and so many numbers of its directions
};

/// Which executor, and the device memory that it takes beside states and data.
struct ExecutorPlan {
  LaunchPlan teams;  ///< one team for each replica,
  KeptCurvature curvature;
  std::size_t slots;  ///< or whole layers of this many replicas at a time, where it is not 0
  std::uint64_t bytes;
};

/// `available`: device memory for everything.
ExecutorPlan plan_executor(const ProblemView& problem, const KernelRule& rule, std::uint64_t replicas,
                           int device, std::uint64_t available);

/// A team of threads works on each replica.
std::unique_ptr<Executor> make_team_executor(const DeviceDynamics& dynamics, const LaunchPlan& plan,
                                             const KeptCurvature& curvature, const ReplicaBatches& batches);

/// Whole layers of many replicas at a time.
std::unique_ptr<Executor> make_layered_executor(const DeviceDynamics& dynamics, const HostProblem& host,
                                                std::size_t slots);

/// Device memory that the latter takes.
std::uint64_t layered_executor_bytes(const ProblemView& problem, const KernelRule& rule, std::size_t slots);

}  // namespace langevo
