// The emulated device itself: kernels that keep the rules do what they should, and every rule that is broken
// ends the program with its sentence.
#include <gtest/gtest.h>

#include <numeric>

#include "kernels/cuda/launch.cuh"
#include "machine.hpp"

namespace langevo {

/// Sums of warps through shuffles, of the block through memory on chip.
__global__ static void sum_of_block(double* out) {
  extern __shared__ __align__(64) unsigned char on_chip[];
  auto* const sums = reinterpret_cast<double*>(on_chip);
  double value = threadIdx.x + 1000.0 * blockIdx.x;
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  double total = 0;
  for (unsigned warp = 0; warp < blockDim.x / 32; ++warp) total += sums[warp];
  out[blockIdx.x * blockDim.x + threadIdx.x] = total;
}

__global__ static void vote(int* out) {
  const int first = __any_sync(0xffffffffu, threadIdx.x == 17 ? 1 : 0);
  const int second = __any_sync(0xffffffffu, threadIdx.x == 32 ? 1 : 0);
  out[threadIdx.x] = 2 * first + second;
}

__global__ static void lanes_part(double* out) {
  if (threadIdx.x % 32 < 7) {
    __syncwarp();
  } else {
    out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0, 1);
  }
}

__global__ static void lanes_come_by_different_ways(double* out) {
  if (threadIdx.x % 32 < 7) {
    __syncwarp();
    out[0] = 1;
  } else {
    __syncwarp();
    out[1] = 1;
  }
}

__global__ static void a_lane_ends() {
  if (threadIdx.x == 5) return;
  __syncwarp();
}

__global__ static void a_warp_ends() {
  if (threadIdx.x >= 32) __syncthreads();
}

__global__ static void warps_wait_at_different_places(double* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
    out[0] = 1;
  } else {
    __syncthreads();
    out[1] = 1;
  }
}
__global__ static void part_of_a_warp_waits_for_the_block() {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncwarp();
  }
}

__global__ static void write_to(double* out, std::size_t index) {
  if (threadIdx.x == 0) out[index] = 1;
}

__global__ static void write_on_chip(std::size_t byte) {
  extern __shared__ __align__(64) unsigned char on_chip[];
  if (threadIdx.x == 0) on_chip[byte] = 1;
}

__global__ static void copy_from_on_chip(double* out) {
  extern __shared__ __align__(64) unsigned char on_chip[];
  auto* const values = reinterpret_cast<double*>(on_chip);
  if (threadIdx.x == 0) {
    out[blockIdx.x] = values[0];
    values[0] = 1;
  }
}

namespace {

using emulated_cuda::Order;
using emulated_cuda::Streams;

class EmulatedCuda : public testing::Test {
 protected:
  void SetUp() override {
    emulated_cuda::reset_machine();
    emulated_cuda::machine().sees_forks = false;  // tests of a program's end are forks
  }
  void TearDown() override { emulated_cuda::reset_machine(); }

  std::vector<double> values(const double* device, std::size_t count) {
    std::vector<double> host(count);
    copy_to_host_async(device, count, host.data(), stream_);
    stream_.synchronize();
    return host;
  }

  template <class Kernel, class... Arguments>
  void run(Kernel kernel, std::uint64_t blocks, int threads, std::size_t bytes,
           const Arguments&... arguments) {
    launch_async(kernel, blocks, threads, bytes, stream_, arguments...);
    stream_.synchronize();
  }

