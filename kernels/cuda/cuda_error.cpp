#include "kernels/cuda/cuda_error.cuh"

#include <cstdlib>

namespace langevo {

namespace {

/// Errors after which nothing more can be done with the device in this process.
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
  switch (status) {
    case cudaErrorInsufficientDriver: {
      int driver = 0;
      int runtime = 0;
      cudaDriverGetVersion(&driver);
      cudaRuntimeGetVersion(&runtime);
      if (driver == 0) return "this machine has no NVIDIA driver";
      return "the NVIDIA driver is for CUDA " + version_in_words(driver) + " and this langevo needs " +
             version_in_words(runtime) + " (update the driver)";
    }
    case cudaSuccess:
    case cudaErrorNoDevice: {
      const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
      if (visible == nullptr) return "this machine has no NVIDIA device that this user may use";
      return std::string("CUDA_VISIBLE_DEVICES is '") + visible + "', which names no device of this machine";
    }
    case cudaErrorInitializationError:
      return "CUDA cannot start in a process that was forked from one that uses it (start a new program "
             "instead)";
    case cudaErrorOperatingSystem:
    case cudaErrorNotPermitted:
      return "the system does not let this user use the NVIDIA driver (its files are /dev/nvidia*)";
    case cudaErrorSystemDriverMismatch:
      return "the NVIDIA driver and the part of it in the kernel have different versions (restart the "
             "machine)";
    case cudaErrorSystemNotReady:
      return "the NVIDIA driver is not ready yet (are its services running?)";
    default:
      return std::string("CUDA does not start (") + cudaGetErrorString(status) + ")";
  }
}

std::string why_no_device(cudaError_t status, bool exclusive) {
  switch (status) {
    case cudaErrorDevicesUnavailable:
      return exclusive ? "it serves one process at a time and another one has it"
                       : "it is busy or out of order (see `nvidia-smi`)";
    case cudaErrorMemoryAllocation:
      return "other programs have all of its memory";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorInvalidPtx:
      return "this langevo has no code for it (build with -D CMAKE_CUDA_ARCHITECTURES=native)";
    case cudaErrorECCUncorrectable:
      return "its memory has errors that cannot be corrected (see `nvidia-smi`)";
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorInitializationError:
    case cudaErrorOperatingSystem:
    case cudaErrorNotPermitted:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorSystemNotReady:
      return why_no_cuda(status);
    default:
      return std::string("CUDA cannot take it (") + cudaGetErrorString(status) + ")";
  }
}

}  // namespace langevo
