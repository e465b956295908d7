#include <algorithm>

#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/cuda_error.cuh"
#include "kernels/cuda/teams/cuda_kernels.hpp"

namespace langevo {

namespace {

cudaComputeMode mode_of(int index) {
  int mode = cudaComputeModeDefault;
  cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, index);
  return static_cast<cudaComputeMode>(mode);
}

/// Why a device cannot be used, as far as it can be seen without taking it; empty if nothing speaks against
/// it.
std::string seen_from_outside(const cudaDeviceProp& properties, int index) {
  if (properties.major * 10 + properties.minor < 75) return "its compute capability is below 7.5";
  if (mode_of(index) == cudaComputeModeProhibited) return "its compute mode is 'prohibited'";
  return "";
}

DeviceInfo describe(int index) {
  DeviceInfo info;
  info.kind = BackendKind::cuda;
  info.index = index;
  cudaDeviceProp properties{};
  const cudaError_t asked = cudaGetDeviceProperties(&properties, index);
  if (asked == cudaSuccess) {
    info.name = properties.name;
    info.memory_bytes = properties.totalGlobalMem;
    info.capability = std::to_string(properties.major) + "." + std::to_string(properties.minor);
    info.why_not = seen_from_outside(properties, index);
  } else {
    info.name = "CUDA";
    info.why_not = why_no_device(asked, false);
  }
  info.usable = info.why_not.empty();
  return info;
}

}  // namespace

std::vector<DeviceInfo> list_cuda_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  std::vector<DeviceInfo> devices;
  if (status != cudaSuccess || count == 0) {
    DeviceInfo none;
    none.kind = BackendKind::cuda;
    none.name = "CUDA";
    none.why_not = why_no_cuda(status);
    devices.push_back(none);
  }
  for (int index = 0; index < count; ++index) devices.push_back(describe(index));
  cudaGetLastError();
  return devices;
}

DeviceInfo try_cuda_device(DeviceInfo device) {
  if (!device.usable) return device;
  const bool exclusive = mode_of(device.index) == cudaComputeModeExclusiveProcess;
  cudaError_t status = cudaSetDevice(device.index);
  if (status == cudaSuccess) {
    cudaFuncAttributes attributes{};
    status = cudaFuncGetAttributes(&attributes,
                                   reinterpret_cast<const void*>(warp_kernels().advance.of(Metropolis{})));
  }
  cudaGetLastError();
  if (status != cudaSuccess) device.why_not = why_no_device(status, exclusive);
  device.usable = device.why_not.empty();
  return device;
}

}  // namespace langevo
