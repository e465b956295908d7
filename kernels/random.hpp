#pragma once

#include <cstddef>

#include "kernels/elementary.hpp"

/// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), no state.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What a random number is for; the one registry of streams.
enum class Stream : std::uint32_t {
  mutation = 0,
  acceptance = 1,
  initial_state = 2,
  langevin_noise = 3,
  model_audit = 4
};

struct RandomWords {
  std::uint32_t word[4];
};

LANGEVO_INLINE RandomWords philox4x32_10(RandomWords counter, std::uint32_t key0, std::uint32_t key1) {
  std::uint32_t c0 = counter.word[0];
  std::uint32_t c1 = counter.word[1];
  std::uint32_t c2 = counter.word[2];
  std::uint32_t c3 = counter.word[3];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c1 = static_cast<std::uint32_t>(product1);
    c3 = static_cast<std::uint32_t>(product0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// The random numbers of one replica at one step for one purpose: key = seed; counter = (draw block, low 32
/// bits of the step, stream id << 24 | bits 32..55 of the step, global replica index).
struct RandomSource {
  std::uint64_t seed;
  std::uint64_t step;
  Stream stream;
  std::uint32_t replica;

  [[nodiscard]] LANGEVO_INLINE RandomWords counter(std::uint32_t block) const {
    return {{block, static_cast<std::uint32_t>(step),
             static_cast<std::uint32_t>(stream) << 24 | (static_cast<std::uint32_t>(step >> 32) & 0xffffffu),
             replica}};
  }

  [[nodiscard]] LANGEVO_INLINE RandomWords block(std::uint32_t index) const {
    return philox4x32_10(counter(index), static_cast<std::uint32_t>(seed),
                         static_cast<std::uint32_t>(seed >> 32));
  }
};

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
  const float radius = square_root(-2.0f * logarithm(uniform_float(radius_word)));
  const SineCosine direction = sine_cosine_of_turns(angle_word);
  return {radius * direction.cosine, radius * direction.sine};
}

/// Normals come in blocks of four; a buffer for n of them holds this many.
LANGEVO_INLINE std::size_t normal_buffer_size(std::size_t n) {
  return (n + 3) / 4 * 4;
}

/// z_i ~ Normal(0, 1) for i = 0 .. n-1 into z[normal_buffer_size(n)]: block b of the source yields z[4b ..
/// 4b+3].
template <class Team, class Source>
LANGEVO_FUNCTION void draw_normals(const Team& team, const Source& source, std::size_t n, float* z) {
  team.each(normal_buffer_size(n) / 4, [&](std::size_t b) LANGEVO_BODY {
    const RandomWords words = source.block(static_cast<std::uint32_t>(b));
    const NormalPair low = normal_pair(words.word[0], words.word[1]);
    const NormalPair high = normal_pair(words.word[2], words.word[3]);
    z[4 * b] = low.first;
    z[4 * b + 1] = low.second;
    z[4 * b + 2] = high.first;
    z[4 * b + 3] = high.second;
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
