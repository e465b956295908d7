#include "langevo/backend.hpp"

#include <algorithm>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cuda/cuda_backend.hpp"

namespace langevo {

std::unique_ptr<Backend> make_backend(const Problem& problem, const Dynamics& dynamics,
                                      const EnsembleShape& shape, const BackendOptions& options) {
  BackendKind kind = options.kind;
  if (kind == BackendKind::automatic) {
    const std::vector<DeviceInfo> devices = list_cuda_devices();
    const bool cuda =
        std::any_of(devices.begin(), devices.end(), [](const DeviceInfo& device) { return device.usable; });
    kind = cuda ? BackendKind::cuda : BackendKind::cpu;
  }
  if (kind == BackendKind::cuda) return make_cuda_backend(problem, dynamics, shape, options);
  return make_cpu_backend(problem, dynamics, shape, options);
}

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices = list_cpu_devices();
  const std::vector<DeviceInfo> cuda = list_cuda_devices();
  devices.insert(devices.end(), cuda.begin(), cuda.end());
  return devices;
}

}  // namespace langevo
