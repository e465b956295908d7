// What a user reads where CUDA fails.
#include <gtest/gtest.h>

#include "kernels/cuda/cuda_error.cuh"
#include "kernels/cuda/layered/cublas.cuh"

namespace langevo {
namespace {

void expect_part(const std::string& sentence, const char* part) {
  EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
}

TEST(CudaError, SaysWhatFailedWhyAndWhatToDo) {
  const std::string memory = cuda_failure(cudaErrorMemoryAllocation, "allocate device memory");
  expect_part(memory, "ran out of memory where langevo tried to allocate device memory");
  expect_part(memory, "fewer --replicas");
  expect_part(cuda_failure(cudaErrorNoKernelImageForDevice, "load its kernels"), "CMAKE_CUDA_ARCHITECTURES");
  expect_part(cuda_failure(cudaErrorInvalidValue, "copy to the device"), "could not copy to the device");
}

TEST(CudaError, ALostDeviceLeavesWhatWasWritten) {
  for (const cudaError_t status : {cudaErrorIllegalAddress, cudaErrorLaunchFailure, cudaErrorECCUncorrectable,
                                   cudaErrorLaunchTimeout, cudaErrorUnknown}) {
    const std::string sentence = cuda_failure(status, "finish its work");
    expect_part(sentence, "was lost");
    expect_part(sentence, "stays readable");
  }
}

TEST(CudaError, NoDriverAndNoDevice) {
  expect_part(why_no_cuda(cudaErrorInsufficientDriver), "driver");
  expect_part(why_no_cuda(cudaErrorNoDevice), "no NVIDIA device");
}

TEST(CublasError, ReadsLikeTheOthers) {
  expect_part(cublas_failure(CUBLAS_STATUS_ALLOC_FAILED, "start"), "fewer --replicas");
  expect_part(cublas_failure(CUBLAS_STATUS_EXECUTION_FAILED, "multiply matrices"), "was lost");
  expect_part(cublas_failure(CUBLAS_STATUS_NOT_SUPPORTED, "multiply matrices"),
              "cuBLAS could not multiply matrices (it is not supported)");
  expect_part(cublas_failure(CUBLAS_STATUS_LICENSE_ERROR, "start"), "--backend cpu");
  EXPECT_NO_THROW(check_cublas(CUBLAS_STATUS_SUCCESS, "start"));
  EXPECT_THROW(check_cublas(CUBLAS_STATUS_INTERNAL_ERROR, "start"), RunError);
}

TEST(CublasError, EveryFunctionIsFound) {
  try {
    cublas_functions();
  } catch (const RunError& error) {
    expect_part(error.what(), "could not be loaded");
    GTEST_SKIP() << error.what();
  }
}

TEST(CudaError, SuccessIsNoError) {
  EXPECT_NO_THROW(check_cuda(cudaSuccess, "do nothing"));
  EXPECT_THROW(check_cuda(cudaErrorUnknown, "do nothing"), RunError);
}

}  // namespace
}  // namespace langevo
