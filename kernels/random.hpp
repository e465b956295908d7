#pragma once

#include <cstddef>

#include "kernels/elementary.hpp"
#include "kernels/random_words.hpp"

/// Uniform and normal random numbers from random words.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Uniform in (0, 1], 2^-33 at the least: (word + 1/2) / 2^32 rounded once.
LANGEVO_INLINE float uniform_float(std::uint32_t word) {
  const auto high = static_cast<float>(static_cast<std::int32_t>(word >> 16));
  const auto low = static_cast<float>(static_cast<std::int32_t>(word & 0xffffu));
  return fused_multiply_add(high, 1.52587891e-5f, fused_multiply_add(low, 2.32830644e-10f, 1.16415322e-10f));
}

/// Uniform in (0, 1), multiples of 2^-53 moved by half of one.
LANGEVO_INLINE double uniform_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits53 = (std::uint64_t{high} << 21) | (low >> 11);
  return fused_multiply_add(static_cast<double>(bits53), 0x1p-53, 0x1p-54);
}

struct NormalPair {
  float first;
  float second;
};

/// Two independent Normal(0, 1) numbers (Box & Muller, Ann. Math. Stat. 29, 610 (1958)); |z| <= 6.77.
LANGEVO_INLINE NormalPair normal_pair(std::uint32_t radius_word, std::uint32_t angle_word) {
  const float radius = newton_square_root(-2.0f * logarithm(uniform_float(radius_word)));
  const SineCosine direction = sine_cosine_of_turns(angle_word);
  return {radius * direction.cosine, radius * direction.sine};
}

/// Normals come in blocks of four; a buffer for n of them holds this many.
LANGEVO_INLINE std::size_t normal_buffer_size(std::size_t n) {
  return (n + 3) / 4 * 4;
}

/// The four normals of one draw block.
LANGEVO_INLINE void normals_of_block(const RandomWords& words, float* z) {
  const NormalPair low = normal_pair(words.word[0], words.word[1]);
  const NormalPair high = normal_pair(words.word[2], words.word[3]);
  z[0] = low.first;
  z[1] = low.second;
  z[2] = high.first;
  z[3] = high.second;
}

/// z_i ~ Normal(0, 1) for i = 0 .. n-1 into z[normal_buffer_size(n)]: block b of the source yields z[4b ..
/// 4b+3]. Then the same for the steps that follow, [steps][normal_buffer_size(n)]; see RandomSource::blocks.
template <class Team, class Source>
LANGEVO_FUNCTION void draw_normals(const Team& team, const Source& source, std::size_t n, float* z,
                                   std::uint32_t steps = 1) {
  const auto blocks = static_cast<std::uint32_t>(normal_buffer_size(n) / 4);
  team.each_block(source.blocks(blocks, steps), std::size_t{blocks} * steps,
                  [&](std::size_t b, RandomWords words) LANGEVO_BODY { normals_of_block(words, z + 4 * b); });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
