#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/host_problem.hpp"
#include "kernels/model/learnt_curvature.hpp"
#include "kernels/rules/kernel_rules.hpp"
#include "kernels/screened/replica_view.hpp"
#include "langevo/ensemble.hpp"

namespace langevo {

std::uint64_t estimate_memory(const Problem& problem, const Rule& rule, std::uint64_t replicas, int threads) {
  const Network& network = problem.network();
  const std::vector<Layer> layers(network.layers().begin(), network.layers().end());
  const std::size_t points = HostProblem::counted_points(problem.data());
  const NetworkView view = HostProblem::network_view(network, layers.data(), points);
  const bool screened = is_screened(kernel_rule({view, {}, {}, problem.loss()}, rule));
  const int columns = network.input_dim() + network.output_dim() + (problem.data().weights.empty() ? 0 : 1);
  const std::uint64_t data = HostProblem::padded_points(points) * static_cast<std::uint64_t>(columns) *
                             (sizeof(float) + sizeof(double));
  const std::size_t directions = screened ? directions_size(view) : 0;
  const auto thread_count = static_cast<std::uint64_t>(cpu_threads(threads));
  const std::uint64_t moments = thread_count * 4 * 2 * network.parameter_count() * sizeof(double);
  return replicas *
             ((network.parameter_count() + 1) * sizeof(double) + sizeof(FloatCalibration) +
              (screened ? sizeof(ScreeningState) + sizeof(DefectState) : 0) + directions * sizeof(float)) +
         data + moments + thread_count * choose_cpu_kernels("").workspace_bytes(view, nullptr);
}

}  // namespace langevo
