#pragma once

#include "kernels/network/losses/outputs.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// A loss that is a mean over points and outputs of l(r), r = f - y. `Term` gives
/// - add(sum, r) = sum + l(r); slope(r, scale) = scale l'(r); second_slope(r) = l''(r) >= 0;
/// - change(r, df, r_error, df_error, roundings): l(r + df) - l(r) without cancellation, of an r and df known
/// to
///   these errors, with `roundings` more than its own.
template <class Term>
struct LossOfResiduals {
  static constexpr bool is_mean_over_outputs = true;
  /// d2l/df_c df_d is diagonal.
  static constexpr bool couples_outputs = false;

  /// sum_c l(f_c - y_c) of each point.
  template <class Real, class Team>
  LANGEVO_INLINE static void values(const Team& team, int outputs, const Real* f, const Real* y,
                                    Real* losses) {
    team.each_point([&](int p) LANGEVO_BODY { losses[p] = 0; });
    each_output(team, 0, outputs,
                [&](int i, int p) LANGEVO_BODY { losses[p] = Term::add(losses[p], f[i] - y[i]); });
  }

  /// Derivatives of the points' losses by the outputs, multiplied by `scale`.
  template <class Real, class Team>
  LANGEVO_INLINE static void slopes(const Team& team, int outputs, const Real* f, const Real* y, Real scale,
                                    Real* slope) {
    each_output(team, 0, outputs,
                [&](int i, int) LANGEVO_BODY { slope[i] = Term::slope(f[i] - y[i], scale); });
  }

  LANGEVO_INLINE static double second_slope(double r) { return Term::second_slope(r); }

  /// The change of each point's loss: store(p, term), and add(p, term) for every output but the first.
  template <class Real, class Team, class Store, class Add>
  LANGEVO_INLINE static void changes(const Team& team, int outputs, const Real* f, const Real* df,
                                     const Real* y, const OutputErrors<Real>& errors, const Store& store,
                                     const Add& add) {
    constexpr Real u = Limits<Real>::unit_roundoff;
    const auto term = [&](int i, int p) LANGEVO_BODY {
      const Real residual = f[i] - y[i];
      const Real residual_error = errors.value[p] + u * (absolute(y[i]) + absolute(residual));
      return Term::change(residual, df[i], residual_error, errors.change[p], outputs);
    };
    team.each_point([&](int p) LANGEVO_BODY { store(p, term(p, p)); });
    each_output(team, 1, outputs, [&](int i, int p) LANGEVO_BODY { add(p, term(i, p)); });
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
