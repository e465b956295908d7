#pragma once

#include <cstdint>
#include <vector>

#include "kernels/base/moments.hpp"
#include "kernels/cuda/memory/device_array.cuh"
#include "langevo/statistics.hpp"

namespace langevo {

/// Moments of every parameter over replicas that come in consecutive ranges: each chunk of
/// replicas_per_chunk in order, then the chunks in order, as on the CPU; equal bits however the ranges are
/// cut.
class DeviceMoments {
 public:
  /// `chunks`: of the whole ensemble.
  DeviceMoments(std::size_t parameters, const ReplicaChunks& chunks, std::uint64_t largest_range);

  /// Device memory that an object takes for each replica of its largest range.
  static std::uint64_t bytes_per_replica(std::size_t parameters) {
    return 2 * parameters * sizeof(double) / replicas_per_chunk + 1;
  }

  /// Takes `replicas` more states [replicas][N] in, in the order of `stream`; all ranges but the last end
  /// with a chunk. `count` is how many were taken in before.
  void add_async(const double* states, std::uint64_t replicas, std::uint64_t count,
                 const CudaStream& stream) const;

  /// Moments of the chunks of such a range, which then end the list. Complete on return.
  void append_chunks(const double* states, std::uint64_t replicas, std::uint64_t count,
                     const CudaStream& stream, std::vector<Moments>& moments) const;

  /// [N] on the device, of all that was taken in.
  [[nodiscard]] const double* mean() const { return total_.data(); }

  /// mean [N] and then sum_squared_deviations [N] to pinned memory.
  void copy_async(double* host, const CudaStream& stream) const;

 private:
  /// Adds a range that begins behind `count` replicas.
  [[nodiscard]] ReplicaChunks chunks_of(std::uint64_t replicas, std::uint64_t count) const;

  /// Means and sums of squared deviations of its chunks into chunks_, [chunks][N] each.
  void reduce_async(const double* states, const ReplicaChunks& chunks, const CudaStream& stream) const;

  std::size_t parameters_;
  std::uint64_t first_replica_;
  DeviceArray<double> chunks_;  ///< [2][chunks of a range][N]: means, sums of squared deviations
  DeviceArray<double> total_;   ///< [2][N]
};

/// Every one of `replicas` states [replicas][N] becomes x [N].
void broadcast_async(const double* x, std::size_t parameters, std::uint64_t replicas, double* states,
                     const CudaStream& stream);

}  // namespace langevo
