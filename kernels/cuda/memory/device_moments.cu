#include "kernels/cuda/memory/device_moments.cuh"

#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#include <algorithm>
#include "kernels/base/moments.hpp"

namespace langevo {

namespace {

template <class Body>
void for_each_index_async(std::uint64_t n, const Body& body, const CudaStream& stream) {
  thrust::for_each_n(thrust::cuda::par_nosync.on(stream.get()), thrust::counting_iterator<std::uint64_t>(0),
                     n, body);
  check_cuda(cudaGetLastError(), "start a reduction");
}

/// Index k = (chunk, parameter): moments of one parameter over the replicas of one chunk, in order.
struct ChunkMoments {
  const double* states;
  std::size_t parameters;
  ReplicaChunks chunks;
  double* mean;
  double* sum_squared_deviations;

  __device__ void operator()(std::uint64_t k) const {
    const std::uint64_t chunk = k / parameters;
    const double* x = states + chunks.first(chunk) * parameters + k % parameters;
    const std::uint64_t count = chunks.count(chunk);
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
  ReplicaChunks chunks;
  std::uint64_t count;
  double* total_mean;
  double* total_sum_squared_deviations;

  __device__ void operator()(std::uint64_t i) const {
    double m = count == 0 ? 0 : total_mean[i];
    double s = count == 0 ? 0 : total_sum_squared_deviations[i];
    for (std::uint64_t chunk = 0; chunk < chunks.size(); ++chunk) {
      merge_moments(static_cast<double>(count + chunks.first(chunk)), m, s,
                    static_cast<double>(chunks.count(chunk)), mean[chunk * parameters + i],
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

DeviceMoments::DeviceMoments(std::size_t parameters, const ReplicaChunks& chunks, std::uint64_t largest_range)
    : parameters_(parameters),
      first_replica_(chunks.first_replica),
      chunks_(2 * chunks_of(largest_range, 0).size() * parameters,
              Filled::before_it_is_read),  // by ChunkMoments
      total_(2 * parameters, Filled::with_zeros) {}

ReplicaChunks DeviceMoments::chunks_of(std::uint64_t replicas, std::uint64_t count) const {
  return {replicas, first_replica_ + count};
}

void DeviceMoments::reduce_async(const double* states, const ReplicaChunks& chunks,
                                 const CudaStream& stream) const {
  const std::uint64_t values = chunks.size() * parameters_;
  for_each_index_async(
      values, ChunkMoments{states, parameters_, chunks, chunks_.data(), chunks_.data() + values}, stream);
}

void DeviceMoments::add_async(const double* states, std::uint64_t replicas, std::uint64_t count,
                              const CudaStream& stream) const {
  const ReplicaChunks chunks = chunks_of(replicas, count);
  reduce_async(states, chunks, stream);
  for_each_index_async(parameters_,
                       MergeChunks{chunks_.data(), chunks_.data() + chunks.size() * parameters_, parameters_,
                                   chunks, count, total_.data(), total_.data() + parameters_},
                       stream);
}

void DeviceMoments::append_chunks(const double* states, std::uint64_t replicas, std::uint64_t count,
                                  const CudaStream& stream, std::vector<Moments>& moments) const {
  const ReplicaChunks chunks = chunks_of(replicas, count);
  reduce_async(states, chunks, stream);
  std::vector<double> values(2 * chunks.size() * parameters_);
  copy_to_host_async(chunks_.data(), values.size(), values.data(), stream);
  stream.synchronize();
  const double* mean = values.data();
  const double* sum_squared_deviations = mean + chunks.size() * parameters_;
  for (std::uint64_t chunk = 0; chunk < chunks.size(); ++chunk) {
    Moments& of_chunk = moments.emplace_back(parameters_);
    of_chunk.count = chunks.count(chunk);
    std::copy_n(mean + chunk * parameters_, parameters_, of_chunk.mean.begin());
    std::copy_n(sum_squared_deviations + chunk * parameters_, parameters_,
                of_chunk.sum_squared_deviations.begin());
  }
}

void DeviceMoments::copy_async(double* host, const CudaStream& stream) const {
  copy_to_host_async(total_.data(), total_.size(), host, stream);
}

void broadcast_async(const double* x, std::size_t parameters, std::uint64_t replicas, double* states,
                     const CudaStream& stream) {
  for_each_index_async(replicas * parameters, Broadcast{x, parameters, states}, stream);
}

}  // namespace langevo
