#pragma once

#include "kernels/network/problem_view.hpp"
#include "langevo/dynamics.hpp"

/// What the parts of screened acceptance cost.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Costs in exact steps, for the controller only; bench/screening_costs prints them beside measured ones.
struct ScreeningCosts {
  double step;       ///< an exact step, in nanoseconds
  double proposal;   ///< a proposal that the model decides
  double gradient;   ///< and the leading directions of a known Hessian there
  double anchor;     ///< that and a Hessian
  double in_float;   ///< an evaluation for a proposal that the model left undecided,
  double in_double;  ///< and one that float leaves undecided, too
};

/// Numbers fitted to nanoseconds of one AVX-512 core. `curved`: the Hessian is known; `carries`: the team can
/// carry the values of all units from one exact step to the next.
LANGEVO_FUNCTION ScreeningCosts screening_costs(const ProblemView& problem, Precision precision, bool curved,
                                                bool carries) {
  const NetworkView& network = problem.network;
  const auto points = static_cast<double>(problem.data_double.points);
  const auto n = static_cast<double>(network.parameter_count);
  double weights = 0;
  double units = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    weights += static_cast<double>(network.layers[l].fan_in) * network.layers[l].fan_out;
    units += network.layers[l].fan_out;
  }
  const Layer& first = network.layers[0];
  const double shallow_units = is_shallow(network) ? first.fan_out : 0;
  const double other_weights = weights - shallow_units * first.fan_in;
  const double own = 300 + 1.5 * n;
  const double in_float = own + points * (0.042 * weights + 0.66 * units);
  const double in_double = 3 * in_float;
  const bool precise = precision == Precision::float64;
  const bool carried = carries && network.carried_tiles > 0;
  const bool forward = network.forward_tiles > 0 && (!carried || forward_passes_pay(network));
  const double step = precise   ? in_double
                      : forward ? own + points * (1 + 0.0125 * weights + 0.19 * units)
                      : carried ? own + points * ((is_shallow(network) ? 0.6 : 2) + 0.022 * other_weights +
                                                  0.2 * (units - shallow_units) + 0.12 * shallow_units)
                                : in_float;
  const double gradient =
      own + points * (precise ? 0.068 * weights + 1.15 * units : 0.034 * weights + 0.5 * units);
  const double directions = curved ? 0.27 * n * n + 8 * n : 0;
  const double rows = problem.data_double.target_dim * points;
  const double hessian = curved ? n * n + 0.011 * n * n * rows + 30 * points : 0;
  return {step,
          (15 + n) / step,
          (gradient + directions) / step,
          (gradient + directions + hessian) / step,
          in_float / step,
          in_double / step};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
