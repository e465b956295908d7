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
/// last ends where the next global index is a multiple of replicas_per_chunk, so that reductions keep their
/// chunks and their order.
class ReplicaBatches {
 public:
  /// Cuts the replicas into one piece where that fits into `bytes`; else as few and as even pieces as let two
  /// lie there at the same time, one being worked on while the other is copied. size() is 0 where not even
  /// two chunks fit. `first_replica`: global index.
  static ReplicaBatches fit(std::uint64_t replicas, std::uint64_t bytes_per_replica, std::uint64_t bytes,
                            std::uint64_t first_replica = 0) {
    const std::uint64_t room = bytes / bytes_per_replica;
    const std::uint64_t missing = first_replica % replicas_per_chunk;
    const std::uint64_t whole = missing + replicas;
    if (replicas <= room) return {replicas, missing, whole};
    const std::uint64_t most = room / 2 / replicas_per_chunk * replicas_per_chunk;
    if (most == 0) return {replicas, missing, 0};
    const std::uint64_t pieces = divide_up(whole, most);
    return {replicas, missing, divide_up(divide_up(whole, pieces), replicas_per_chunk) * replicas_per_chunk};
  }

  [[nodiscard]] std::uint64_t size() const { return span_ == 0 ? 0 : divide_up(missing_ + replicas_, span_); }

  /// Replicas of the largest range.
  [[nodiscard]] std::uint64_t largest() const { return std::min(span_, replicas_); }

  [[nodiscard]] ReplicaRange operator[](std::uint64_t batch) const {
    const std::uint64_t first = batch == 0 ? 0 : batch * span_ - missing_;
    return {first, std::min((batch + 1) * span_ - missing_, replicas_) - first};
  }

 private:
  ReplicaBatches(std::uint64_t replicas, std::uint64_t missing, std::uint64_t span)
      : replicas_(replicas), missing_(missing), span_(span) {}

  static std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

  std::uint64_t replicas_;
  std::uint64_t missing_;  // of the first one's chunk, those that come before it
  std::uint64_t span_;     // of a range, with those that are missing
};

}  // namespace langevo
