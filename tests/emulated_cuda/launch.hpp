#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace emulated_cuda {

/// kernel<<<blocks, threads, on_chip_bytes, stream>>>, where body() calls it with its arguments. Errors of
/// the launch are those of cudaGetLastError.
void launch(const void* kernel, std::uint64_t blocks, int threads, std::size_t on_chip_bytes,
            cudaStream_t stream, std::function<void()> body);

/// body(index) for every index below `count`, as work of the stream; in order, so that races between indices
/// are not seen.
void for_each_index(cudaStream_t stream, std::uint64_t count, std::function<void(std::uint64_t)> body);

}  // namespace emulated_cuda
