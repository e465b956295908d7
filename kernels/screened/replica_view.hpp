#pragma once

#include "kernels/change/ladder/rung_calibration.hpp"
#include "kernels/screened/state.hpp"

namespace langevo {

/// One replica's state.
struct ReplicaView {
  double* x;  ///< [N]
  FloatCalibration* calibration;
  ScreeningState* screening = nullptr;  ///< if models screen
  float* directions = nullptr;          ///< if a curvature is learnt, [leading_directions][padded N]
};

}  // namespace langevo
