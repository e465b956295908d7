#include <algorithm>

#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/cuda_error.cuh"
#include "kernels/cuda/cuda_kernels.hpp"

namespace langevo {

namespace {

/// Why a device cannot be used; empty if it can. Leaves it as the current device.
std::string why_not(const cudaDeviceProp& properties, int index) {
  if (properties.major * 10 + properties.minor < 75) return "its compute capability is below 7.5";
  int mode = cudaComputeModeDefault;
  cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, index);
  if (mode == cudaComputeModeProhibited) return "its compute mode is 'prohibited'";
  cudaError_t status = cudaSetDevice(index);
  cudaFuncAttributes attributes{};
  if (status == cudaSuccess) {
    status = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(warp_kernels().metropolis));
  }
  cudaGetLastError();  // what cannot be used here is not an error of anybody's
  return status == cudaSuccess ? "" : cuda_failure(status, "load its kernels");
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
    info.why_not = why_not(properties, index);
  } else {
    info.name = "CUDA";
    info.why_not = cudaGetErrorString(asked);
  }
  info.usable = info.why_not.empty();
  return info;
}

}  // namespace

std::vector<DeviceInfo> list_cuda_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    cudaGetLastError();
    DeviceInfo none;
    none.kind = BackendKind::cuda;
    none.name = "CUDA";
    none.why_not = why_no_cuda(status);
    return {none};
  }
  int current = 0;
  cudaGetDevice(&current);
  std::vector<DeviceInfo> devices;
  for (int index = 0; index < count; ++index) devices.push_back(describe(index));
  cudaSetDevice(current);
  return devices;
}

}  // namespace langevo
