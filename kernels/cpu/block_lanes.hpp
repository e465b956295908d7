#pragma once

#include <cstddef>

#include "kernels/cpu/several_lanes.hpp"
#include "kernels/philox_lattice.hpp"

/// Draw blocks side by side: `word_lanes` blocks that follow each other in a register, a group, and several
/// groups at once, so that no operation waits for another.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Groups at once: as many as registers hold the words of.
inline constexpr int most_groups = register_bytes >= 64 ? 6 : 4;

/// Words 0 and 2 of each block of several groups, and words 1 and 3.
template <int Groups>
struct PackedBlocks {
  SeveralWords<Groups> even;
  SeveralWords<Groups> odd;
};

/// Of several groups, each `BlockStride` groups of blocks and `StepStride` steps from the one before: where
/// the first one is, and how many are wanted.
template <int Groups, int BlockStride, int StepStride>
struct LanePlace {
  std::uint32_t block;
  std::uint32_t step;
  std::uint32_t wanted;

  /// As BlockPlace, from numbers 0 and 2, and 1 and 3, of each block. Groups are written whole, so rows have
  /// to end with one.
  LANGEVO_INLINE void put(const SeveralFloats<Groups>& even, const SeveralFloats<Groups>& odd, float* rows,
                          std::size_t stride) const {
    constexpr std::size_t half = FloatLanes::count;
    float* to = rows + step * stride + std::size_t{4} * block;
#pragma GCC unroll 8
    for (int i = 0; i < Groups; ++i, to += BlockStride * 2 * half + StepStride * stride) {
      if (i > 0 && static_cast<std::uint32_t>(i) == wanted) break;
      interleave_low(even.part[i], odd.part[i]).store(to);
      interleave_high(even.part[i], odd.part[i]).store(to + half);
    }
  }
};

template <int Groups, int BlockStride, int StepStride>
LANGEVO_INLINE void put_normals(const PackedBlocks<Groups>& words,
                                const LanePlace<Groups, BlockStride, StepStride>& place, float* rows,
                                std::size_t stride) {
  const auto normals = box_muller(words.even, words.odd);
  place.put(normals.first, normals.second, rows, stride);
}

/// The keys of the rounds, in memory, where instructions take them from.
struct LaneKeys {
  WordLanes key0[philox_rounds - 1];
  WordLanes key1[philox_rounds - 1];
  WordLanes last;  ///< both of the last round

  LANGEVO_INLINE explicit LaneKeys(const BlockRange& range) {
    for (int round = lattice_rounds; round < philox_rounds - 1; ++round) {
      key0[round] = WordLanes::all(round_key0(range.key0, round));
      key1[round] = WordLanes::all(round_key1(range.key1, round));
    }
    const std::uint64_t upper = round_key1(range.key1, philox_rounds - 1);
    last = WordLanes::all(round_key0(range.key0, philox_rounds - 1) | upper << 32);
  }
};

/// Groups of `block[i * BlockStride]` in `step[i * StepStride]`.
template <int Groups, int BlockStride, int StepStride, class Body>
LANGEVO_INLINE void mix_groups(const LaneKeys& keys, const BlockPart<WordLanes>* block, const StepPart* step,
                               const LanePlace<Groups, BlockStride, StepStride>& place, const Body& body) {
  WordLanes c[Groups][4];
#pragma GCC unroll 8
  for (int i = 0; i < Groups; ++i) join_parts(block[i * BlockStride], step[i * StepStride], c[i]);
#pragma GCC unroll 10
  for (int round = lattice_rounds; round < philox_rounds - 1; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < Groups; ++i) philox_round(c[i], keys.key0[round], keys.key1[round]);
  }
  PackedBlocks<Groups> words;
#pragma GCC unroll 8
  for (int i = 0; i < Groups; ++i) {  // the last round, words of 32 bits packed
    const WordLanes product0 = wide_product(c[i][0], philox_multiplier0);
    const WordLanes product1 = wide_product(c[i][2], philox_multiplier1);
    words.even.part[i] =
        PackedLanes(exclusive_or(join_upper(product1, product0), join_lower(c[i][1], c[i][3]), keys.last));
    words.odd.part[i] = PackedLanes(join_lower(product1, product0));
  }
  body(words, place);
}

/// body(words of blocks, place) for all groups of the range in `steps` steps.
template <class Body>
LANGEVO_INLINE void each_block_side_by_side(const BlockRange& range, std::uint32_t steps, const Body& body) {
  const LaneKeys keys(range);
  const std::uint32_t blocks = range.blocks_per_step;
  constexpr std::uint32_t chunk = 64;
  for (std::uint32_t first = 0; first < steps; first += chunk) {
    const std::uint32_t count = steps - first < chunk ? steps - first : chunk;
    StepPart step[chunk];
    for (std::uint32_t k = 0; k < count; ++k) step[k] = step_part(range, first + k);
    const std::uint32_t even = count / 2 * 2;
    for (std::uint32_t b = 0; even > 0 && b < blocks; b += word_lanes) {
      const BlockPart<WordLanes> block = block_part(range, WordLanes::counting_from(b));
      std::uint32_t k = 0;
      for (; k + most_groups <= even; k += most_groups) {
        mix_groups(keys, &block, step + k, LanePlace<most_groups, 0, 1>{b, first + k, most_groups}, body);
      }
      for (; k < even; k += 2) mix_groups(keys, &block, step + k, LanePlace<2, 0, 1>{b, first + k, 2}, body);
    }
    if (even == count) continue;
    for (std::uint32_t b = 0; b < blocks; b += 4 * word_lanes) {  // a step alone: several groups of it
      BlockPart<WordLanes> block[4];
      for (std::uint32_t g = 0; g < 4; ++g)
        block[g] = block_part(range, WordLanes::counting_from(b + g * word_lanes));
      const std::uint32_t left = (blocks - b + word_lanes - 1) / word_lanes;
      if (left > 2) {
        mix_groups(keys, block, step + even, LanePlace<4, 1, 0>{b, first + even, left}, body);
      } else {
        mix_groups(keys, block, step + even, LanePlace<2, 1, 0>{b, first + even, left}, body);
      }
    }
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
