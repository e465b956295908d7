#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/leap_states.hpp"
#include "kernels/cpu/memory/learnt_use.hpp"
#include "langevo/ensemble.hpp"

namespace langevo {

std::uint64_t estimate_memory(const Problem& problem, const Dynamics& dynamics, std::uint64_t replicas,
                              int threads) {
  const Network& network = problem.network();
  const std::vector<Layer> layers(network.layers().begin(), network.layers().end());
  const std::size_t points = HostProblem::counted_points(problem.data());
  const NetworkView view = HostProblem::network_view(network, layers.data(), points);
  const KernelRule as_carried_out =
      kernel_rule({view, {}, {}, problem.loss()}, dynamics.rule, dynamics.gradient);
  const LearntStates::Use use = learnt_use(as_carried_out, view, is_screened(as_carried_out));
  const std::size_t of_leaps =
      LeapStates::bytes_per_replica(LeapStates::use_of(as_carried_out, network.parameter_count(), true));
  const int columns = network.input_dim() + network.output_dim() + (problem.data().weights.empty() ? 0 : 1);
  const std::uint64_t data = HostProblem::padded_points(points) * static_cast<std::uint64_t>(columns) *
                             (sizeof(float) + sizeof(double));
  const auto thread_count = static_cast<std::uint64_t>(cpu_threads(threads));
  const std::uint64_t moments = thread_count * 4 * 2 * network.parameter_count() * sizeof(double);
  return replicas * ((network.parameter_count() + 1) * sizeof(double) + LearntStates::bytes_per_replica(use) +
                     of_leaps) +
         data + moments + thread_count * choose_cpu_kernels("").workspace_bytes(view, nullptr);
}

}  // namespace langevo
