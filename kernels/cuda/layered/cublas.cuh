#pragma once

#include <cublas_v2.h>

#include <memory>
#include <string>

#include "kernels/cuda/memory/device_array.cuh"
#include "kernels/layered/batched_product.hpp"

namespace langevo {

/// Why cuBLAS could not `what`, and what to do, in one sentence.
std::string cublas_failure(cublasStatus_t status, const std::string& what);

/// @throws RunError with cublas_failure's sentence
void check_cublas(cublasStatus_t status, const char* what);

struct CublasFunctions;

/// The functions of cuBLAS, which is loaded when it is first needed: it is large, and few runs need it.
/// @throws RunError where it cannot be loaded
const CublasFunctions& cublas_functions();

/// A cuBLAS handle with working memory of its own, on one device.
class Cublas {
 public:
  static constexpr std::size_t memory_bytes = std::size_t{32} << 20;

  Cublas();

  /// out = left right, or out += left right, in the arithmetic of Real and nothing less.
  void multiply_async(const BatchedProduct<float>& product, std::size_t members,
                      const CudaStream& stream) const;
  void multiply_async(const BatchedProduct<double>& product, std::size_t members,
                      const CudaStream& stream) const;

 private:
  struct Destroy {
    void operator()(cublasContext* handle) const;
  };

  template <class Real, class Gemm>
  void multiply(Gemm gemm, const BatchedProduct<Real>& product, std::size_t members,
                const CudaStream& stream) const;

  DeviceArray<unsigned char> memory_;  ///< scratch: cuBLAS writes what it reads
  std::unique_ptr<cublasContext, Destroy> handle_;
};

}  // namespace langevo
