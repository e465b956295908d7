#pragma once

#include "kernels/descent/leap_state.hpp"
#include "kernels/model/learnt_curvature.hpp"
#include "kernels/quadrature/nodes.hpp"
#include "kernels/screened/state.hpp"

namespace langevo {

/// One replica's state.
struct ReplicaView {
  double* x;  ///< [N]
  FloatCalibration* calibration;
  ScreeningState* screening = nullptr;  ///< if models screen
  LearntCurvature* learnt = nullptr;    ///< if they do and no curvature is known in full
  float* directions = nullptr;          ///< if a curvature is learnt, [leading_directions][padded N]
  DefectState* defect = nullptr;        ///< if nodes may stand for all points
  LeapView leaps = {};                  ///< of gradient steps
};

}  // namespace langevo
