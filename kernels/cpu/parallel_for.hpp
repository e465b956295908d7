#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace langevo {

/// Calls body(thread, index) for every index below n, on up to `threads` threads; whoever is free takes the
/// next `batch` indices. The body must not throw.
template <class Body>
void parallel_for(std::uint64_t n, int threads, std::uint64_t batch, const Body& body) {
  std::atomic<std::uint64_t> next{0};
  const auto work = [&](int thread) {
    for (;;) {
      const std::uint64_t begin = next.fetch_add(batch, std::memory_order_relaxed);
      if (begin >= n) return;
      const std::uint64_t end = std::min(n, begin + batch);
      for (std::uint64_t i = begin; i < end; ++i) body(thread, i);
    }
  };
  const std::uint64_t batches = (n + batch - 1) / batch;
  const int helpers =
      static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(threads), batches)) - 1;
  std::vector<std::jthread> team;
  team.reserve(static_cast<std::size_t>(std::max(helpers, 0)));
  for (int thread = 1; thread <= helpers; ++thread) team.emplace_back(work, thread);
  work(0);
}

}  // namespace langevo
