#include "langevo/backend.hpp"

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cuda/cuda_backend.hpp"

namespace langevo {

std::unique_ptr<Backend> make_backend(const Problem& problem, const Dynamics& dynamics,
                                      const EnsembleShape& shape, const BackendOptions& options) {
  if (choose_backend(options.kind) == BackendKind::cuda)
    return make_cuda_backend(problem, dynamics, shape, options);
  return make_cpu_backend(problem, dynamics, shape, options);
}

BackendKind choose_backend(BackendKind kind) {
  return kind == BackendKind::automatic ? BackendKind::cpu : kind;
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
