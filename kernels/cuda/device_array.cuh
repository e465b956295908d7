#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "langevo/error.hpp"

namespace langevo {

/// @throws RunError with what failed and CUDA's own words
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw RunError(std::string("CUDA could not ") + what + " (" + cudaGetErrorString(status) +
                 "); see `langevo devices`, or use --backend cpu");
}

/// Owns device memory for `size` values of T.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  explicit DeviceArray(std::size_t size) : size_(size) {
    if (size > 0) check_cuda(cudaMalloc(&data_, size * sizeof(T)), "allocate memory");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    copy_from(values.data(), values.size(), 0);
  }
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

  void copy_from(const T* host, std::size_t count, std::size_t offset) {
    check_cuda(cudaMemcpy(data_ + offset, host, count * sizeof(T), cudaMemcpyHostToDevice),
               "copy to the device");
  }
  void copy_to(T* host, std::size_t count, std::size_t offset) const {
    check_cuda(cudaMemcpy(host, data_ + offset, count * sizeof(T), cudaMemcpyDeviceToHost),
               "copy from the device");
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace langevo
