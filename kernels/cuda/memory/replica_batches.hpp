#pragma once

#include <algorithm>
#include <cstdint>

#include "langevo/statistics.hpp"

namespace langevo {

/// Replicas first .. first + count - 1 of an ensemble.
struct ReplicaRange {
  std::uint64_t first;
  std::uint64_t count;
};

/// An ensemble cut into consecutive ranges that go to the device one after the other. Every range but the
/// last is a multiple of replicas_per_chunk, so that reductions keep their chunks and their order.
class ReplicaBatches {
 public:
  /// In one piece where that fits into `bytes`; else as few and as even pieces as let two lie there at the
  /// same time, one being worked on while the other is copied. size() is 0 where not even two chunks fit.
  static ReplicaBatches fit(std::uint64_t replicas, std::uint64_t bytes_per_replica, std::uint64_t bytes) {
    const std::uint64_t room = bytes / bytes_per_replica;
    if (replicas <= room) return {replicas, replicas};
    const std::uint64_t most = room / 2 / replicas_per_chunk * replicas_per_chunk;
    if (most == 0) return {replicas, 0};
    const std::uint64_t pieces = divide_up(replicas, most);
    return {replicas, divide_up(divide_up(replicas, pieces), replicas_per_chunk) * replicas_per_chunk};
  }

  [[nodiscard]] std::uint64_t size() const { return largest_ == 0 ? 0 : divide_up(replicas_, largest_); }

  /// Replicas of the largest range.
  [[nodiscard]] std::uint64_t largest() const { return largest_; }

  [[nodiscard]] ReplicaRange operator[](std::uint64_t batch) const {
    const std::uint64_t first = batch * largest_;
    return {first, std::min(largest_, replicas_ - first)};
  }

 private:
  ReplicaBatches(std::uint64_t replicas, std::uint64_t largest) : replicas_(replicas), largest_(largest) {}

  static std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

  std::uint64_t replicas_;
  std::uint64_t largest_;
};

}  // namespace langevo