  CudaStream stream_;
};

TEST_F(EmulatedCuda, ThreadsMeetInEveryOrder) {
  for (const Order order : {Order::ascending, Order::descending, Order::random}) {
    emulated_cuda::set_order(order, 3);
    const DeviceArray<double> out(3 * 96, Filled::before_it_is_read);
    run(sum_of_block, 3, 96, 3 * sizeof(double), out.data());
    const std::vector<double> found = values(out.data(), out.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(found[i], 95.0 * 96 / 2 + 96000.0 * static_cast<double>(i / 96));
  }
  emulated_cuda::set_order(Order::ascending);
}

TEST_F(EmulatedCuda, VotesCountEveryLane) {
  const DeviceArray<int> out(32, Filled::before_it_is_read);
  run(vote, 1, 32, 0, out.data());
  std::vector<int> host(32);
  copy_to_host_async(out.data(), 32, host.data(), stream_);
  stream_.synchronize();
  EXPECT_EQ(host, std::vector<int>(32, 2));
}

TEST_F(EmulatedCuda, CollectivesThatDoNotMatchEndTheProgram) {
  const DeviceArray<double> out(64, Filled::before_it_is_read);
  EXPECT_DEATH(run(lanes_part, 1, 32, 0, out.data()), "lanes of a warp are at different collectives");
  EXPECT_DEATH(run(lanes_come_by_different_ways, 1, 32, 0, out.data()), "by different ways");
  EXPECT_DEATH(run(a_lane_ends, 1, 32, 0), "a lane of a warp has ended");
  EXPECT_DEATH(run(a_warp_ends, 1, 64, 0), "nobody can leave");
  EXPECT_DEATH(run(warps_wait_at_different_places, 1, 64, 0, out.data()),
               "come to __syncthreads by different ways");
  EXPECT_DEATH(run(part_of_a_warp_waits_for_the_block, 1, 32, 0), "different collectives");
}

TEST_F(EmulatedCuda, NobodyTouchesWhatIsNotHis) {
  DeviceArray<double> out(33, Filled::before_it_is_read);
  EXPECT_DEATH(run(write_to, 1, 32, 0, out.data(), std::size_t{33}),
               "wrote beyond device memory of 264 bytes");
  EXPECT_DEATH(run(write_to, 1, 32, 0, out.data(), std::size_t{70}),
               "went beyond, device memory of 264 bytes");
  EXPECT_DEATH(out.data()[0] = 1, "the host touched device memory");
  EXPECT_DEATH(run(write_on_chip, 1, 32, 640, std::size_t{640}), "wrote beyond its memory on chip");
  EXPECT_DEATH(run(write_on_chip, 1, 32, 640, std::size_t{8192}), "went beyond its memory on chip");
  double* const freed = out.data();
  out = DeviceArray<double>();
  EXPECT_DEATH(run(write_to, 1, 32, 0, freed, std::size_t{0}), "freed memory");
  EXPECT_DEATH(cudaFree(freed), "freed before");
  std::vector<double> host(40);
  const DeviceArray<double> other(33, Filled::before_it_is_read);
  EXPECT_DEATH(copy_to_host_async(other.data(), 40, host.data(), stream_), "not within device memory");
}

TEST_F(EmulatedCuda, MemoryBeginsAsNaNs) {
  const DeviceArray<double> out(3, Filled::before_it_is_read);
  for (const double value : values(out.data(), 3)) EXPECT_TRUE(std::isnan(value));
  const PinnedArray<float> pinned(3, Filled::before_it_is_read);
  EXPECT_TRUE(std::isnan(pinned[2]));
}

TEST_F(EmulatedCuda, MemoryOnChipIsNewForEveryBlock) {
  const DeviceArray<double> out(2, Filled::before_it_is_read);
  run(copy_from_on_chip, 2, 32, 64, out.data());
  for (const double value : values(out.data(), 2)) EXPECT_TRUE(std::isnan(value));
}

TEST_F(EmulatedCuda, LaunchesHaveTheLimitsOfACard) {
  const DeviceArray<double> out(1, Filled::before_it_is_read);
  const auto fails = [&](std::uint64_t blocks, int threads, std::size_t bytes) {
    try {
      run(write_to, blocks, threads, bytes, out.data(), std::size_t{0});
    } catch (const RunError&) {
      return true;
    }
    return false;
  };
  EXPECT_FALSE(fails(1, 256, 49152));
  EXPECT_TRUE(fails(1, 256, 49153)) << "nobody has asked for more";
  EXPECT_TRUE(fails(1, 288, 0)) << "255 registers a thread are too many";
  EXPECT_TRUE(fails(0, 32, 0));
  EXPECT_TRUE(fails(std::uint64_t{1} << 31, 32, 0));
  const void* const kernel = reinterpret_cast<const void*>(write_to);
  EXPECT_EQ(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 232449),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 232448), cudaSuccess);
  cudaGetLastError();
  EXPECT_FALSE(fails(1, 256, 232448));
  int blocks = 0;
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, 64, 0);
  EXPECT_EQ(blocks, 4);
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, 64, 76000);
  EXPECT_EQ(blocks, 3);
}

TEST_F(EmulatedCuda, StreamsThatAreNotOrderedMayBeLate) {
  for (const Streams streams : {Streams::eager, Streams::late, Streams::random}) {
    emulated_cuda::machine().streams = streams;
    const CudaStream other;
    const CudaEvent written;
    const DeviceArray<double> out(1, Filled::before_it_is_read);
    const PinnedArray<double> host(2, Filled::before_it_is_read);
    launch_async(write_to, 1, 32, 0, stream_, out.data(), std::size_t{0});
    written.record(stream_);
    copy_to_host_async(out.data(), 1, &host[0], other);
    other.synchronize();
    if (streams == Streams::late) {
      EXPECT_TRUE(std::isnan(host[0])) << "nothing has asked for the other stream";
    }
    written.hold_back(other);
    copy_to_host_async(out.data(), 1, &host[1], other);
    other.synchronize();
    EXPECT_EQ(host[1], 1);
    stream_.synchronize();
  }
}

TEST_F(EmulatedCuda, ALostDeviceStaysLost) {
  const DeviceArray<double> out(1, Filled::before_it_is_read);
  emulated_cuda::machine().launches_before_loss = 1;
  run(write_to, 1, 32, 0, out.data(), std::size_t{0});
  EXPECT_THROW(run(write_to, 1, 32, 0, out.data(), std::size_t{0}), RunError);
  EXPECT_THROW(DeviceArray<double>(1, Filled::before_it_is_read), RunError);
  EXPECT_THROW(stream_.synchronize(), RunError);
}

TEST_F(EmulatedCuda, MemoryRunsOut) {
  emulated_cuda::machine().devices[0].memory_bytes = 1000;
  const DeviceArray<unsigned char> some(900, Filled::before_it_is_read);
  EXPECT_THROW(DeviceArray<unsigned char>(101, Filled::before_it_is_read), RunError);
  EXPECT_NO_THROW(DeviceArray<unsigned char>(100, Filled::before_it_is_read));
}

}  // namespace
}  // namespace langevo
