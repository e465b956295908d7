#pragma once

#include "kernels/base/host_device.hpp"
#include "kernels/change/ladder/rung_calibration.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// A rung that leaves too many steps to the next one rests, and is tried again later.
struct RestPolicy {
  static constexpr float memory = 256;  ///< steps
  static constexpr std::uint64_t rest = 4096;

  LANGEVO_INLINE static bool rests(const RungUse& use, std::uint64_t step) { return step < use.rests_until; }

  LANGEVO_INLINE static void take(bool missed, double most_missed, std::uint64_t step, RungUse& use) {
    use.missed += ((missed ? 1.0f : 0.0f) - use.missed) / memory;
    if (static_cast<double>(use.missed) <= most_missed) return;
    use = {0, step + rest};
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
