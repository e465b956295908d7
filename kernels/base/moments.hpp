#pragma once

#include "kernels/base/host_device.hpp"
#include "langevo/statistics.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Takes one more value in; `count` includes it (Welford, Technometrics 4, 419 (1962)).
LANGEVO_INLINE void add_to_moments(double value, double count, double& mean, double& sum_squared_deviations) {
  const double delta = value - mean;
  mean += delta * (1.0 / count);
  sum_squared_deviations += delta * (value - mean);
}

/// Joins two samples of `here` and `there` values (Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983), eq. 1.5).
LANGEVO_INLINE void merge_moments(double here, double& mean, double& sum_squared_deviations, double there,
                                  double mean_there, double sum_squared_deviations_there) {
  const double total = here + there;
  const double delta = mean_there - mean;
  mean += delta * (there / total);
  sum_squared_deviations += sum_squared_deviations_there + delta * delta * (here * there / total);
}

/// Consecutive replicas in chunks: each but the first begins where the global index is a multiple of
/// replicas_per_chunk. Replicas and chunks count from 0.
struct ReplicaChunks {
  std::uint64_t replicas;
  std::uint64_t first_replica;  ///< global index

  [[nodiscard]] LANGEVO_INLINE std::uint64_t size() const {
    return (missing() + replicas + replicas_per_chunk - 1) / replicas_per_chunk;
  }
  [[nodiscard]] LANGEVO_INLINE std::uint64_t first(std::uint64_t chunk) const {
    return chunk == 0 ? 0 : chunk * replicas_per_chunk - missing();
  }
  [[nodiscard]] LANGEVO_INLINE std::uint64_t count(std::uint64_t chunk) const {
    const std::uint64_t end = (chunk + 1) * replicas_per_chunk - missing();
    return (end < replicas ? end : replicas) - first(chunk);
  }
  /// Replicas of the first chunk that come before these.
  [[nodiscard]] LANGEVO_INLINE std::uint64_t missing() const { return first_replica % replicas_per_chunk; }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
