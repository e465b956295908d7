#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/memory/host_problem.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// One of the paper's nets with its data and the mutations of its figure, or one too wide for a GPU's memory
/// on chip.
struct PaperWorkload {
  const char* name;
  std::vector<int> widths;
  bool deep;
  double beta;
  double alpha;
  std::size_t points = deep ? 1001 : 1000;

  [[nodiscard]] Problem problem() const {
    return {Network(widths, Activation::tanh, deep),
            deep ? make_sin_symmetric(points) : make_sin_unit(points), Loss::mse};
  }
  /// Where the presets start.
  [[nodiscard]] std::vector<double> initial_state() const {
    const Network network = problem().network();
    return deep ? draw_initial_state(network, PytorchInit{}, 1, 0)
                : draw_initial_state(network, GaussianInit{}, 1, 0);
  }
  /// The state that normalized gradient descent (alpha = 1e-3, on the CPU) has reached at `time`.
  [[nodiscard]] std::vector<double> state_at(double time) const {
    const Problem net = problem();
    const std::size_t n = net.network().parameter_count();
    const auto path = make_ensemble(net, {NormalizedGradient{1e-3}, std::vector<double>(n, 1.0)}, {},
                                    {.kind = BackendKind::cpu});
    path->set_all_parameters(initial_state());
    path->advance(static_cast<std::uint64_t>(std::llround(1000 * time)));
    return path->parameters(0, 1);
  }
  [[nodiscard]] double sigma(double lambda) const { return sigma_from_lambda(lambda, alpha, beta); }
};

inline PaperWorkload shallow_workload() {
  return {"1,30,1", {1, 30, 1}, false, std::numeric_limits<double>::infinity(), 1e-5};
}
inline PaperWorkload wide_workload() {
  return {"1,256,1", {1, 256, 1}, false, 1e3, 1e-4};
}
inline PaperWorkload deep_workload() {
  return {"1,32x8,1",
          {1, 32, 32, 32, 32, 32, 32, 32, 32, 1},
          true,
          std::numeric_limits<double>::infinity(),
          1e-4};
}

/// "shallow", "wide" or "deep".
inline PaperWorkload workload_named(const std::string& name) {
  return name == "shallow" ? shallow_workload() : name == "wide" ? wide_workload() : deep_workload();
}

/// "exact", "screened" or "auto".
inline Acceptance acceptance_named(const std::string& name) {
  return name == "exact"      ? Acceptance::exact
         : name == "screened" ? Acceptance::screened
                              : Acceptance::automatic;
}

/// Multiply-adds of the affine maps: weights times points, those of the first layer counted `first` times,
/// the others `rest` times. A gradient takes (2, 3).
inline double affine_multiply_adds(const Problem& problem, double first, double rest) {
  double sum = 0;
  for (const Layer& layer : problem.network().layers()) {
    const double weights = static_cast<double>(layer.fan_in) * layer.fan_out;
    sum += weights * (&layer == &problem.network().layers().front() ? first : rest);
  }
  return sum * static_cast<double>(problem.data().points);
}

/// Those of an exact step on the CPU: of one forward pass where it pays, or of a change beside carried
/// values.
inline double exact_step_multiply_adds(const Problem& problem) {
  const Network& network = problem.network();
  const std::vector<Layer> layers(network.layers().begin(), network.layers().end());
  const NetworkView view = HostProblem::network_view(network, layers.data(), problem.data().points);
  return affine_multiply_adds(problem, 1, forward_passes_pay(view) ? 1 : 2);
}

inline PaperWorkload layered_workload() {
  return {"1,1024,1024,1", {1, 1024, 1024, 1}, true, 1e3, 1e-4};
}

/// What benchmarks run: what they are for, or as little of everything as still takes every path, for an
/// emulated device.
enum class Extent { full, tiny };

/// The same net with two tiles of points.
inline PaperWorkload with_extent(PaperWorkload workload, Extent extent) {
  if (extent == Extent::tiny) workload.points = 100;
  return workload;
}

/// The narrowest that still goes layer by layer, with tiny_layered_replicas.
inline PaperWorkload layered_workload(Extent extent) {
  if (extent == Extent::full) return layered_workload();
  return {"1,150,150,1", {1, 150, 150, 1}, true, 1e3, 1e-4};
}
inline constexpr std::uint64_t tiny_layered_replicas = 6;

}  // namespace langevo
