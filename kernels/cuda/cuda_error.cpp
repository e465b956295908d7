#include "kernels/cuda/cuda_error.cuh"

namespace langevo {

namespace {

/// After these nothing more can be done with the device in this process.
bool device_is_lost(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorDevicesUnavailable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

std::string version_in_words(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace

std::string cuda_failure(cudaError_t status, const std::string& what) {
  const std::string words = std::string(" (") + cudaGetErrorString(status) + ")";
  if (status == cudaErrorMemoryAllocation) {
    return "the CUDA device or the host ran out of memory where langevo tried to " + what + words +
           "; end other programs that use it, give fewer --replicas, or use --backend cpu";
  }
  if (device_is_lost(status)) {
    return "the CUDA device was lost where langevo tried to " + what + words +
           "; what has been written stays readable: look at `nvidia-smi` and start the run again";
  }
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorUnsupportedPtxVersion ||
      status == cudaErrorInvalidPtx) {
    return "this langevo has no code for the CUDA device" + words +
           "; build it with -D CMAKE_CUDA_ARCHITECTURES=native, or use --backend cpu";
  }
  return "CUDA could not " + what + words + "; see `langevo devices`, or use --backend cpu";
}

std::string why_no_cuda(cudaError_t status) {
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    int runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0) return "this machine has no NVIDIA driver";
    return "the NVIDIA driver is for CUDA " + version_in_words(driver) + ", this langevo needs " +
           version_in_words(runtime) + ": update the driver";
  }
  if (status == cudaSuccess || status == cudaErrorNoDevice) return "this machine has no NVIDIA device";
  return cudaGetErrorString(status);
}

}  // namespace langevo
