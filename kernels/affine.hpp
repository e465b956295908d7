#pragma once

#include "kernels/arena.hpp"
#include "kernels/problem_view.hpp"
#include "kernels/spectral_norm.hpp"
#include "kernels/tiles.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Inputs that affine_row sums before it adds them to what it has.
inline constexpr int inputs_per_block = 4;

/// Norms of one layer: an upper bound of the spectral norm of W, and the Frobenius norms of W, x' - x of W,
/// b, and x' - x of b.
template <class Real>
struct LayerNorms {
  Real spectral;
  Real weight;
  Real weight_change;
  Real bias;
  Real bias_change;
};

template <class Real, class Team>
LANGEVO_FUNCTION LayerNorms<Real> layer_norms(const Team& team, const Layer& layer, const double* x,
                                              const double* proposed, bool spectral, double* scratch) {
  const auto norm = [&](std::size_t offset, std::size_t count) {
    return square_root(
        team.sum(count, [&](std::size_t i) LANGEVO_BODY { return x[offset + i] * x[offset + i]; }));
  };
  const auto change_norm = [&](std::size_t offset, std::size_t count) {
    return square_root(team.sum(count, [&](std::size_t i) LANGEVO_BODY {
      const double change = proposed[offset + i] - x[offset + i];
      return change * change;
    }));
  };
  const std::size_t weights = static_cast<std::size_t>(layer.fan_in) * layer.fan_out;
  const std::size_t biases = layer.has_bias ? layer.fan_out : 0;
  const double weight = norm(layer.weight_offset, weights);
  const double bound =
      spectral ? spectral_norm_bound(team, layer, x + layer.weight_offset, weight, scratch) : weight;
  return {static_cast<Real>(bound), static_cast<Real>(weight),
          static_cast<Real>(change_norm(layer.weight_offset, weights)),
          static_cast<Real>(norm(layer.bias_offset, biases)),
          static_cast<Real>(change_norm(layer.bias_offset, biases))};
}

/// The norms of x' - x alone.
template <class Real, class Team>
LANGEVO_FUNCTION void take_change_norms(const Team& team, const Layer& layer, const double* x,
                                        const double* proposed, LayerNorms<Real>& norms) {
  const auto norm = [&](std::size_t offset, std::size_t count) {
    return static_cast<Real>(square_root(team.sum(count, [&](std::size_t i) LANGEVO_BODY {
      const double change = proposed[offset + i] - x[offset + i];
      return change * change;
    })));
  };
  norms.weight_change = norm(layer.weight_offset, static_cast<std::size_t>(layer.fan_in) * layer.fan_out);
  norms.bias_change = layer.has_bias ? norm(layer.bias_offset, layer.fan_out) : Real(0);
}

/// Bounds and norms at each point of a tile; see loss_change.hpp. All [points_per_tile].
template <class Real>
struct PointErrors {
  Real* value;            ///< bound on the 2-norm of the rounding error of the layer's values
  Real* change;           ///< and of their changes
  Real* margin;           ///< sum of both
  Real* value_norm;       ///< |h|
  Real* change_norm;      ///< |dh|
  Real* value_rounding;   ///< sum of squares of the activation's own errors, unit u
  Real* change_rounding;  ///< and of its change's
  Real* sensitivity;      ///< largest |d change / d a|
  Real* loss_change;      ///< the point's term of the change of loss,
  Real* loss_magnitude;   ///< the size of its summands,
  Real* loss_error;       ///< and the bound on its error

  /// Sums of squares start here instead of at 0, so that squares that underflow cannot hide an error.
  LANGEVO_INLINE static constexpr Real square_floor() {
    return Limits<Real>::smallest_normal * Real(1 << 20);
  }

  LANGEVO_FUNCTION void carve(Arena& arena) {
    for (Real** array : {&value, &change, &margin, &value_norm, &change_norm, &value_rounding,
                         &change_rounding, &sensitivity, &loss_change, &loss_magnitude, &loss_error}) {
      *array = arena.take_private<Real>(points_per_tile);
    }
  }
};

/// The inputs of a tile have no change, and in float the error of their rounding.
template <class Real, class Team>
LANGEVO_FUNCTION void load_input_errors(const Team& team, const DataView<Real>& data, std::size_t tile,
                                        PointErrors<Real>& errors) {
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
                                  PointErrors<Real>& errors) {
  const Real* inputs = data.inputs + tile * data.input_dim * points_per_tile;
  for (int k = 0; k < data.input_dim; ++k) {
    const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
    team.each_point([&](int p) LANGEVO_BODY { value[row + p] = inputs[row + p]; });
  }
  load_input_errors(team, data, tile, errors);
}

/// Roundings that one summand of a preactivation and of its change goes through.
struct AffineRoundings {
  int value;
  int change;
};

