#pragma once

#include <cstdint>

namespace langevo {

/// What audits have measured of a rung's error bound in one replica.
struct RungCalibration {
  std::uint32_t audits = 0;  ///< that found an error
  float largest_ratio = 0;   ///< of error to worst-case bound
};

/// Whether a rung is worth its time in one replica.
struct RungUse {
  float missed = 0;               ///< share of the last few hundred steps that it left to the next one
  std::uint64_t rests_until = 0;  ///< step
};

/// What is known of the float rungs, the change evaluated afresh, from carried values and from two passes,
/// whose bounds differ.
struct FloatCalibration {
  RungCalibration fresh;
  RungCalibration carried;
  RungCalibration forward;
  RungUse carried_use;
  RungUse two_pass_use;
};

}  // namespace langevo
