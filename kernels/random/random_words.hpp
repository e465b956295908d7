#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/host_device.hpp"

/// Counter-based random words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), no state.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What a random number is for; the one registry of streams.
enum class Stream : std::uint32_t {
  mutation = 0,
  acceptance = 1,
  initial_state = 2,
  langevin_noise = 3,
  model_audit = 4,
  pilot = 5
};

/// m times the lower half of a: words are the lower halves of 64 bits, or of several of those side by side,
/// which have a product of their own. What the upper halves hold means nothing.
LANGEVO_INLINE std::uint64_t wide_product(std::uint64_t a, std::uint32_t m) {
  return std::uint64_t{static_cast<std::uint32_t>(a)} * m;
}

inline constexpr int philox_rounds = 10;
inline constexpr std::uint32_t philox_multiplier0 = 0xD2511F53u;
inline constexpr std::uint32_t philox_multiplier1 = 0xCD9E8D57u;

/// The key of a round is that of the first one plus `round` times a constant.
LANGEVO_INLINE constexpr std::uint32_t round_key0(std::uint32_t key0, int round) {
  return key0 + static_cast<std::uint32_t>(round) * 0x9E3779B9u;
}
LANGEVO_INLINE constexpr std::uint32_t round_key1(std::uint32_t key1, int round) {
  return key1 + static_cast<std::uint32_t>(round) * 0xBB67AE85u;
}

/// One of the ten rounds that turn a counter into random words.
template <class Word, class Key>
LANGEVO_INLINE void philox_round(Word (&c)[4], Key key0, Key key1) {
  const Word product0 = wide_product(c[0], philox_multiplier0);
  const Word product1 = wide_product(c[2], philox_multiplier1);
  c[0] = (product1 >> 32) ^ c[1] ^ key0;
  c[2] = (product0 >> 32) ^ c[3] ^ key1;
  c[1] = product1;
  c[3] = product0;
}

struct RandomWords {
  std::uint32_t word[4];
};

LANGEVO_INLINE RandomWords philox4x32_10(RandomWords counter, std::uint32_t key0, std::uint32_t key1) {
  std::uint64_t c[4] = {counter.word[0], counter.word[1], counter.word[2], counter.word[3]};
#ifdef __GNUC__
#  pragma GCC unroll 10
#endif
  for (int round = 0; round < philox_rounds; ++round) {
    philox_round(c, std::uint64_t{round_key0(key0, round)}, std::uint64_t{round_key1(key1, round)});
  }
  return {{static_cast<std::uint32_t>(c[0]), static_cast<std::uint32_t>(c[1]),
           static_cast<std::uint32_t>(c[2]), static_cast<std::uint32_t>(c[3])}};
}

/// A draw block of one of the steps of a range, and where what is made of it goes.
struct BlockPlace {
  std::uint32_t block;
  std::uint32_t step;  ///< counted from the first one of the range

  /// Into rows of `stride` numbers, one row for each step and four numbers for each block.
  LANGEVO_INLINE void put(const float (&four)[4], float* rows, std::size_t stride) const {
    float* const to = rows + step * stride + std::size_t{4} * block;
    for (int i = 0; i < 4; ++i) to[i] = four[i];
  }
};

/// Draw blocks 0 .. blocks_per_step - 1 of one step, then those of the next, and so on, numbered through.
struct BlockRange {
  std::uint32_t blocks_per_step;
  std::uint32_t reciprocal;  ///< ceil(2^31 / blocks_per_step) where there is more than one step, else 0
  std::uint32_t step;        ///< low word; all steps have the same high one
  std::uint32_t stream_and_step;
  std::uint32_t replica;
  std::uint32_t key0;
  std::uint32_t key1;

  [[nodiscard]] LANGEVO_INLINE BlockPlace place(std::uint32_t index) const {
    const auto steps = static_cast<std::uint32_t>(wide_product(index, reciprocal) >> 31);
    return {index - steps * blocks_per_step, steps};
  }

  [[nodiscard]] LANGEVO_INLINE RandomWords counter(BlockPlace place) const {
    return {{place.block, step + place.step, stream_and_step, replica}};
  }

  [[nodiscard]] LANGEVO_INLINE RandomWords words(BlockPlace place) const {
    return philox4x32_10(counter(place), key0, key1);
  }
  [[nodiscard]] LANGEVO_INLINE RandomWords words(std::uint32_t index) const { return words(place(index)); }
};

/// The random numbers of one replica at one step for one purpose: key = seed; counter = (draw block, low 32
/// bits of the step, stream id << 24 | bits 32..55 of the step, global replica index).
struct RandomSource {
  std::uint64_t seed;
  std::uint64_t step;
  Stream stream;
  std::uint32_t replica;

  /// Blocks of `steps` steps from this one on, `blocks_per_step` each; no step among them may begin a new
  /// high word, and with several steps there must be less than 2^15 blocks in all.
  [[nodiscard]] LANGEVO_INLINE BlockRange blocks(std::uint32_t blocks_per_step, std::uint32_t steps) const {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): every network has parameters
    const std::uint32_t reciprocal = 0x7fffffffu / blocks_per_step + 1;
    return {blocks_per_step,
            steps > 1 ? reciprocal : 0,
            static_cast<std::uint32_t>(step),
            static_cast<std::uint32_t>(stream) << 24 | (static_cast<std::uint32_t>(step >> 32) & 0xffffffu),
            replica,
            static_cast<std::uint32_t>(seed),
            static_cast<std::uint32_t>(seed >> 32)};
  }

  [[nodiscard]] LANGEVO_INLINE RandomWords block(std::uint32_t index) const {
    return blocks(1, 1).words(index);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