/// Within its block, block by block, and of weight and input: the sums of affine_row.
LANGEVO_INLINE AffineRoundings roundings_of_blocks(int fan_in) {
  const int blocks = fan_in / inputs_per_block + fan_in % inputs_per_block;
  return {blocks + inputs_per_block + 3, blocks + 2 * inputs_per_block + 4};
}

/// Whatever the order: products, sums over the inputs, the bias, weight and input; the change has two sums.
LANGEVO_INLINE AffineRoundings roundings_in_any_order(int fan_in) {
  return {fan_in + 4, 2 * fan_in + 5};
}

/// Carries the error bounds through one layer's affine map.
template <class Real, class Team>
LANGEVO_FUNCTION void propagate_affine_errors(const Team& team, const LayerNorms<Real>& layer_norms,
                                              const AffineRoundings& roundings, PointErrors<Real>& errors) {
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

/// a += sum_k w_k h_k and d += sum_k (w'_k dh_k + e_k h_k) over `Count` consecutive inputs k, with w' = w + e
/// the proposed weight: w' (h + dh) - w h without cancellation. `Begins`: a and d start from the biases
/// instead. Inputs are summed in blocks first, which keeps the rounding error near n/4 + Count instead of n.
template <int Count, bool Begins, bool HasChange, class Real, class Team>
LANGEVO_INLINE void add_inputs(const Team& team, const Real* w, const Real* proposed_w, const Real* e,
                               const Real* h, const Real* dh, Real bias, Real bias_change, Real* a, Real* d) {
  Real w_of[Count];
  Real proposed_of[Count];
  Real e_of[Count];
  for (int k = 0; k < Count; ++k) {
    w_of[k] = w[k];
    proposed_of[k] = proposed_w[k];
    e_of[k] = e[k];
  }
  team.each_point([&](int p) LANGEVO_BODY {
    Real value = w_of[0] * h[p];
    Real change = e_of[0] * h[p];
    if constexpr (HasChange) change = multiply_add(proposed_of[0], dh[p], change);
    for (int k = 1; k < Count; ++k) {
      const Real input = h[k * points_per_tile + p];
      value = multiply_add(w_of[k], input, value);
      change = multiply_add(e_of[k], input, change);
      if constexpr (HasChange) change = multiply_add(proposed_of[k], dh[k * points_per_tile + p], change);
    }
    a[p] = (Begins ? bias : a[p]) + value;
    d[p] = (Begins ? bias_change : d[p]) + change;
  });
}

template <bool HasChange, class Real, class Team>
LANGEVO_INLINE void affine_row(const Team& team, int fan_in, const Real* w, const Real* proposed_w,
                               const Real* e, const Real* h, const Real* dh, Real bias, Real bias_change,
                               Real* a, Real* d) {
  constexpr int block = inputs_per_block;
  int k = 0;
  if (fan_in >= block) {
    add_inputs<block, true, HasChange>(team, w, proposed_w, e, h, dh, bias, bias_change, a, d);
    k = block;
  } else {
    add_inputs<1, true, HasChange>(team, w, proposed_w, e, h, dh, bias, bias_change, a, d);
    k = 1;
  }
  for (; k + block <= fan_in; k += block) {
    const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
    add_inputs<block, false, HasChange>(team, w + k, proposed_w + k, e + k, h + row, dh + row, bias,
                                        bias_change, a, d);
  }
  for (; k < fan_in; ++k) {
    const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
    add_inputs<1, false, HasChange>(team, w + k, proposed_w + k, e + k, h + row, dh + row, bias, bias_change,
                                    a, d);
  }
}

/// Preactivation a and its change d of unit j at every point of a tile. `first`: the inputs are data, dh = 0.
template <class Real, class Team>
LANGEVO_FUNCTION void affine_with_change(const Team& team, const Layer& layer, int j, const Real* weight,
                                         const Real* proposed_weight, const Real* weight_change,
                                         const Real* h, const Real* dh, bool first, Real* a, Real* d) {
  const std::size_t row = layer.weight_offset + static_cast<std::size_t>(j) * layer.fan_in;
  const Real bias = layer.has_bias ? weight[layer.bias_offset + j] : Real(0);
  const Real bias_change = layer.has_bias ? weight_change[layer.bias_offset + j] : Real(0);
  const Real* w = weight + row;
  const Real* proposed_w = proposed_weight + row;
  const Real* e = weight_change + row;
  if (first) {
    affine_row<false>(team, layer.fan_in, w, proposed_w, e, h, dh, bias, bias_change, a, d);
  } else {
    affine_row<true>(team, layer.fan_in, w, proposed_w, e, h, dh, bias, bias_change, a, d);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
