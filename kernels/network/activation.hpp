#pragma once

#include "kernels/network/activations/identity.hpp"
#include "kernels/network/activations/relu.hpp"
#include "kernels/network/activations/sigmoid.hpp"
#include "kernels/network/activations/tanh.hpp"
#include "langevo/network.hpp"

/// Activations and their changes. Each gives
/// - value(a), slope(h) = dh/da and second_slope(h) = d2h/da2 as functions of the value h;
/// - change(h, a, d) = value(a + d) - value(a) to relative precision for |d| <= small_change<Real>, and
///   large_change(h, a, d) beyond; tiny_change(h, a, d), without a division, for |d| <=
///   tiny_change_reach<Real>;
/// - the errors in units of u, the unit roundoff: of a value value_error(), a line in |h|, of a change
///   change_error() |d|, and of a large change large_change_error(h, a, d);
/// - quick_value(a), of a float or of some side by side: its error is at most quick_error() u, a line in |h|,
///   and nearly the same for neighbouring arguments; values are at most largest_value();
/// - slope_bound >= |value'|, and sensitivity(excursion, margin) >= |d change / d a| for every a and d within
///   margin, of all units whose excursion(a, d) is at most `excursion`.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Calls `body` with the activation as a type, so that inner loops contain no choice.
template <class Body>
LANGEVO_INLINE auto with_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::relu:
      return body(ReluActivation{});
    case Activation::sigmoid:
      return body(SigmoidActivation{});
    case Activation::identity:
      return body(IdentityActivation{});
    case Activation::tanh:
      break;
  }
  return body(TanhActivation{});
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
