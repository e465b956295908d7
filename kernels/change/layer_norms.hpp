#pragma once

#include "kernels/change/spectral_norm.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

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

}  // namespace LANGEVO_TARGET
}  // namespace langevo
