#include "langevo/ensemble.hpp"

#include <algorithm>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {

namespace {

/// States after steps of a small ensemble that a local model and the exact test decide in turn.
std::vector<double> states_of_a_trial(const BackendOptions& options) {
  constexpr std::uint64_t replicas = 3;
  constexpr std::uint64_t steps = 200;
  const Problem problem(Network({1, 5, 1}, Activation::tanh, true), make_sin_unit(100), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  const Dynamics dynamics{Metropolis{.acceptance = Acceptance::screened}, std::vector<double>(n, 1e-4)};
  const auto ensemble = make_ensemble(problem, dynamics, {.replicas = replicas}, options);
  ensemble->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 1, 0));
  ensemble->advance(steps);
  return ensemble->parameters(0, replicas);
}

/// Why a device is not to be trusted with an ensemble, as a clause; empty where it does as the CPU does.
std::string why_not(const DeviceInfo& info) {
  const DeviceInfo device = try_cuda_device(info);
  if (!device.usable) return device.why_not;
  try {
    const BackendOptions there{.kind = BackendKind::cuda, .device = device.index};
    if (states_of_a_trial(there) == states_of_a_trial({.kind = BackendKind::cpu, .threads = 1})) return "";
    return "it does not decide as the CPU does";
  } catch (const std::exception& error) {
    return std::string("a trial on it failed: ") + error.what();
  }
}

}  // namespace

std::string why_not_on_cuda(const Dynamics& dynamics) {
  if (std::holds_alternative<Metropolis>(dynamics.rule)) return "";
  if (dynamics.gradient.steps == GradientSteps::followed)
    return "followed gradient steps are taken on the CPU only; give --gradient exact or --backend cpu";
  if (dynamics.gradient.precision == Precision::float32)
    return "gradients in float are found on the CPU only; give --precision double or --backend cpu";
  return "";
}

std::unique_ptr<Ensemble> make_ensemble(const Problem& problem, const Dynamics& dynamics,
                                        const EnsembleShape& shape, const BackendOptions& options) {
  check_ensemble(problem, dynamics, shape, options);
  const bool only_on_cpu = !why_not_on_cuda(dynamics).empty();
  const BackendChoice choice = only_on_cpu && options.kind == BackendKind::automatic
                                   ? BackendChoice{BackendKind::cpu, options.device}
                                   : choose_backend(options);
  if (choice.kind == BackendKind::cpu) return make_cpu_ensemble(problem, dynamics, shape, options);
  if (only_on_cpu) throw InputError(why_not_on_cuda(dynamics));
  BackendOptions chosen = options;
  chosen.device = choice.device;
  return make_cuda_ensemble(problem, dynamics, shape, chosen);
}

BackendChoice choose_backend(const BackendOptions& options) {
  if (options.kind != BackendKind::automatic) return {options.kind, options.device};
  std::vector<DeviceInfo> devices = list_cuda_devices();
  std::stable_sort(devices.begin(), devices.end(), [&](const DeviceInfo& a, const DeviceInfo& b) {
    return a.index == options.device && b.index != options.device;
  });
  BackendChoice choice{BackendKind::cpu, options.device};
  for (const DeviceInfo& device : devices) {
    const std::string reason = why_not(device);
    if (reason.empty()) return {BackendKind::cuda, device.index};
    if (!choice.why_not_cuda.empty()) choice.why_not_cuda += "; ";
    if (devices.size() > 1) choice.why_not_cuda += "device " + std::to_string(device.index) + ": ";
    choice.why_not_cuda += reason;
  }
  return choice;
}

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices = list_cpu_devices();
  const std::vector<DeviceInfo> cuda = list_cuda_devices();
  devices.insert(devices.end(), cuda.begin(), cuda.end());
  return devices;
}

std::string not_finite_message(std::uint64_t step, std::uint64_t replica) {
  return "the loss or its gradient stopped being finite at step " + std::to_string(step) + " in replica " +
         std::to_string(replica) +
         "; use a smaller --alpha, or check the data for values of very different size";
}

}  // namespace langevo
