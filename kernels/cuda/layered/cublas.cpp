#include "kernels/cuda/layered/cublas.cuh"

#include <dlfcn.h>

namespace langevo {

/// Filled once; types are those of the header.
struct CublasFunctions {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasDestroy_v2) destroy;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasSetMathMode) set_math_mode;
  decltype(&cublasSgemmStridedBatched) sgemm;
  decltype(&cublasDgemmStridedBatched) dgemm;
};

namespace {

std::string name_of(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "it was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "a size is out of its range";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "it does not know the device";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "an error of its own";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "it is not supported";
    default:
      return "status " + std::to_string(static_cast<int>(status));
  }
}

void* load_library() {
  const std::string name = "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR);
  for (const std::string& path : {name, LANGEVO_CUBLAS_DIRECTORY "/" + name}) {
    if (void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
  }
  throw RunError("networks this wide need cuBLAS, but " + name +
                 " could not be loaded; install it beside the CUDA driver, or use --backend cpu");
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    throw RunError(std::string("the cuBLAS of this machine has no ") + name +
                   "; install that of the CUDA toolkit that langevo was built with, or use --backend cpu");
  }
}

CublasFunctions load() {
  void* const library = load_library();
  CublasFunctions functions{};
  find(library, "cublasCreate_v2", functions.create);
  find(library, "cublasDestroy_v2", functions.destroy);
  find(library, "cublasSetStream_v2", functions.set_stream);
  find(library, "cublasSetWorkspace_v2", functions.set_workspace);
  find(library, "cublasSetMathMode", functions.set_math_mode);
  find(library, "cublasSgemmStridedBatched", functions.sgemm);
  find(library, "cublasDgemmStridedBatched", functions.dgemm);
  return functions;
}

}  // namespace

std::string cublas_failure(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_ALLOC_FAILED) return cuda_failure(cudaErrorMemoryAllocation, what);
  if (status == CUBLAS_STATUS_EXECUTION_FAILED || status == CUBLAS_STATUS_MAPPING_ERROR)
    return cuda_failure(cudaErrorLaunchFailure, what);
  return "cuBLAS could not " + what + " (" + name_of(status) +
         "); see `langevo devices`, or use --backend cpu";
}

void check_cublas(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) throw RunError(cublas_failure(status, what));
}

const CublasFunctions& cublas_functions() {
  static const CublasFunctions functions = load();
  return functions;
}

void Cublas::Destroy::operator()(cublasContext* handle) const {
  cublas_functions().destroy(handle);
}

Cublas::Cublas() : memory_(memory_bytes, Filled::before_it_is_read) {
  const CublasFunctions& cublas = cublas_functions();
  cublasHandle_t handle = nullptr;
  check_cublas(cublas.create(&handle), "start");
  handle_.reset(handle);
  check_cublas(cublas.set_math_mode(handle, CUBLAS_PEDANTIC_MATH), "set its arithmetic");
}

/// Row-major matrices are column-major ones transposed: out^T = right^T left^T.
template <class Real, class Gemm>
void Cublas::multiply(Gemm gemm, const BatchedProduct<Real>& product, std::size_t members,
                      const CudaStream& stream) const {
  const CublasFunctions& cublas = cublas_functions();
  check_cublas(cublas.set_stream(handle_.get(), stream.get()), "take a stream");
  check_cublas(cublas.set_workspace(handle_.get(), memory_.data(), memory_bytes), "take its memory");
  const auto order = [](const BatchedMatrix<Real>& matrix) {
    return matrix.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  };
  const auto size = [](std::size_t n) { return static_cast<int>(n); };
  const auto distance = [](std::size_t n) { return static_cast<long long>(n); };
  const Real one = 1;
  const Real kept = product.add ? 1 : 0;
  check_cublas(gemm(handle_.get(), order(product.right), order(product.left), size(product.columns),
                    size(product.rows), size(product.inner), &one, product.right.data,
                    size(product.right.row), distance(product.right.member), product.left.data,
                    size(product.left.row), distance(product.left.member), &kept, product.out,
                    size(product.out_row), distance(product.out_member), size(members)),
               "multiply matrices");
}

void Cublas::multiply_async(const BatchedProduct<float>& product, std::size_t members,
                            const CudaStream& stream) const {
  multiply(cublas_functions().sgemm, product, members, stream);
}
void Cublas::multiply_async(const BatchedProduct<double>& product, std::size_t members,
                            const CudaStream& stream) const {
  multiply(cublas_functions().dgemm, product, members, stream);
}

}  // namespace langevo
