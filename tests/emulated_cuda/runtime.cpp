// The functions of the CUDA runtime that langevo uses, for an emulated machine.
#include <cuda_runtime_api.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "device_memory.hpp"
#include "launch.hpp"
#include "machine.hpp"
#include "streams.hpp"
#include "thread_block.hpp"

namespace emulated_cuda {

namespace {

/// What the runtime knows besides the machine.
struct Runtime {
  std::recursive_mutex mutex;  ///< one call at a time
  std::set<int> with_context;  ///< devices
  pid_t process = 0;           ///< that made the first context
  cudaError_t last = cudaSuccess;
  cudaError_t lost = cudaSuccess;            ///< what every call says since a device was lost
  std::map<const void*, int> on_chip_limit;  ///< of kernels that asked for more
  Stream default_stream;
};

Runtime& runtime() {
  static auto* const one = new Runtime;  // outlives streams that others destroy at exit
  return *one;
}

thread_local int current_device = 0;

/// Remembers an error for cudaGetLastError, as the runtime does.
cudaError_t report(cudaError_t status) {
  if (status != cudaSuccess) runtime().last = status;
  return status;
}

const Device& device() {
  return machine().devices[static_cast<std::size_t>(current_device)];
}

/// Why nothing can be done with CUDA here at all.
cudaError_t start() {
  if (machine().driver_version < CUDART_VERSION / 1000 * 1000) return cudaErrorInsufficientDriver;
  if (machine().when_counted != cudaSuccess) return machine().when_counted;
  if (machine().devices.empty()) return cudaErrorNoDevice;
  if (machine().sees_forks && runtime().process != 0 && runtime().process != getpid())
    return cudaErrorInitializationError;
  return runtime().lost;
}

/// Makes a context on the current device, if there is none yet.
cudaError_t use_device() {
  if (const cudaError_t status = start(); status != cudaSuccess) return status;
  if (runtime().with_context.count(current_device) > 0) return cudaSuccess;
  if (device().mode == cudaComputeModeProhibited) return cudaErrorDevicesUnavailable;
  if (device().when_taken != cudaSuccess) return device().when_taken;
  runtime().with_context.insert(current_device);
  runtime().process = getpid();
  ++machine().contexts;
  return cudaSuccess;
}

/// One call of the runtime.
template <class Body>
cudaError_t call(const Body& body) {
  const std::lock_guard lock(runtime().mutex);
  return report(body());
}

/// One call that needs a device.
template <class Body>
cudaError_t call_on_device(const Body& body) {
  return call([&] {
    const cudaError_t status = use_device();
    return status == cudaSuccess ? body() : status;
  });
}

Stream& stream_of(cudaStream_t stream) {
  if (stream == nullptr) return runtime().default_stream;
  auto* const known = reinterpret_cast<Stream*>(stream);
  if (Stream::all().count(known) == 0) fail("a stream is used that does not exist");
  return *known;
}

struct EventHandle {
  std::shared_ptr<Mark> mark = std::make_shared<Mark>();
};

EventHandle& event_of(cudaEvent_t event) {
  return *reinterpret_cast<EventHandle*>(event);
}

void expect_device_memory(const void* begin, std::size_t bytes, const char* what) {
  if (bytes > 0 && !is_allocated(MemoryKind::device, begin, bytes))
    fail(std::string(what) + " of " + std::to_string(bytes) +
         " bytes is not within device memory that is allocated");
}

void expect_host_memory(const void* begin, const char* what) {
  if (is_allocated(MemoryKind::device, begin, 1))
    fail(std::string(what) + " is device memory, not the host's");
}

std::function<void()> copy(void* to, const void* from, std::size_t bytes) {
  return [=] {
    const OpenDeviceMemory open;
    std::memcpy(to, from, bytes);
  };
}

/// Copies from and to memory that is not pinned: the runtime takes it in before it returns, and returns when
/// it is complete.
cudaError_t copy_async(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Stream& stream) {
  if (bytes == 0) return cudaSuccess;
  if (kind == cudaMemcpyHostToDevice) {
    expect_device_memory(to, bytes, "the end of a copy");
    expect_host_memory(from, "the source of a copy to the device");
    if (is_allocated(MemoryKind::pinned, from, bytes)) {
      stream.submit(copy(to, from, bytes));
    } else {
      auto staged = std::make_shared<std::string>(static_cast<const char*>(from),
                                                  static_cast<const char*>(from) + bytes);
      stream.submit([to, bytes, staged = std::move(staged)] { copy(to, staged->data(), bytes)(); });
    }
  } else if (kind == cudaMemcpyDeviceToHost) {
    expect_device_memory(from, bytes, "the source of a copy");
    expect_host_memory(to, "the end of a copy to the host");
    stream.submit(copy(to, from, bytes));
    if (!is_allocated(MemoryKind::pinned, to, bytes)) stream.drain();
  } else if (kind == cudaMemcpyDeviceToDevice) {
    expect_device_memory(to, bytes, "the end of a copy");
    expect_device_memory(from, bytes, "the source of a copy");
    stream.submit(copy(to, from, bytes));
  } else {
    fail("a kind of copy that is not emulated");
  }
  return cudaSuccess;
}

int resident_blocks(const Device& card, int threads, std::size_t on_chip_bytes) {
  const int warps = (threads + warp_size - 1) / warp_size;
  const int registers_per_warp = (card.registers_per_thread + 7) / 8 * 8 * warp_size;
  const auto on_chip = (on_chip_bytes + card.on_chip_bytes_reserved_per_block + 127) / 128 * 128;
  return std::min({card.registers_per_multiprocessor / registers_per_warp / warps,
                   static_cast<int>(card.on_chip_bytes_per_multiprocessor / on_chip),
                   card.warps_per_multiprocessor / warps, card.blocks_per_multiprocessor});
}

/// Whether the device is there to run one more kernel.
bool starts_kernel() {
  if (runtime().lost != cudaSuccess) return false;
  Machine& here = machine();
  if (here.launches_before_loss == 0) {
    runtime().lost = here.loss;
    return false;
  }
  if (here.launches_before_loss > 0) --here.launches_before_loss;
  ++here.launches;
  return true;
}

void run_kernel(unsigned blocks, int threads, std::size_t on_chip_bytes, const std::function<void()>& body) {
  if (!starts_kernel()) return;
  const OpenDeviceMemory open;
  bool ran = false;
  run_grid(blocks, threads, body, [&] {
    if (ran) check_on_chip_memory(on_chip_bytes);
    ran = true;
    renew_on_chip_memory(on_chip_bytes);
  });
  check_on_chip_memory(on_chip_bytes);
}

Order order_of(const char* name) {
  if (name == nullptr || std::strcmp(name, "ascending") == 0) return Order::ascending;
  if (std::strcmp(name, "descending") == 0) return Order::descending;
  if (std::strcmp(name, "random") == 0) return Order::random;
  fail(std::string("EMULATED_CUDA_ORDER is '") + name + "'; give ascending, descending or random");
}

Streams streams_of(const char* name) {
  if (name == nullptr || std::strcmp(name, "eager") == 0) return Streams::eager;
  if (std::strcmp(name, "late") == 0) return Streams::late;
  if (std::strcmp(name, "random") == 0) return Streams::random;
  fail(std::string("EMULATED_CUDA_STREAMS is '") + name + "'; give eager, late or random");
}

/// What users report most, by name.
void break_machine(Machine& one, const std::string& fault) {
  if (fault == "old-driver") {
    one.driver_version = 12040;
  } else if (fault == "no-permission") {
    one.when_counted = cudaErrorOperatingSystem;
  } else if (fault == "taken") {
    one.devices[0].mode = cudaComputeModeExclusiveProcess;
    one.devices[0].when_taken = cudaErrorDevicesUnavailable;
  } else if (fault == "no-code") {
    one.devices[0].when_code_is_loaded = cudaErrorNoKernelImageForDevice;
  } else if (fault == "lost") {
    one.launches_before_loss = 20;
  } else {
    fail("EMULATED_CUDA_FAULT is '" + fault + "'; give old-driver, no-permission, taken, no-code or lost");
  }
}

Machine machine_of_environment() {
  const char* const seed = std::getenv("EMULATED_CUDA_SEED");
  set_order(order_of(std::getenv("EMULATED_CUDA_ORDER")),
            seed == nullptr ? 1 : static_cast<unsigned>(std::atoi(seed)));
  Machine one;
  one.streams = streams_of(std::getenv("EMULATED_CUDA_STREAMS"));
  if (const char* const fault = std::getenv("EMULATED_CUDA_FAULT")) break_machine(one, fault);
  return one;
}

}  // namespace

Machine& machine() {
  static auto* const one = new Machine(machine_of_environment());
  return *one;
}

void reset_machine() {
  Stream::drain_all();
  if (allocated_bytes() > 0) fail("device memory is still allocated");
  machine() = machine_of_environment();
  Runtime& state = runtime();
  current_device = 0;
  state.with_context.clear();
  state.process = 0;
  state.last = state.lost = cudaSuccess;
  state.on_chip_limit.clear();
}

void launch(const void* kernel, std::uint64_t blocks, int threads, std::size_t on_chip_bytes,
            cudaStream_t stream, std::function<void()> body) {
  call_on_device([&] {
    if (device().when_code_is_loaded != cudaSuccess) return device().when_code_is_loaded;
    const auto asked = runtime().on_chip_limit.find(kernel);
    const std::size_t limit = asked == runtime().on_chip_limit.end()
                                  ? device().on_chip_bytes_unasked
                                  : static_cast<std::size_t>(asked->second);
    if (blocks == 0 || blocks > 0x7fffffffu || threads <= 0 || threads > 1024)
      return cudaErrorInvalidConfiguration;
    if (on_chip_bytes > limit) return cudaErrorInvalidValue;
    if (resident_blocks(device(), threads, on_chip_bytes) == 0) return cudaErrorLaunchOutOfResources;
    stream_of(stream).submit([=, body = std::move(body)] {
      run_kernel(static_cast<unsigned>(blocks), threads, on_chip_bytes, body);
    });
    return cudaSuccess;
  });
}

void for_each_index(cudaStream_t stream, std::uint64_t count, std::function<void(std::uint64_t)> body) {
  if (count == 0) return;
  call_on_device([&] {
    stream_of(stream).submit([=, body = std::move(body)] {
      if (!starts_kernel()) return;
      const OpenDeviceMemory open;
      for (std::uint64_t i = 0; i < count; ++i) body(order() == Order::descending ? count - 1 - i : i);
    });
    return cudaSuccess;
  });
}

}  // namespace emulated_cuda

