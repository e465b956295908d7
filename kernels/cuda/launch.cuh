#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/memory/device_array.cuh"

namespace langevo {

/// The one place that launches.
template <class... Parameters, class... Arguments>
void launch_async(void (*kernel)(Parameters...), std::uint64_t blocks, int threads, std::size_t on_chip_bytes,
                  const CudaStream& stream, const Arguments&... arguments) {
  static_assert((std::is_trivially_copyable_v<Arguments> && ...), "kernels take views by value");
  kernel<<<static_cast<unsigned>(blocks), threads, on_chip_bytes, stream.get()>>>(arguments...);
  check_cuda(cudaGetLastError(), "start a kernel");
}

}  // namespace langevo
