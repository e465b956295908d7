#pragma once

// What nvcc's language has and C++ has not, for CUDA code that a C++ compiler is given: included before
// everything else (-include). Memory on chip is the one array that kernels declare, `extern __shared__
// unsigned char on_chip[]`; static __shared__ variables would be every thread's own.
#if __has_include(<cuda_runtime_api.h>)
#  include <cuda_runtime_api.h>
#endif

#include <cstdint>

#include "thread_block.hpp"

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __align__
#undef __forceinline__
#undef __launch_bounds__
#undef __grid_constant__
#define __global__
#define __device__
#define __host__
#define __shared__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx emulated_cuda::here.thread
#define blockIdx emulated_cuda::here.block
#define blockDim emulated_cuda::here.block_size
#define gridDim emulated_cuda::here.grid_size

#define EMULATED_CUDA_INLINE inline __attribute__((always_inline))

EMULATED_CUDA_INLINE void __syncwarp(unsigned mask = 0xffffffffu) {
  emulated_cuda::synchronize_warp(mask);
}
EMULATED_CUDA_INLINE void __syncthreads() {
  emulated_cuda::synchronize_block();
}
EMULATED_CUDA_INLINE double __shfl_xor_sync(unsigned mask, double value, int lane_mask) {
  return __builtin_bit_cast(
      double, emulated_cuda::exchange_xor(mask, __builtin_bit_cast(std::uint64_t, value), lane_mask));
}
EMULATED_CUDA_INLINE float __shfl_xor_sync(unsigned mask, float value, int lane_mask) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(emulated_cuda::exchange_xor(
                                       mask, __builtin_bit_cast(std::uint32_t, value), lane_mask)));
}
EMULATED_CUDA_INLINE double __shfl_sync(unsigned mask, double value, int lane) {
  return __builtin_bit_cast(double,
                            emulated_cuda::exchange(mask, __builtin_bit_cast(std::uint64_t, value), lane));
}
EMULATED_CUDA_INLINE int __shfl_sync(unsigned mask, int value, int lane) {
  return static_cast<int>(emulated_cuda::exchange(mask, static_cast<std::uint32_t>(value), lane));
}
EMULATED_CUDA_INLINE unsigned __ballot_sync(unsigned mask, int value) {
  return emulated_cuda::ballot(mask, value != 0);
}
EMULATED_CUDA_INLINE int __ffs(int value) {
  return __builtin_ffs(value);
}
EMULATED_CUDA_INLINE int __any_sync(unsigned mask, int value) {
  return emulated_cuda::any(mask, value != 0) ? 1 : 0;
}

inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
inline unsigned long long atomicMin(unsigned long long* at, unsigned long long value) {
  unsigned long long old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (value < old &&
         !__atomic_compare_exchange_n(at, &old, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

#undef EMULATED_CUDA_INLINE
