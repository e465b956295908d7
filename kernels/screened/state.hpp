#pragma once

#include <cstdint>

#include "kernels/model/gradient_error.hpp"
#include "kernels/model/learnt_curvature.hpp"

namespace langevo {

/// Stretches that may follow one Hessian, each with a gradient of its own.
inline constexpr int most_hessian_ages = 7;

/// Where in its stretch a proposal is sent on: those that a new model leaves open are closer ones.
enum SentOn { at_anchor, later };

/// What one replica has learnt about its local models. All errors are of the change of the loss.
struct ScreeningState {
  double length = 0;                           ///< proposals of a usual stretch; 0: nothing is known yet
  double undecided = 0;                        ///< proposals that models left undecided, lately,
  double undecided_squares = 0;                ///< over stretches whose squared lengths add up to this
  ErrorGrowth growth[most_hessian_ages] = {};  ///< by the age of the Hessian
  double largest_remainder = 0;                ///< largest error beyond what e explains, lately
  double offset = 0;                           ///< mean of z.A.z / 2 where A is not known in full
  double pending_margin = 3;                   ///< see pending_error
  double float_share[2] = {1, 1};   ///< of proposals sent on, those that the float change decided, lately
  double float_gradient_error = 0;  ///< largest |G in float - G|, lately
  double credit = 0;                ///< exact steps' worth of time that models may lose yet
  std::uint32_t samples = 0;        ///< exact evaluations compared with the model
  std::uint32_t gradients = 0;      ///< made without carried activations
  std::uint32_t retreats = 0;       ///< to exact steps, since models last paid
  std::uint64_t exact_left = 0;     ///< steps to take without a model
  LearntCurvature learnt;
};

}  // namespace langevo
