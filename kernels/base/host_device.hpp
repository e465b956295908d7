#pragma once

/// Everything in kernels/ is compiled once per instruction set and once for CUDA. Each compilation puts its
/// functions into an inline namespace of its own, so that the linker can never take one made for another
/// machine. What is LANGEVO_APART stays a function of its own on a GPU: it is called from loops that need the
/// registers and are seldom in it.
#ifndef LANGEVO_TARGET
#  define LANGEVO_TARGET generic
#endif

#ifdef __CUDACC__
#  define LANGEVO_FUNCTION __host__ __device__ inline
#  define LANGEVO_INLINE __host__ __device__ __forceinline__
#  define LANGEVO_APART __host__ __device__ __noinline__
#  define LANGEVO_BODY
#else
#  define LANGEVO_FUNCTION inline
#  define LANGEVO_INLINE inline __attribute__((always_inline))
#  define LANGEVO_APART inline
#  define LANGEVO_BODY __attribute__((always_inline))
#endif
