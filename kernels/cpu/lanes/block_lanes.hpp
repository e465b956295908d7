#pragma once

#include <cstddef>

#include "kernels/cpu/lanes/several_lanes.hpp"
#include "kernels/random/normals.hpp"
#include "kernels/random/philox_lattice.hpp"

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
  static constexpr int groups = Groups;
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

/// Of groups that have a few blocks of two steps each.
template <int Groups>
struct LanePairPlace {
  std::uint32_t step;

  LANGEVO_INLINE void put(const SeveralFloats<Groups>& even, const SeveralFloats<Groups>& odd, float* rows,
                          std::size_t stride) const {
    float* to = rows + step * stride;
#pragma GCC unroll 8
    for (int i = 0; i < Groups; ++i, to += 2 * stride) {
      interleave_low(even.part[i], odd.part[i]).store(to);
      interleave_high(even.part[i], odd.part[i]).store(to + stride);
    }
  }
};

template <int Groups, class Place>
LANGEVO_INLINE void put_normals(const PackedBlocks<Groups>& words, const Place& place, float* rows,
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

/// The groups whose words after the first rounds begin(i, words) yields.
template <int Groups, class Begin, class Place, class Body>
LANGEVO_INLINE void mix_groups(const LaneKeys& keys, const Begin& begin, const Place& place,
                               const Body& body) {
  WordLanes c[Groups][4];
#pragma GCC unroll 8
  for (int i = 0; i < Groups; ++i) begin(i, c[i]);
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

/// Up to so many steps of a range, from `first` on.
struct LaneSteps {
  static constexpr std::uint32_t most = 64;
  std::uint32_t first;
  std::uint32_t count;
  std::uint64_t high[most];
  std::uint64_t low[most];

  LANGEVO_INLINE LaneSteps(const BlockRange& range, std::uint32_t first_step, std::uint32_t steps_left)
      : first(first_step), count(steps_left < most ? steps_left : most) {
    for (std::uint32_t k = 0; k < count; ++k) {
      const StepPart part = step_part(range, first + k);
      high[k] = part.high;
      low[k] = part.low;
    }
  }
};

/// Groups of the same blocks in several steps, from step k on.
template <int Groups, class Body>
LANGEVO_INLINE void mix_steps(const LaneKeys& keys, const BlockPart<WordLanes>& block, std::uint32_t b,
                              const LaneSteps& steps, std::uint32_t k, const Body& body) {
  mix_groups<Groups>(
      keys,
      [&](int i, WordLanes(&c)[4])
          LANGEVO_BODY { join_parts(block, steps.high[k + i], steps.low[k + i], c); },
      LanePlace<Groups, 0, 1>{b, steps.first + k, Groups}, body);
}

/// Groups that have half as many blocks, all there are, of two steps each.
template <int Groups, class Body>
LANGEVO_INLINE void mix_step_pairs(const LaneKeys& keys, const BlockPart<WordLanes>& block,
                                   const LaneSteps& steps, std::uint32_t k, const Body& body) {
  mix_groups<Groups>(
      keys,
      [&](int i, WordLanes(&c)[4]) LANGEVO_BODY {
        join_parts(block, WordLanes::alternating(steps.high + k + 2 * i),
                   WordLanes::alternating(steps.low + k + 2 * i), c);
      },
      LanePairPlace<Groups>{steps.first + k}, body);
}

/// Groups of one step alone, from block b on.
template <int Groups, class Body>
LANGEVO_INLINE void mix_step(const BlockRange& range, const LaneKeys& keys, std::uint32_t b,
                             std::uint32_t wanted, const LaneSteps& steps, std::uint32_t k,
                             const Body& body) {
  mix_groups<Groups>(
      keys,
      [&](int i, WordLanes(&c)[4]) LANGEVO_BODY {
        const auto first = WordLanes::counting_from(b + static_cast<std::uint32_t>(i * word_lanes));
        join_parts(block_part(range, first), steps.high[k], steps.low[k], c);
      },
      LanePlace<Groups, 1, 0>{b, steps.first + k, wanted}, body);
}

/// body(words of blocks, place) for all groups of the range in `steps` steps.
template <class Body>
LANGEVO_INLINE void each_block_side_by_side(const BlockRange& range, std::uint32_t steps, const Body& body) {
  const LaneKeys keys(range);
  const std::uint32_t blocks = range.blocks_per_step;
  for (std::uint32_t done = 0; done < steps; done += LaneSteps::most) {
    const LaneSteps some(range, done, steps - done);
    const std::uint32_t even = some.count / 2 * 2;
    if (even > 0 && blocks <= word_lanes / 2) {
      const BlockPart<WordLanes> block = block_part(range, WordLanes::counting_in_pairs());
      std::uint32_t k = 0;
      for (; k + 8 <= even; k += 8) mix_step_pairs<4>(keys, block, some, k, body);
      for (; k < even; k += 2) mix_step_pairs<1>(keys, block, some, k, body);
    } else if (even > 0) {
      for (std::uint32_t b = 0; b < blocks; b += word_lanes) {
        const BlockPart<WordLanes> block = block_part(range, WordLanes::counting_from(b));
        std::uint32_t k = 0;
        for (; k + most_groups <= even; k += most_groups)
          mix_steps<most_groups>(keys, block, b, some, k, body);
        for (; k < even; k += 2) mix_steps<2>(keys, block, b, some, k, body);
      }
    }
    if (even == some.count) continue;
    for (std::uint32_t b = 0; b < blocks; b += 4 * word_lanes) {
      const std::uint32_t left = (blocks - b + word_lanes - 1) / word_lanes;
      if (left > 2) {
        mix_step<4>(range, keys, b, left, some, even, body);
      } else {
        mix_step<2>(range, keys, b, left, some, even, body);
      }
    }
  }
}

/// The normals of up to LaneSteps::most steps of a range: their sums over the steps, and the sums over the
/// steps of what had been summed up before each; both [normal_buffer_size(n)], in float and in this order.
LANGEVO_INLINE void sum_normals_side_by_side(const BlockRange& range, std::uint32_t steps, float* sum,
                                             float* path) {
  const LaneKeys keys(range);
  const LaneSteps all(range, 0, steps);
  for (std::uint32_t b = 0; b < range.blocks_per_step; b += word_lanes) {
    const BlockPart<WordLanes> block = block_part(range, WordLanes::counting_from(b));
    SeveralFloats<1> sum_even(0.0f);
    SeveralFloats<1> sum_odd(0.0f);
    SeveralFloats<1> path_even(0.0f);
    SeveralFloats<1> path_odd(0.0f);
    const auto add = [&](const auto& words, const auto& place) LANGEVO_BODY {
      const auto normals = box_muller(words.even, words.odd);
#pragma GCC unroll 8
      for (int i = 0; i < place.groups; ++i) {
        path_even.part[0] = path_even.part[0] + sum_even.part[0];
        path_odd.part[0] = path_odd.part[0] + sum_odd.part[0];
        sum_even.part[0] = sum_even.part[0] + normals.first.part[i];
        sum_odd.part[0] = sum_odd.part[0] + normals.second.part[i];
      }
    };
    std::uint32_t k = 0;
    for (; k + most_groups <= steps; k += most_groups) mix_steps<most_groups>(keys, block, b, all, k, add);
    for (; k + 2 <= steps; k += 2) mix_steps<2>(keys, block, b, all, k, add);
    if (k < steps) mix_steps<1>(keys, block, b, all, k, add);
    const LanePlace<1, 0, 0> place{b, 0, 1};
    place.put(sum_even, sum_odd, sum, 0);
    place.put(path_even, path_odd, path, 0);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
