#pragma once

#include <cstdint>

#include "kernels/model/gradient_error.hpp"

namespace langevo {

/// Stretches that may follow one Hessian, each with a gradient of its own.
inline constexpr int most_hessian_ages = 7;

/// Ages of a Hessian whose errors are told apart: 0, 1, 2 to 3, 4 and more.
inline constexpr int told_hessian_ages = 4;

/// What one replica has learnt about its local models. All errors are of the change of the loss. Large
/// ensembles have millions of these: they are as small as serves.
struct ScreeningState {
  float length = 0;                            ///< proposals of a usual stretch; 0: nothing is known yet
  float undecided = 0;                         ///< proposals that models left undecided, lately,
  float undecided_squares = 0;                 ///< over stretches whose squared lengths add up to this
  ErrorGrowth growth[told_hessian_ages] = {};  ///< by the age of the Hessian
  float proposals = 0;                         ///< of the last stretches,
  float accepted = 0;                          ///< and how many of them were accepted
  float largest_remainder = 0;                 ///< largest error beyond what e explains, lately
  float pending_margin = 3;                    ///< see pending_error
  float float_gradient_error = 0;              ///< largest |G in float - G|, lately
  float credit = 0;                            ///< exact steps' worth of time that models may lose yet
  std::uint32_t samples = 0;                   ///< exact evaluations compared with the model
  std::uint32_t gradients = 0;                 ///< that were made
  std::uint32_t retreats = 0;                  ///< to exact steps, since models last paid
  std::uint32_t exact_left = 0;                ///< steps to take without a model
};

}  // namespace langevo
