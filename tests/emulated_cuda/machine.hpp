#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <vector>

/// The machine that is emulated: what it has, and what is wrong with it.
namespace emulated_cuda {

/// A device, by default with the figures of an NVIDIA H100 (compute capability 9.0) but less memory.
struct Device {
  std::string name = "Emulated H100";
  int major = 9;
  int minor = 0;
  int multiprocessors = 132;
  std::size_t memory_bytes = std::size_t{4} << 30;
  std::size_t on_chip_bytes_per_multiprocessor = 233472;
  std::size_t on_chip_bytes_per_block = 232448;  ///< at the most, for those who ask for more than
  std::size_t on_chip_bytes_unasked = 49152;
  std::size_t on_chip_bytes_reserved_per_block = 1024;
  int registers_per_multiprocessor = 65536;
  int warps_per_multiprocessor = 64;
  int blocks_per_multiprocessor = 32;
  int registers_per_thread = 255;  ///< of every kernel: what the compiler may use at the most
  cudaComputeMode mode = cudaComputeModeDefault;
  cudaError_t when_taken = cudaSuccess;           ///< what cudaSetDevice says
  cudaError_t when_code_is_loaded = cudaSuccess;  ///< what the first look at a kernel says
  cudaError_t when_asked = cudaSuccess;           ///< what cudaGetDeviceProperties says
};

/// When streams do what they are told: at once; as late as they may, when somebody waits; or at some time
/// between.
enum class Streams { eager, late, random };

struct Machine {
  int driver_version = CUDART_VERSION;     ///< 0: there is no driver
  cudaError_t when_counted = cudaSuccess;  ///< what cudaGetDeviceCount says
  std::vector<Device> devices{1};
  Streams streams = Streams::eager;
  /// Kernels from this one on fail and leave their device lost; negative: none does.
  long launches_before_loss = -1;
  cudaError_t loss = cudaErrorLaunchFailure;

  bool sees_forks = true;  ///< a child of a process that used CUDA cannot use it

  int contexts = 0;          ///< made so far, each on one device
  std::size_t launches = 0;  ///< of kernels, done so far
};

/// Of this process. Environment variables choose its order of threads and its streams,
/// EMULATED_CUDA_ORDER=ascending| descending|random, EMULATED_CUDA_STREAMS=eager|late|random,
/// EMULATED_CUDA_SEED=n, and what is wrong with it,
/// EMULATED_CUDA_FAULT=old-driver|no-permission|taken|no-code|lost.
Machine& machine();

/// A new machine of the same kind, with nothing allocated and no context.
void reset_machine();

}  // namespace emulated_cuda
