#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/network/problem_view.hpp"
#include "kernels/random/normals.hpp"

/// The noise of several steps at once.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// With W_q = sum of z over the steps before step q: what a walk has gone in `steps` steps, sum = W_steps,
/// and its displacements summed, path = W_0 + ... + W_(steps - 1); [normal_buffer_size(N)] each.
struct NoiseSums {
  double* sum;
  double* path;
  std::uint32_t steps;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    sum = arena.take<double>(normal_buffer_size(network.parameter_count));
    path = arena.take<double>(normal_buffer_size(network.parameter_count));
    steps = 0;
  }
};

/// Of some steps in float.
struct FloatNoiseSums {
  float* sum;
  float* path;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    sum = arena.take<float>(normal_buffer_size(network.parameter_count));
    path = arena.take<float>(normal_buffer_size(network.parameter_count));
  }
};

/// The noise of `steps` steps from the one of `source` on.
template <class Team>
LANGEVO_FUNCTION void sum_noise(const Team& team, RandomSource source, std::size_t n, std::uint32_t steps,
                                const FloatNoiseSums& piece, NoiseSums& noise) {
  const std::size_t row = normal_buffer_size(n);
  noise.steps = 0;
  while (noise.steps < steps) {
    const std::uint32_t left = steps - noise.steps;
    const std::uint32_t more = left < Team::steps_per_sum ? left : Team::steps_per_sum;
    team.sum_normals(source.blocks(normal_blocks(n), more), more, piece.sum, piece.path);
    const double further = more;
    const bool first = noise.steps == 0;
    team.each(row, [&](std::size_t i) LANGEVO_BODY {
      const double before = first ? 0 : noise.sum[i];
      const double path = first ? 0 : noise.path[i];
      noise.path[i] = path + (further * before + static_cast<double>(piece.path[i]));
      noise.sum[i] = before + static_cast<double>(piece.sum[i]);
    });
    noise.steps += more;
    source.step += more;
  }
}

/// Of two halves that follow each other: the whole, which may be one of them.
template <class Team>
LANGEVO_FUNCTION void join_noise(const Team& team, std::size_t n, const NoiseSums& first,
                                 const NoiseSums& second, NoiseSums& whole) {
  const double further = second.steps;
  team.each(n, [&](std::size_t i) LANGEVO_BODY {
    whole.path[i] = first.path[i] + (further * first.sum[i] + second.path[i]);
    whole.sum[i] = first.sum[i] + second.sum[i];
  });
  whole.steps = first.steps + second.steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
