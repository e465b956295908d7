#include "kernels/cuda/memory/device_moments.cuh"

#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#include "kernels/base/moments.hpp"

namespace langevo {

namespace {

template <class Body>
void for_each_index_async(std::uint64_t n, const Body& body, const CudaStream& stream) {
  thrust::for_each_n(thrust::cuda::par_nosync.on(stream.get()), thrust::counting_iterator<std::uint64_t>(0),
                     n, body);
  check_cuda(cudaGetLastError(), "start a reduction");
}

__host__ __device__ std::uint64_t chunks_of(std::uint64_t replicas) {
  return (replicas + replicas_per_chunk - 1) / replicas_per_chunk;
}

__host__ __device__ std::uint64_t replicas_in_chunk(std::uint64_t chunk, std::uint64_t replicas) {
  const std::uint64_t left = replicas - chunk * replicas_per_chunk;
  return left < replicas_per_chunk ? left : replicas_per_chunk;
}

/// Index k = (chunk, parameter): moments of one parameter over the replicas of one chunk, in order.
struct ChunkMoments {
  const double* states;
  std::size_t parameters;
  std::uint64_t replicas;
  double* mean;
  double* sum_squared_deviations;

  __device__ void operator()(std::uint64_t k) const {
    const std::uint64_t chunk = k / parameters;
    const double* x = states + chunk * replicas_per_chunk * parameters + k % parameters;
    const std::uint64_t count = replicas_in_chunk(chunk, replicas);
    double m = 0;
    double s = 0;
    for (std::uint64_t r = 0; r < count; ++r)
      add_to_moments(x[r * parameters], static_cast<double>(r + 1), m, s);
    mean[k] = m;
    sum_squared_deviations[k] = s;
  }
};

/// Index i: the chunks of one parameter in order, after what the total holds already.
struct MergeChunks {
  const double* mean;
  const double* sum_squared_deviations;
  std::size_t parameters;
  std::uint64_t replicas;
  std::uint64_t count;
  double* total_mean;
  double* total_sum_squared_deviations;

  __device__ void operator()(std::uint64_t i) const {
    double m = count == 0 ? 0 : total_mean[i];
    double s = count == 0 ? 0 : total_sum_squared_deviations[i];
    for (std::uint64_t chunk = 0; chunk < chunks_of(replicas); ++chunk) {
      merge_moments(static_cast<double>(count + chunk * replicas_per_chunk), m, s,
                    static_cast<double>(replicas_in_chunk(chunk, replicas)), mean[chunk * parameters + i],
                    sum_squared_deviations[chunk * parameters + i]);
    }
    total_mean[i] = m;
    total_sum_squared_deviations[i] = s;
  }
};

struct Broadcast {
  const double* x;
  std::size_t parameters;
  double* states;

  __device__ void operator()(std::uint64_t i) const { states[i] = x[i % parameters]; }
};

}  // namespace

DeviceMoments::DeviceMoments(std::size_t parameters, std::uint64_t largest_range)
    : parameters_(parameters),
      chunks_(2 * chunks_of(largest_range) * parameters, Filled::before_it_is_read),  // by ChunkMoments
      total_(2 * parameters, Filled::with_zeros) {}

void DeviceMoments::add_async(const double* states, std::uint64_t replicas, std::uint64_t count,
                              const CudaStream& stream) const {
  double* const mean = chunks_.data();
  double* const sum_squared_deviations = mean + chunks_of(replicas) * parameters_;
  for_each_index_async(chunks_of(replicas) * parameters_,
                       ChunkMoments{states, parameters_, replicas, mean, sum_squared_deviations}, stream);
  for_each_index_async(parameters_,
                       MergeChunks{mean, sum_squared_deviations, parameters_, replicas, count, total_.data(),
                                   total_.data() + parameters_},
                       stream);
}

void DeviceMoments::copy_async(double* host, const CudaStream& stream) const {
  copy_to_host_async(total_.data(), total_.size(), host, stream);
}

void broadcast_async(const double* x, std::size_t parameters, std::uint64_t replicas, double* states,
                     const CudaStream& stream) {
  for_each_index_async(replicas * parameters, Broadcast{x, parameters, states}, stream);
}

}  // namespace langevo
