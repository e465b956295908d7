#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/base/scalar.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/change/layer_norms.hpp"
#include "kernels/change/roundings.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Bounds and norms at each point of a tile; see loss_change.hpp. All [points_per_tile].
template <class Real>
struct PointErrors {
  Real* value;            ///< bound on the 2-norm of the rounding error of the layer's values
  Real* change;           ///< and of their changes
  Real* margin;           ///< sum of both
  Real* value_norm;       ///< |h|
  Real* change_norm;      ///< |dh|
  Real* change_rounding;  ///< sum of squares of the errors that the activation adds to changes, unit u
  Real* excursion;        ///< largest one, see activation.hpp
  Real* loss_change;      ///< the point's term of the change of loss,
  Real* loss_magnitude;   ///< the size of its summands,
  Real* loss_error;       ///< and the bound on its error

  /// Sums of squares start here instead of at 0, so that squares that underflow cannot hide an error.
  LANGEVO_INLINE static constexpr Real square_floor() {
    return Limits<Real>::smallest_normal * Real(1 << 20);
  }

  LANGEVO_FUNCTION void carve(Arena& arena) {
    for (Real** array : {&value, &change, &margin, &value_norm, &change_norm, &change_rounding, &excursion,
                         &loss_change, &loss_magnitude, &loss_error}) {
      *array = arena.take_private<Real>(points_per_tile);
    }
  }
};

/// The inputs of a tile have no change, and in float the error of their rounding.
template <class Real, class Team>
LANGEVO_FUNCTION void load_input_errors(const Team& team, const DataView<Real>& data, std::size_t tile,
                                        const PointErrors<Real>& errors) {
  const Real* inputs = data.inputs + tile * data.input_dim * points_per_tile;
  team.each_point([&](int p) LANGEVO_BODY {
    errors.value_norm[p] = PointErrors<Real>::square_floor();
    errors.change_norm[p] = 0;
    errors.change[p] = 0;
  });
  for (int k = 0; k < data.input_dim; ++k) {
    const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
    team.each_point([&](int p) LANGEVO_BODY {
      const Real input = inputs[row + p];
      errors.value_norm[p] = multiply_add(input, input, errors.value_norm[p]);
    });
  }
  constexpr Real input_rounding = sizeof(Real) < sizeof(double) ? Limits<Real>::unit_roundoff : Real(0);
  team.each_point([&](int p) LANGEVO_BODY {
    errors.value_norm[p] = square_root(errors.value_norm[p]);
    errors.value[p] = input_rounding * errors.value_norm[p];
  });
}

/// Copies the inputs of a tile to `value`, and their errors.
template <class Real, class Team>
LANGEVO_FUNCTION void load_inputs(const Team& team, const DataView<Real>& data, std::size_t tile, Real* value,
                                  const PointErrors<Real>& errors) {
  const Real* inputs = data.inputs + tile * data.input_dim * points_per_tile;
  for (int k = 0; k < data.input_dim; ++k) {
    const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
    team.each_point([&](int p) LANGEVO_BODY { value[row + p] = inputs[row + p]; });
  }
  load_input_errors(team, data, tile, errors);
}

/// Carries the error bounds through one layer's affine map.
template <class Real, class Team>
LANGEVO_FUNCTION void propagate_affine_errors(const Team& team, const LayerNorms<Real>& layer_norms,
                                              const AffineRoundings& roundings,
                                              const PointErrors<Real>& errors) {
  const LayerNorms<Real> norms = layer_norms;  // a copy: stores to errors cannot alias it
  const Real gamma_value = Real(roundings.value) * Limits<Real>::unit_roundoff;
  const Real gamma_change = Real(roundings.change) * Limits<Real>::unit_roundoff;
  const Real proposed_weight = norms.weight + norms.weight_change;
  const Real proposed_spectral = norms.spectral + norms.weight_change;
  team.each_point([&](int p) LANGEVO_BODY {
    const Real value_error = errors.value[p];
    const Real change_error = errors.change[p];
    const Real h = errors.value_norm[p];
    const Real dh = errors.change_norm[p];
    const Real value = norms.spectral * value_error + gamma_value * (norms.weight * h + norms.bias);
    const Real change = proposed_spectral * change_error + norms.weight_change * value_error +
                        gamma_change * (proposed_weight * dh + norms.weight_change * h + norms.bias_change);
    errors.value[p] = value;
    errors.change[p] = change;
    errors.margin[p] = value + change;
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
