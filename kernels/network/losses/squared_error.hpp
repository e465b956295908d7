#pragma once

#include "kernels/base/scalar.hpp"
#include "kernels/network/losses/outputs.hpp"

/// Squared errors, their slopes and their changes.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// sum_c (f_c - y_c)^2 of each point.
template <class Real, class Team>
LANGEVO_INLINE void squared_errors(const Team& team, int outputs, const Real* f, const Real* y,
                                   Real* losses) {
  team.each_point([&](int p) LANGEVO_BODY { losses[p] = 0; });
  each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
    const Real residual = f[i] - y[i];
    losses[p] = multiply_add(residual, residual, losses[p]);
  });
}

/// Their derivatives by the outputs, 2 (f_c - y_c), multiplied by `scale`.
template <class Real, class Team>
LANGEVO_INLINE void squared_error_slopes(const Team& team, int outputs, const Real* f, const Real* y,
                                         Real scale, Real* slope) {
  each_output(team, 0, outputs, [&](int i, int) LANGEVO_BODY { slope[i] = 2 * scale * (f[i] - y[i]); });
}

/// One output's part df (2 r + df), r = f - y, of `outputs`; f and df are known to value_error and
/// change_error.
template <class Real>
LANGEVO_INLINE PointLossChange<Real> squared_error_change(int outputs, Real f, Real df, Real y,
                                                          Real value_error, Real change_error) {
  constexpr Real u = Limits<Real>::unit_roundoff;
  const Real residual = f - y;
  const Real factor = residual + residual + df;
  const Real residual_error = value_error + u * (absolute(y) + absolute(residual));
  const Real factor_error = residual_error + residual_error + change_error;
  const Real magnitude = absolute(df * factor);
  return {df * factor, magnitude,
          change_error * (absolute(factor) + factor_error) + absolute(df) * factor_error +
              Real(4 + outputs) * u * magnitude};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
