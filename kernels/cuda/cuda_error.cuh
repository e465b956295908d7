#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "langevo/error.hpp"

namespace langevo {

/// Why CUDA could not `what`, and what to do, in one sentence.
std::string cuda_failure(cudaError_t status, const std::string& what);

/// Why CUDA cannot be used at all here (no driver, a driver that is too old, no device), as a clause.
std::string why_no_cuda(cudaError_t status);

/// Why a device cannot be used, likewise. `exclusive`: it serves one process at a time.
std::string why_no_device(cudaError_t status, bool exclusive);

/// @throws RunError with cuda_failure's sentence
inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw RunError(cuda_failure(status, what));
}

}  // namespace langevo
