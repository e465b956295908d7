#pragma once

#include "kernels/change/layer_norms.hpp"
#include "kernels/change/roundings.hpp"

/// Error bounds of values and changes that are carried from state to state, where no sum's order is known;
/// see loss_change.hpp. Norms are 2-norms over a layer's units at one point, or bounds on them at all points.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Bounds on the norm of changes and on that of their errors.
template <class Real>
struct ChangeBounds {
  Real norm;
  Real error;
};

/// Error of preactivations above values of `norm` with `error`.
template <class Real>
LANGEVO_INLINE Real affine_error(const LayerNorms<Real>& norms, int fan_in, Real norm, Real error) {
  const Real gamma = Real(roundings_in_any_order(fan_in).value) * Limits<Real>::unit_roundoff;
  return norms.spectral * error + gamma * (norms.weight * norm + norms.bias);
}

/// Changes of those preactivations.
template <class Real>
LANGEVO_INLINE ChangeBounds<Real> affine_change_bounds(const LayerNorms<Real>& norms, int fan_in,
                                                       const ChangeBounds<Real>& below, Real norm,
                                                       Real error) {
  const Real gamma = Real(roundings_in_any_order(fan_in).change) * Limits<Real>::unit_roundoff;
  const Real spectral = norms.spectral + norms.weight_change;
  const Real weight = norms.weight + norms.weight_change;
  const Real own = norms.weight_change * norm + norms.bias_change;
  return {spectral * below.norm + own,
          spectral * below.error + norms.weight_change * error + gamma * (weight * below.norm + own)};
}

/// Changes of values with `error`, whose preactivations change within `bounds`, by a series with that
/// remainder; no slope is above 1.
template <class Act, class Real>
LANGEVO_INLINE ChangeBounds<Real> series_change_bounds(const ChangeBounds<Real>& bounds, Real error,
                                                       Real remainder) {
  const Real own = Real(Act::series_error()) * Limits<Real>::unit_roundoff + remainder;
  return {bounds.norm, bounds.error + (Real(Act::series_sensitivity()) * error + own) * bounds.norm};
}

/// Values of `norm` with `error` to which such changes were added.
template <class Real>
LANGEVO_INLINE ChangeBounds<Real> changed_value_bounds(const ChangeBounds<Real>& bounds, Real norm,
                                                       Real error) {
  const Real next = norm + bounds.norm;
  return {next, error + bounds.error + Limits<Real>::unit_roundoff * next};
}

/// Bounds of values that went on to `next` and were brought back: the error of the way back is that of the
/// way there, of values whose own error has grown.
template <class Act, class Real>
LANGEVO_INLINE ChangeBounds<Real> values_taken_back(const ChangeBounds<Real>& values,
                                                    const ChangeBounds<Real>& next) {
  const Real way = next.norm - values.norm;
  const Real growth = Real(1) + Real(Act::series_sensitivity()) * way;
  return {next.norm + way,
          next.error + growth * (next.error - values.error) + Limits<Real>::unit_roundoff * way};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
