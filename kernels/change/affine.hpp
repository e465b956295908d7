#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/change/spectral_norm.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Inputs that are summed before they are added to the sum of those before them, which keeps the rounding
/// error of n inputs near n/8 + 8 roundings instead of n.
inline constexpr int inputs_per_block = 8;

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

/// The norms of x' - x alone; `each_change(i, change)` for every parameter of the layer on the way.
template <class Real, class Team, class Body>
LANGEVO_FUNCTION void take_change_norms(const Team& team, const Layer& layer, const double* x,
                                        const double* proposed, LayerNorms<Real>& norms,
                                        const Body& each_change) {
  const auto norm = [&](std::size_t offset, std::size_t count) {
    return static_cast<Real>(square_root(team.sum(count, [&](std::size_t i) LANGEVO_BODY {
      const double change = proposed[offset + i] - x[offset + i];
      each_change(offset + i, change);
      return change * change;
    })));
  };
  norms.weight_change = norm(layer.weight_offset, static_cast<std::size_t>(layer.fan_in) * layer.fan_out);
  norms.bias_change = layer.has_bias ? norm(layer.bias_offset, layer.fan_out) : Real(0);
}

template <class Real, class Team>
LANGEVO_FUNCTION LayerNorms<Real> layer_norms(const Team& team, const Layer& layer, const double* x,
                                              const double* proposed, bool spectral, double* scratch) {
  const auto norm = [&](std::size_t offset, std::size_t count) {
    return square_root(
        team.sum(count, [&](std::size_t i) LANGEVO_BODY { return x[offset + i] * x[offset + i]; }));
  };
  const double weight = norm(layer.weight_offset, static_cast<std::size_t>(layer.fan_in) * layer.fan_out);
  const double bound =
      spectral ? spectral_norm_bound(team, layer, x + layer.weight_offset, weight, scratch) : weight;
  LayerNorms<Real> norms{};
  norms.spectral = static_cast<Real>(bound);
  norms.weight = static_cast<Real>(weight);
  norms.bias = layer.has_bias ? static_cast<Real>(norm(layer.bias_offset, layer.fan_out)) : Real(0);
  take_change_norms(team, layer, x, proposed, norms, [](std::size_t, double) LANGEVO_BODY {});
  return norms;
}

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

/// Roundings that one summand of a preactivation and of its change goes through.
struct AffineRoundings {
  int value;
  int change;
};

/// Within its block, block by block, and of weight and input; a change is the sum of two.
LANGEVO_INLINE AffineRoundings roundings_of_blocks(int fan_in) {
  const int within = fan_in < inputs_per_block ? fan_in : inputs_per_block;
  const int blocks = (fan_in + inputs_per_block - 1) / inputs_per_block;
  return {blocks + within + 3, blocks + within + 5};
}

/// Whatever the order: products, sums over the inputs, the bias, weight and input; the change has two sums.
LANGEVO_INLINE AffineRoundings roundings_in_any_order(int fan_in) {
  return {fan_in + 4, 2 * fan_in + 5};
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

/// Rows of points of one layer. Weights are those of the whole network.
template <class Real>
struct AffineRows {
  const Real* weight;           ///< w
  const Real* proposed_weight;  ///< w' = w + e
  const Real* weight_change;    ///< e
  const Real* h;                ///< of the layer below
  const Real* dh;               ///< and its changes
};

/// a = b + sum_k w_k h_k and d = db + sum_k (w'_k dh_k + e_k h_k), which is w' (h + dh) - w h without
/// cancellation, of `Units` units from j on at the points of some registers from p on.
template <int Units, bool HasChange, class Registers, class Real>
LANGEVO_INLINE void affine_register_tile(const Layer& layer, int j, int p, const AffineRows<Real>& rows,
                                         Real* a_rows, Real* d_rows) {
  using Lanes = typename Registers::Lanes;
  constexpr int count = Registers::count;
  const int fan_in = layer.fan_in;
  const std::size_t first = layer.weight_offset + static_cast<std::size_t>(j) * fan_in;
  const Real* const w = rows.weight + first;
  const Real* const proposed_w = rows.proposed_weight + first;
  const Real* const e = rows.weight_change + first;
  Lanes a[Units][count];
  Lanes d[Units][count];
#pragma GCC unroll 8
  for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
    for (int q = 0; q < count; ++q) {
      a[i][q] = Lanes(layer.has_bias ? rows.weight[layer.bias_offset + j + i] : Real(0));
      d[i][q] = Lanes(layer.has_bias ? rows.weight_change[layer.bias_offset + j + i] : Real(0));
    }
  }
  for (int begin = 0; begin < fan_in; begin += inputs_per_block) {
    const int end = fan_in - begin < inputs_per_block ? fan_in : begin + inputs_per_block;
    Lanes value[Units][count];
    Lanes own[Units][count];      // sum e h
    Lanes carried[Units][count];  // sum w' dh
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
      for (int q = 0; q < count; ++q) value[i][q] = own[i][q] = carried[i][q] = Lanes(Real(0));
    }
    for (int k = begin; k < end; ++k) {
      Lanes h[count];
      Lanes dh[count];
#pragma GCC unroll 8
      for (int q = 0; q < count; ++q) {
        const int at = k * points_per_tile + p + q * Registers::stride;
        load_lanes(h[q], rows.h + at);
        if constexpr (HasChange) load_lanes(dh[q], rows.dh + at);
      }
#pragma GCC unroll 8
      for (int i = 0; i < Units; ++i) {
        const std::size_t at = static_cast<std::size_t>(i) * fan_in + k;
        const Lanes w_k(w[at]);
        const Lanes e_k(e[at]);
#pragma GCC unroll 8
        for (int q = 0; q < count; ++q) {
          value[i][q] = multiply_add(w_k, h[q], value[i][q]);
          own[i][q] = multiply_add(e_k, h[q], own[i][q]);
        }
        if constexpr (HasChange) {
          const Lanes proposed_w_k(proposed_w[at]);
#pragma GCC unroll 8
          for (int q = 0; q < count; ++q) carried[i][q] = multiply_add(proposed_w_k, dh[q], carried[i][q]);
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
      for (int q = 0; q < count; ++q) {
        a[i][q] = a[i][q] + value[i][q];
        if constexpr (HasChange) own[i][q] = own[i][q] + carried[i][q];
        d[i][q] = d[i][q] + own[i][q];
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
    for (int q = 0; q < count; ++q) {
      const int at = i * points_per_tile + p + q * Registers::stride;
      store_lanes(a[i][q], a_rows + at);
      store_lanes(d[i][q], d_rows + at);
    }
  }
}

/// Preactivations a and their changes d of `Units` units from j on at every point of a tile. `first`: the
/// inputs are data, dh = 0.
template <int Units, class Real, class Team>
LANGEVO_INLINE void affine_with_change(const Team& team, const Layer& layer, int j, bool first,
                                       const AffineRows<Real>& rows, Real* a, Real* d) {
  team.template each_register<Real, Team::registers_with_change>([&](auto registers, int p) LANGEVO_BODY {
    using Registers = decltype(registers);
    if (first) {
      affine_register_tile<Units, false, Registers>(layer, j, p, rows, a, d);
    } else {
      affine_register_tile<Units, true, Registers>(layer, j, p, rows, a, d);
    }
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
