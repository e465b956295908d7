#pragma once

#include "kernels/base/scalar.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/change/roundings.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

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
