#pragma once

#include <cstddef>

#include "kernels/random/box_muller.hpp"
#include "kernels/random/random_words.hpp"

/// Uniform and normal random numbers from random words.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Uniform in (0, 1], 2^-33 at the least: (word + 1/2) / 2^32.
template <class Word>
LANGEVO_INLINE auto uniform_float(Word word) {
  using Real = decltype(to_float(word));
  return multiply_add(to_float(word), Real(0x1p-32f), Real(0x1p-33f));
}

/// Uniform in (0, 1), multiples of 2^-53 moved by half of one.
LANGEVO_INLINE double uniform_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits53 = (std::uint64_t{high} << 21) | (low >> 11);
  return multiply_add(static_cast<double>(bits53), 0x1p-53, 0x1p-54);
}

template <class Real>
struct NormalPair {
  Real first;
  Real second;
};

/// Two independent Normal(0, 1) numbers (Box & Muller, Ann. Math. Stat. 29, 610 (1958)); |z| <= 6.77.
template <class Word>
LANGEVO_INLINE auto box_muller(Word radius_word, Word angle_word) {
  const auto radius = square_root(minus_twice_logarithm(uniform_float(radius_word)));
  const auto direction = sine_cosine_of_quarters(quarters_of_turns(angle_word));
  const auto signed_radius = flip_sign(radius, sign_of_turns(angle_word));
  return NormalPair<decltype(to_float(angle_word))>{signed_radius * direction.cosine,
                                                    signed_radius * direction.sine};
}
LANGEVO_INLINE NormalPair<float> normal_pair(std::uint32_t radius_word, std::uint32_t angle_word) {
  return box_muller(radius_word, angle_word);
}

/// The four normals of one draw block.
LANGEVO_INLINE void normals_of_block(const RandomWords& words, float (&z)[4]) {
  const NormalPair<float> low = normal_pair(words.word[0], words.word[1]);
  const NormalPair<float> high = normal_pair(words.word[2], words.word[3]);
  z[0] = low.first;
  z[1] = low.second;
  z[2] = high.first;
  z[3] = high.second;
}

LANGEVO_INLINE void put_normals(const RandomWords& words, const BlockPlace& place, float* rows,
                                std::size_t stride) {
  float four[4];
  normals_of_block(words, four);
  place.put(four, rows, stride);
}

/// Draw blocks of four normals that n of them take.
LANGEVO_INLINE std::uint32_t normal_blocks(std::size_t n) {
  return static_cast<std::uint32_t>((n + 3) / 4);
}

/// A buffer for n normals holds this many: teams draw several blocks side by side.
LANGEVO_INLINE std::size_t normal_buffer_size(std::size_t n) {
  return (n + 31) / 32 * 32;
}

/// z_i ~ Normal(0, 1) for i = 0 .. n-1 into z[normal_buffer_size(n)]: block b of the source yields z[4b ..
/// 4b+3]. What follows them is left alone or overwritten by other normals. Then the same for the steps that
/// follow, [steps][row]; see RandomSource::blocks.
template <class Team, class Source>
LANGEVO_FUNCTION void draw_normals(const Team& team, const Source& source, std::size_t n, float* z,
                                   std::uint32_t steps, std::size_t row) {
  team.each_block(source.blocks(normal_blocks(n), steps), steps,
                  [&](const auto& words, const auto& place)
                      LANGEVO_BODY { put_normals(words, place, z, row); });
}

template <class Team, class Source>
LANGEVO_FUNCTION void draw_normals(const Team& team, const Source& source, std::size_t n, float* z,
                                   std::uint32_t steps = 1) {
  draw_normals(team, source, n, z, steps, normal_buffer_size(n));
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