using namespace emulated_cuda;

extern "C" {

cudaError_t cudaGetLastError() {
  return std::exchange(runtime().last, runtime().lost);
}

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInitializationError:
      return "initialization error";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorDevicesUnavailable:
      return "CUDA-capable device(s) is/are busy or unavailable";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorOperatingSystem:
      return "OS call failed or operation not supported on this OS";
    case cudaErrorSystemDriverMismatch:
      return "system has unsupported display driver / cuda driver combination";
    case cudaErrorECCUncorrectable:
      return "uncorrectable ECC error encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    default:
      return "unknown error";
  }
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = machine().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&]() -> cudaError_t {
    const cudaError_t status = start();
    *count = status == cudaSuccess ? static_cast<int>(machine().devices.size()) : 0;
    return status;
  });
}

cudaError_t cudaGetDevice(int* index) {
  return call([&]() -> cudaError_t {
    *index = current_device;
    return start();
  });
}

cudaError_t cudaSetDevice(int index) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t status = start(); status != cudaSuccess) return status;
    if (index < 0 || index >= static_cast<int>(machine().devices.size())) return cudaErrorInvalidDevice;
    const int before = std::exchange(current_device, index);
    const cudaError_t status = use_device();
    if (status != cudaSuccess) current_device = before;
    return status;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int index) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t status = start(); status != cudaSuccess) return status;
    const Device& card = machine().devices.at(static_cast<std::size_t>(index));
    switch (attribute) {
      case cudaDevAttrComputeMode:
        *value = card.mode;
        return cudaSuccess;
      case cudaDevAttrMultiProcessorCount:
        *value = card.multiprocessors;
        return cudaSuccess;
      default:
        fail("a device attribute that is not emulated");
    }
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  return call([&]() -> cudaError_t {
    if (const cudaError_t status = start(); status != cudaSuccess) return status;
    if (index < 0 || index >= static_cast<int>(machine().devices.size())) return cudaErrorInvalidDevice;
    const Device& card = machine().devices[static_cast<std::size_t>(index)];
    if (card.when_asked != cudaSuccess) return card.when_asked;
    *properties = {};
    card.name.copy(properties->name, sizeof(properties->name) - 1);
    properties->major = card.major;
    properties->minor = card.minor;
    properties->multiProcessorCount = card.multiprocessors;
    properties->totalGlobalMem = card.memory_bytes;
    properties->sharedMemPerBlock = card.on_chip_bytes_unasked;
    properties->sharedMemPerBlockOptin = card.on_chip_bytes_per_block;
    properties->sharedMemPerMultiprocessor = card.on_chip_bytes_per_multiprocessor;
    properties->reservedSharedMemPerBlock = card.on_chip_bytes_reserved_per_block;
    properties->regsPerMultiprocessor = card.registers_per_multiprocessor;
    properties->maxThreadsPerMultiProcessor = card.warps_per_multiprocessor * warp_size;
    properties->maxThreadsPerBlock = 1024;
    properties->warpSize = warp_size;
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  return call_on_device([&]() -> cudaError_t {
    *total_bytes = device().memory_bytes;
    *free_bytes = device().memory_bytes - std::min(device().memory_bytes, allocated_bytes());
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* /*kernel*/) {
  return call_on_device([&]() -> cudaError_t {
    if (device().when_code_is_loaded != cudaSuccess) return device().when_code_is_loaded;
    *attributes = {};
    attributes->numRegs = device().registers_per_thread;
    attributes->maxThreadsPerBlock = 1024;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call_on_device([&]() -> cudaError_t {
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize)
      fail("a function attribute that is not emulated");
    if (value < 0 || static_cast<std::size_t>(value) > device().on_chip_bytes_per_block)
      return cudaErrorInvalidValue;
    runtime().on_chip_limit[kernel] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* /*kernel*/, int threads,
                                                          std::size_t on_chip_bytes) {
  return call_on_device([&]() -> cudaError_t {
    *blocks = resident_blocks(device(), threads, on_chip_bytes);
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return call_on_device([&]() -> cudaError_t {
    *memory = allocate(MemoryKind::device, bytes, device().memory_bytes);
    return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

// Work that waits is not waited for, though a device may do so: nobody is promised that.
cudaError_t cudaFree(void* memory) {
  return call([&]() -> cudaError_t {
    if (memory != nullptr && !release(MemoryKind::device, memory))
      fail("cudaFree is given what is not device memory, or was freed before");
    return start();
  });
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return call_on_device([&]() -> cudaError_t {
    *memory = allocate(MemoryKind::pinned, bytes, 0);
    return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
  });
}

cudaError_t cudaFreeHost(void* memory) {
  return call([&]() -> cudaError_t {
    if (memory != nullptr && !release(MemoryKind::pinned, memory))
      fail("cudaFreeHost is given what is not pinned memory, or was freed before");
    return start();
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  return call_on_device([&]() -> cudaError_t {
    *stream = reinterpret_cast<cudaStream_t>(new Stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call([&]() -> cudaError_t {
    delete &stream_of(stream);
    return start();
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call_on_device([&]() -> cudaError_t {
    stream_of(stream).drain();
    return runtime().lost;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
  return call_on_device([&]() -> cudaError_t {
    *event = reinterpret_cast<cudaEvent_t>(new EventHandle);
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return call([&]() -> cudaError_t {
    delete &event_of(event);
    return start();
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return call_on_device([&]() -> cudaError_t {
    event_of(event).mark = std::make_shared<Mark>();
    stream_of(stream).submit_mark(event_of(event).mark);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  return call_on_device([&]() -> cudaError_t {
    stream_of(stream).submit_wait(event_of(event).mark);
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return call_on_device([&]() -> cudaError_t {
    wait_for(*event_of(event).mark);
    return runtime().lost;
  });
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return call_on_device([&]() -> cudaError_t {
    expect_device_memory(memory, bytes, "what is to be set");
    stream_of(stream).submit([=] {
      const OpenDeviceMemory open;
      std::memset(memory, value, bytes);
    });
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return call_on_device(
      [&]() -> cudaError_t { return copy_async(to, from, bytes, kind, stream_of(stream)); });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return call_on_device([&]() -> cudaError_t {
    const cudaError_t status = copy_async(to, from, bytes, kind, runtime().default_stream);
    runtime().default_stream.drain();
    return status != cudaSuccess ? status : runtime().lost;
  });
}

}  // extern "C"
