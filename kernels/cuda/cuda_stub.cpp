// Takes the place of the CUDA backend in a build without it.
#include "kernels/cuda/cuda_backend.hpp"
#include "langevo/error.hpp"

namespace langevo {

std::unique_ptr<Ensemble> make_cuda_ensemble(const Problem& /*problem*/, const Dynamics& /*dynamics*/,
                                             const EnsembleShape& /*shape*/,
                                             const BackendOptions& /*options*/) {
  throw InputError("--backend cuda: this langevo was built without the CUDA backend; use --backend cpu");
}

std::vector<DeviceInfo> list_cuda_devices() {
  DeviceInfo info;
  info.kind = BackendKind::cuda;
  info.name = "CUDA";
  info.why_not = "this langevo was built without the CUDA backend";
  return {info};
}

DeviceInfo try_cuda_device(DeviceInfo device) {
  return device;
}

}  // namespace langevo
