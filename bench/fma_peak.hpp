#pragma once

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "kernels/cpu/lanes/real_lanes.hpp"

namespace langevo {

/// Multiplications with addition in float per second of `threads` threads at once, none of which waits for
/// another: the best of some short runs. Made for this machine's instruction set.
inline double measure_fma_peak(int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr int chains = 12;
  constexpr int rounds = 2000000;
  double best = 0;
  for (int run = 0; run < 8; ++run) {
    std::vector<float> results(static_cast<std::size_t>(threads));
    const Clock::time_point begin = Clock::now();
    {
      std::vector<std::jthread> workers;
      for (float& result : results) {
        workers.emplace_back([&result] {
          FloatLanes sum[chains];
          for (int c = 0; c < chains; ++c) sum[c] = FloatLanes(static_cast<float>(c));
          FloatLanes a(0.999f);
          FloatLanes b(0.1f);
          asm volatile("" : "+m"(a), "+m"(b));
          for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
            for (int c = 0; c < chains; ++c) sum[c] = multiply_add(sum[c], a, b);
          }
          for (int c = 1; c < chains; ++c) sum[0] = sum[0] + sum[c];
          result = sum[0].lane[0];
          asm volatile("" : "+m"(result));
        });
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::max(best, static_cast<double>(threads) * chains * rounds * FloatLanes::count / seconds);
  }
  return best;
}

}  // namespace langevo
