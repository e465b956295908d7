#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/host_device.hpp"

/// Counter-based random words: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), no state.
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

/// Four 32-bit words, each the lower half of a Word of 64 bits, or of several of them side by side. What the
/// upper halves hold means nothing.
template <class Word>
struct BlockWords {
  Word word[4];
};

/// m times the lower half of a; teams whose words lie side by side have their own.
LANGEVO_INLINE std::uint64_t wide_product(std::uint64_t a, std::uint32_t m) {
  return std::uint64_t{static_cast<std::uint32_t>(a)} * m;
}

/// Turns `Count` counters into random words, all in step.
template <class Word, int Count>
LANGEVO_INLINE void philox4x32_10(BlockWords<Word> (&blocks)[Count], std::uint32_t key0, std::uint32_t key1) {
#ifdef __GNUC__
#  pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
#ifdef __GNUC__
#  pragma GCC unroll 8
#endif
    for (int i = 0; i < Count; ++i) {
      Word(&c)[4] = blocks[i].word;
      const Word product0 = wide_product(c[0], 0xD2511F53u);
      const Word product1 = wide_product(c[2], 0xCD9E8D57u);
      c[0] = (product1 >> 32) ^ c[1] ^ std::uint64_t{key0};
      c[2] = (product0 >> 32) ^ c[3] ^ std::uint64_t{key1};
      c[1] = product1;
      c[3] = product0;
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

struct RandomWords {
  std::uint32_t word[4];
};

LANGEVO_INLINE RandomWords philox4x32_10(RandomWords counter, std::uint32_t key0, std::uint32_t key1) {
  BlockWords<std::uint64_t> block[1] = {
      {{counter.word[0], counter.word[1], counter.word[2], counter.word[3]}}};
  philox4x32_10(block, key0, key1);
  const auto word = [&](int i) { return static_cast<std::uint32_t>(block[0].word[i]); };
  return {{word(0), word(1), word(2), word(3)}};
}

/// Draw blocks 0 .. blocks_per_step - 1 of one step, then those of the next, and so on, numbered through.
struct BlockRange {
  std::uint32_t blocks_per_step;
  std::uint32_t reciprocal;  ///< ceil(2^31 / blocks_per_step) where there is more than one step, else 0
  std::uint32_t step;        ///< low word; all steps have the same high one
  std::uint32_t stream_and_step;
  std::uint32_t replica;
  std::uint32_t key0;
  std::uint32_t key1;

  template <class Word>
  [[nodiscard]] LANGEVO_INLINE BlockWords<Word> counter(Word index) const {
    const Word steps = wide_product(index, reciprocal) >> 31;
    const Word block = index - wide_product(steps, blocks_per_step);
    const Word none = index ^ index;
    return {{block, none + std::uint64_t{step} + steps, none + std::uint64_t{stream_and_step},
             none + std::uint64_t{replica}}};
  }

  [[nodiscard]] LANGEVO_INLINE RandomWords words(std::uint64_t index) const {
    BlockWords<std::uint64_t> block[1] = {counter(index)};
    philox4x32_10(block, key0, key1);
    const auto word = [&](int i) { return static_cast<std::uint32_t>(block[0].word[i]); };
    return {{word(0), word(1), word(2), word(3)}};
  }
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
