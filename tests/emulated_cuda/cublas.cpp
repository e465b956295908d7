// The functions of cuBLAS that langevo uses, by their definition; loaded as the library is, by name.
#include <cublas_v2.h>

#include "launch.hpp"

namespace {

struct Handle {
  cudaStream_t stream = nullptr;
};

template <class Real>
struct Matrices {
  const Real* data;
  cublasOperation_t operation;
  int leading;
  long long stride;

  [[nodiscard]] Real at(int member, int row, int column) const {
    const Real* const matrix = data + member * stride;
    return operation == CUBLAS_OP_N ? matrix[row + static_cast<long long>(column) * leading]
                                    : matrix[column + static_cast<long long>(row) * leading];
  }
};

/// C = alpha A B + beta C for every member; columns lie one after the other.
template <class Real>
cublasStatus_t multiply(cublasHandle_t handle, int rows, int columns, int inner, Real alpha,
                        const Matrices<Real>& a, const Matrices<Real>& b, Real beta, Real* c, int leading,
                        long long stride, int members) {
  if (rows <= 0 || columns <= 0 || inner <= 0 || members <= 0) return CUBLAS_STATUS_INVALID_VALUE;
  const auto elements = static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns);
  emulated_cuda::for_each_index(
      reinterpret_cast<Handle*>(handle)->stream, elements * static_cast<std::uint64_t>(members),
      [=](std::uint64_t index) {
        const auto member = static_cast<int>(index / elements);
        const auto column = static_cast<int>(index % elements / static_cast<std::uint64_t>(rows));
        const auto row = static_cast<int>(index % static_cast<std::uint64_t>(rows));
        Real sum = 0;
        for (int k = 0; k < inner; ++k) sum += a.at(member, row, k) * b.at(member, k, column);
        Real& out = c[member * stride + static_cast<long long>(column) * leading + row];
        out = alpha * sum + (beta == 0 ? 0 : beta * out);
      });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = reinterpret_cast<cublasHandle_t>(new Handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete reinterpret_cast<Handle*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  reinterpret_cast<Handle*>(handle)->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t /*handle*/, void* /*memory*/, std::size_t /*bytes*/) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t /*handle*/, cublasMath_t /*mode*/) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t of_a,
                                         cublasOperation_t of_b, int rows, int columns, int inner,
                                         const float* alpha, const float* a, int leading_a,
                                         long long stride_a, const float* b, int leading_b,
                                         long long stride_b, const float* beta, float* c, int leading_c,
                                         long long stride_c, int members) {
  return multiply<float>(handle, rows, columns, inner, *alpha, {a, of_a, leading_a, stride_a},
                         {b, of_b, leading_b, stride_b}, *beta, c, leading_c, stride_c, members);
}

cublasStatus_t cublasDgemmStridedBatched(cublasHandle_t handle, cublasOperation_t of_a,
                                         cublasOperation_t of_b, int rows, int columns, int inner,
                                         const double* alpha, const double* a, int leading_a,
                                         long long stride_a, const double* b, int leading_b,
                                         long long stride_b, const double* beta, double* c, int leading_c,
                                         long long stride_c, int members) {
  return multiply<double>(handle, rows, columns, inner, *alpha, {a, of_a, leading_a, stride_a},
                          {b, of_b, leading_b, stride_b}, *beta, c, leading_c, stride_c, members);
}

}  // extern "C"
