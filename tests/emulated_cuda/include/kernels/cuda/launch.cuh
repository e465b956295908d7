#pragma once

// Takes the place of the one file that launches.
#include <cstdint>
#include <type_traits>

#include "kernels/cuda/memory/device_array.cuh"
#include "tests/emulated_cuda/launch.hpp"

namespace langevo {

template <class... Parameters, class... Arguments>
void launch_async(void (*kernel)(Parameters...), std::uint64_t blocks, int threads, std::size_t on_chip_bytes,
                  const CudaStream& stream, const Arguments&... arguments) {
  static_assert((std::is_trivially_copyable_v<Arguments> && ...), "kernels take views by value");
  emulated_cuda::launch(reinterpret_cast<const void*>(kernel), blocks, threads, on_chip_bytes, stream.get(),
                        [=] { kernel(arguments...); });
  check_cuda(cudaGetLastError(), "start a kernel");
}

}  // namespace langevo
