#pragma once

#include <cuda_runtime_api.h>

namespace thrust::cuda {

struct Policy {
  cudaStream_t stream = nullptr;
  [[nodiscard]] Policy on(cudaStream_t other) const { return {other}; }
};
inline constexpr Policy par_nosync{};

}  // namespace thrust::cuda
