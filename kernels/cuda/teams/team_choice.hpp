#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace langevo {

/// What the choice of a team looks at.
struct TeamChoiceInput {
  std::uint64_t replicas;
  std::uint64_t tiles;           ///< of data points
  std::uint64_t parameters;      ///< N
  std::uint64_t resident_warps;  ///< of the whole device
  std::uint64_t on_chip_bytes;   ///< of the whole device
  bool decided_by_model;         ///< nearly all proposals are, by a local model whose curvature is known
};

/// Whether a block works on each replica instead of a warp. A block pays where
/// - there are fewer replicas than resident warps, so that warps would idle, or
/// - the replica in float (w, w', w' - w) does not fit into a warp's share of the memory on chip, while the
///   warps of a block share one copy,
/// and where there is more than one tile of points to share out. Decisions of a model are some short dot
/// products and what follows from them, which the warps of a block would all repeat, and wait for each other
/// at every product.
inline bool block_per_replica(const TeamChoiceInput& input) {
  if (input.tiles < 2 || input.decided_by_model) return false;
  const std::uint64_t warps = std::max<std::uint64_t>(1, input.resident_warps);
  const std::uint64_t replica_bytes = 3 * sizeof(float) * input.parameters;
  return input.replicas < warps || replica_bytes > input.on_chip_bytes / warps;
}

/// On-chip bytes for each team: what its workspace can use, but no more than leaves room for the blocks that
/// the registers allow on a multiprocessor.
struct OnChipInput {
  std::size_t per_multiprocessor;
  std::size_t per_block;           ///< the most that one block may have
  std::size_t reserved_per_block;  ///< taken by the kernel itself and by the system
  int blocks_per_multiprocessor;
  int teams_per_block;
  std::size_t wanted_per_team;
};

inline std::size_t on_chip_bytes_per_team(const OnChipInput& input) {
  constexpr std::size_t alignment = 64;
  const auto blocks = static_cast<std::size_t>(std::max(1, input.blocks_per_multiprocessor));
  const std::size_t share = std::min(input.per_multiprocessor / blocks, input.per_block);
  const std::size_t left = share > input.reserved_per_block ? share - input.reserved_per_block : 0;
  const std::size_t per_team = left / static_cast<std::size_t>(input.teams_per_block) / alignment * alignment;
  return std::min(per_team, input.wanted_per_team);
}

}  // namespace langevo
