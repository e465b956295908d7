#pragma once

#include <cstdint>

#include "kernels/base/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Whose state what is kept from step to step belongs to.
struct Continuity {
  std::uint64_t next_step;
  std::uint32_t replica;

  /// Nobody's.
  LANGEVO_INLINE static Continuity none() { return {~std::uint64_t{0}, 0}; }

  /// False where the step that ended last was another replica's or was not the one before.
  LANGEVO_INLINE bool begin(std::uint32_t of_replica, std::uint64_t step) {
    const bool follows = next_step == step && replica == of_replica;
    replica = of_replica;
    next_step = step;
    return follows;
  }
  LANGEVO_INLINE void end() { ++next_step; }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
