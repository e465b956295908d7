#include "device_random.hpp"

#include <curand_philox4x32_x.h>
#include <vector_functions.h>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/teams/cuda_team.cuh"
#include "kernels/random/normals.hpp"

namespace langevo {

namespace {

__global__ void draw_kernel(RandomSource source, std::uint32_t count, std::uint32_t* words,
                            std::uint32_t* curand_words, float* normals) {
  for (std::uint32_t b = threadIdx.x; b < count; b += blockDim.x) {
    const RandomWords own = source.block(b);
    const RandomWords counter = source.blocks(count, 1).counter({b, 0});
    const uint4 theirs = curand_Philox4x32_10(
        make_uint4(counter.word[0], counter.word[1], counter.word[2], counter.word[3]),
        make_uint2(static_cast<std::uint32_t>(source.seed), static_cast<std::uint32_t>(source.seed >> 32)));
    for (int w = 0; w < 4; ++w) words[4 * b + w] = own.word[w];
    curand_words[4 * b] = theirs.x;
    curand_words[4 * b + 1] = theirs.y;
    curand_words[4 * b + 2] = theirs.z;
    curand_words[4 * b + 3] = theirs.w;
  }
  draw_normals(WarpTeam{nullptr}, source, std::size_t{4} * count, normals);
}

template <class T>
std::vector<T> to_host(const DeviceArray<T>& device) {
  std::vector<T> host(device.size());
  check_cuda(cudaMemcpy(host.data(), device.data(), host.size() * sizeof(T), cudaMemcpyDeviceToHost),
             "copy from the device");
  return host;
}

}  // namespace

DeviceRandom draw_on_device(const DeviceRandomInput& input, std::uint32_t count) {
  const DeviceArray<std::uint32_t> words(std::size_t{4} * count, Filled::before_it_is_read);
  const DeviceArray<std::uint32_t> curand_words(std::size_t{4} * count, Filled::before_it_is_read);
  const DeviceArray<float> normals(std::size_t{4} * count, Filled::before_it_is_read);
  const RandomSource source{input.seed, input.step, static_cast<langevo::Stream>(input.stream),
                            input.replica};
  const CudaStream stream;
  launch_async(draw_kernel, 1, WarpTeam::lanes, 0, stream, source, count, words.data(), curand_words.data(),
               normals.data());
  stream.synchronize();
  return {to_host(words), to_host(curand_words), to_host(normals)};
}

}  // namespace langevo
