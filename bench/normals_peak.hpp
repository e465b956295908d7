#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "kernels/cpu/serial_team.hpp"
#include "kernels/descent/noise_sums.hpp"
#include "measuring.hpp"

namespace langevo {

/// Normal numbers per second that so many threads draw and sum twice, as followed gradient steps do.
inline double measure_normals_peak(int threads) {
  constexpr std::size_t n = 4096;
  constexpr std::uint32_t steps = 256;
  const auto draw = [](std::uint32_t replica, int repeats) {
    const std::size_t row = normal_buffer_size(n);
    std::vector<double> sum(row);
    std::vector<double> path(row);
    std::vector<float> float_sum(row);
    std::vector<float> float_path(row);
    NoiseSums noise{sum.data(), path.data(), 0};
    for (int k = 0; k < repeats; ++k) {
      const RandomSource source{1, static_cast<std::uint64_t>(k) * steps, Stream::langevin_noise, replica};
      sum_noise(SerialTeam{}, source, n, steps, {float_sum.data(), float_path.data()}, noise);
    }
  };
  constexpr int repeats = 64;
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const Clock::time_point begin = Clock::now();
    std::vector<std::thread> team;
    for (int thread = 0; thread < threads; ++thread)
      team.emplace_back(draw, static_cast<std::uint32_t>(thread), repeats);
    for (std::thread& member : team) member.join();
    const double drawn = static_cast<double>(threads) * repeats * steps * static_cast<double>(n);
    best = std::max(best, drawn / seconds_since(begin));
  }
  return best;
}

}  // namespace langevo
