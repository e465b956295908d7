#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "kernels/cuda/cuda_error.cuh"

/// Owners of what CUDA hands out; move-only.
namespace langevo {

/// A handle that `Release` gives back.
template <class Handle, auto Release>
class CudaOwner {
 public:
  CudaOwner() = default;
  CudaOwner(CudaOwner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaOwner& operator=(CudaOwner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  CudaOwner(const CudaOwner&) = delete;
  CudaOwner& operator=(const CudaOwner&) = delete;
  ~CudaOwner() {
    if (handle_ != nullptr) Release(handle_);
  }
  [[nodiscard]] Handle get() const { return handle_; }
  [[nodiscard]] Handle* receive() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};

/// Work on a stream is done in order; different streams overlap.
class CudaStream {
 public:
  CudaStream() {
    check_cuda(cudaStreamCreateWithFlags(stream_.receive(), cudaStreamNonBlocking), "make a stream");
  }
  [[nodiscard]] cudaStream_t get() const { return stream_.get(); }
  void synchronize() const { check_cuda(cudaStreamSynchronize(get()), "finish its work"); }

 private:
  CudaOwner<cudaStream_t, cudaStreamDestroy> stream_;
};

/// A point in a stream that other streams can wait for.
class CudaEvent {
 public:
  CudaEvent() {
    check_cuda(cudaEventCreateWithFlags(event_.receive(), cudaEventDisableTiming), "make an event");
  }
  void record(const CudaStream& stream) const {
    check_cuda(cudaEventRecord(event_.get(), stream.get()), "mark its work");
  }
  void hold_back(const CudaStream& stream) const {
    check_cuda(cudaStreamWaitEvent(stream.get(), event_.get(), 0), "order its work");
  }
  void synchronize() const { check_cuda(cudaEventSynchronize(event_.get()), "finish its work"); }

 private:
  CudaOwner<cudaEvent_t, cudaEventDestroy> event_;
};

/// What new memory holds. Memory that nobody filled has what its last owner left there, which may be NaN, and
/// 0 times NaN is NaN: whoever leaves it so says who writes each value before it is read.
enum class Filled { with_zeros, before_it_is_read };

/// Device memory for `size` values of T.
template <class T>
class DeviceArray {
 public:
  DeviceArray() = default;
  /// Complete on return.
  DeviceArray(std::size_t size, Filled filled) : size_(size) {
    if (size == 0) return;
    check_cuda(cudaMalloc(reinterpret_cast<void**>(memory_.receive()), size * sizeof(T)),
               "allocate device memory");
    if (filled != Filled::with_zeros) return;
    check_cuda(cudaMemsetAsync(data(), 0, size * sizeof(T), nullptr), "clear device memory");
    check_cuda(cudaStreamSynchronize(nullptr), "clear device memory");
  }
  /// With the values of `host`; complete on return.
  DeviceArray(const T* host, std::size_t size) : DeviceArray(size, Filled::before_it_is_read) {
    check_cuda(cudaMemcpy(data(), host, size * sizeof(T), cudaMemcpyHostToDevice), "copy to the device");
    check_cuda(cudaStreamSynchronize(nullptr), "copy to the device");  // cudaMemcpy may return before its end
  }

  [[nodiscard]] T* data() const { return memory_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

  void set_to_zero_async(std::size_t first, std::size_t count, const CudaStream& stream) const {
    if (count == 0) return;
    check_cuda(cudaMemsetAsync(data() + first, 0, count * sizeof(T), stream.get()), "clear device memory");
  }

 private:
  CudaOwner<T*, cudaFree> memory_;
  std::size_t size_ = 0;
};

/// Host memory for `size` values of T that copies overlap with kernels from and to.
template <class T>
class PinnedArray {
 public:
  PinnedArray() = default;
  PinnedArray(std::size_t size, Filled filled) : size_(size) {
    if (size == 0) return;
    check_cuda(cudaMallocHost(reinterpret_cast<void**>(memory_.receive()), size * sizeof(T)),
               "allocate host memory for copies");
    if (filled == Filled::with_zeros) std::memset(static_cast<void*>(data()), 0, size * sizeof(T));
  }
  [[nodiscard]] T* data() const { return memory_.get(); }
  [[nodiscard]] T& operator[](std::size_t i) const { return data()[i]; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  CudaOwner<T*, cudaFreeHost> memory_;
  std::size_t size_ = 0;
};

template <class T>
void copy_to_device_async(const T* host, std::size_t count, T* device, const CudaStream& stream) {
  check_cuda(cudaMemcpyAsync(device, host, count * sizeof(T), cudaMemcpyHostToDevice, stream.get()),
             "copy to the device");
}

template <class T>
void copy_to_host_async(const T* device, std::size_t count, T* host, const CudaStream& stream) {
  check_cuda(cudaMemcpyAsync(host, device, count * sizeof(T), cudaMemcpyDeviceToHost, stream.get()),
             "copy from the device");
}

template <class T>
void copy_on_device_async(const T* from, std::size_t count, T* to, const CudaStream& stream) {
  check_cuda(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDeviceToDevice, stream.get()),
             "copy on the device");
}

}  // namespace langevo
