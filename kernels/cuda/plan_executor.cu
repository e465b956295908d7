#include "kernels/cuda/executor.cuh"
#include "kernels/cuda/layered/layered_choice.hpp"
#include "kernels/model/learnt_curvature.hpp"

namespace langevo {

namespace {

/// What stays on the device for every replica where teams take the steps, learnt directions apart.
std::uint64_t team_bytes_per_replica(const NetworkView& network, const KernelRule& rule) {
  return sizeof(FloatCalibration) + (is_screened(rule) ? sizeof(ScreeningState) : 0) +
         (learns_curvature(network, rule) ? sizeof(LearntCurvature) : 0) + sizeof(std::uint64_t);
}

/// Numbers kept for each replica's learnt curvature: none where it takes more than `bytes`, a curvature saves
/// time but nothing depends on it.
std::size_t learnt_directions(const NetworkView& network, const KernelRule& rule, std::uint64_t replicas,
                              std::uint64_t bytes) {
  const std::size_t each = is_screened(rule) ? directions_size(network) : 0;
  return replicas * each * sizeof(float) <= bytes ? each : 0;
}

/// Whole layers are decided exactly; who asks for a local model gets one.
bool layers_can_serve(const KernelRule& rule) {
  const auto* screened = std::get_if<ScreenedMetropolis>(&rule);
  return screened == nullptr || screened->acceptance != Acceptance::screened;
}

/// Replicas at a time, 0: layers are not for this problem.
std::size_t layered_slots(const ProblemView& problem, const KernelRule& rule, std::uint64_t replicas,
                          int device, std::uint64_t bytes) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "ask for the device's properties");
  if (!layers_can_serve(rule)) return 0;
  const auto wide = [&](std::uint64_t at_a_time) {
    return whole_layers({at_a_time, problem.data_double.points, widest_weights(problem.network),
                         properties.sharedMemPerBlockOptin});
  };
  if (!wide(replicas)) return 0;
  const std::size_t slots = slots_that_fit(
      replicas, bytes, [&](std::size_t some) { return layered_executor_bytes(problem, rule, some); });
  return slots > 0 && wide(slots) ? slots : 0;
}

}  // namespace

ExecutorPlan plan_executor(const ProblemView& problem, const KernelRule& rule, std::uint64_t replicas,
                           int device, std::uint64_t available) {
  if (const std::size_t slots = layered_slots(problem, rule, replicas, device, available / 2))
    return {{}, {}, slots, layered_executor_bytes(problem, rule, slots)};
  const LaunchPlan teams = plan_launch(problem, rule, replicas, device, available / 8);
  const std::size_t directions = learnt_directions(problem.network, rule, replicas, available / 4);
  return {teams,
          {learns_curvature(problem.network, rule), directions},
          0,
          2 * teams.workspace_bytes() +
              replicas * (team_bytes_per_replica(problem.network, rule) + directions * sizeof(float))};
}

}  // namespace langevo
