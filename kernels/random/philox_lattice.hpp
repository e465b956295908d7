#pragma once

#include "kernels/random/random_words.hpp"

/// The first three rounds of Philox4x32-10 for many blocks of many steps: most of what they compute depends
/// on the block alone or on the step alone, and is computed once for each of those.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What depends on the step alone: halves of the product that the second round makes of counter word 0.
struct StepPart {
  std::uint64_t high;
  std::uint64_t low;  ///< in the lower half
};

LANGEVO_INLINE StepPart step_part(const BlockRange& range, std::uint32_t step) {
  const std::uint64_t product1 = wide_product(range.stream_and_step, philox_multiplier1);
  const std::uint64_t c0 = (product1 >> 32) ^ std::uint64_t{range.step + step} ^ std::uint64_t{range.key0};
  const std::uint64_t product0 = wide_product(c0, philox_multiplier0);
  return {product0 >> 32, product0};
}

/// What depends on the block alone: counter word 2 after the second round, and words 0, 2 and 3 after the
/// third, without what the step adds to them.
template <class Word>
struct BlockPart {
  Word second2;
  Word third0;
  Word third2;
  Word third3;
};

template <class Word>
LANGEVO_INLINE BlockPart<Word> block_part(const BlockRange& range, Word block) {
  const std::uint64_t c1 =
      static_cast<std::uint32_t>(wide_product(range.stream_and_step, philox_multiplier1));
  const Word first = wide_product(block, philox_multiplier0);
  const Word c2 = (first >> 32) ^ std::uint64_t{range.replica ^ range.key1};
  const Word second = wide_product(c2, philox_multiplier1);
  const Word c0 = (second >> 32) ^ (c1 ^ round_key0(range.key0, 1));
  const Word third = wide_product(c0, philox_multiplier0);
  return {first ^ std::uint64_t{round_key1(range.key1, 1)}, second ^ std::uint64_t{round_key0(range.key0, 2)},
          (third >> 32) ^ std::uint64_t{round_key1(range.key1, 2)}, third};
}

/// The words after three rounds.
inline constexpr int lattice_rounds = 3;
template <class Word, class StepWord>
LANGEVO_INLINE void join_parts(const BlockPart<Word>& block, StepWord step_high, StepWord step_low,
                               Word (&c)[4]) {
  const Word product1 = wide_product(block.second2 ^ step_high, philox_multiplier1);
  c[0] = (product1 >> 32) ^ block.third0;
  c[1] = product1;
  c[2] = block.third2 ^ step_low;
  c[3] = block.third3;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
