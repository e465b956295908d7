#pragma once

#include "kernels/base/tiles.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/problem_view.hpp"

/// The changes of one layer's units on one tile, in register tiles of units and points.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Rows of points of one layer. Weights are those of the whole network.
struct LayerRows {
  const float* proposed_weight;
  const float* weight_change;
  const float* h;            ///< of the layer below
  const float* dh;           ///< and its changes
  const float* value;        ///< of this layer
  float* next;               ///< value + change
  float* change;             ///< of this layer's values
  float* square_of_changes;  ///< += d^2 of each preactivation change d, [points_per_tile]
  std::size_t points;        ///< that the tile has; others may be left out
};

/// The change of an output is that of its affine map.
struct LinearOutput {
  template <int Terms, class Real>
  LANGEVO_INLINE static Real series_change(Real /*h*/, Real d) {
    return d;
  }
};

/// `Units` units from j on at Vectors * lanes points from `first` on. Each unit's d is one sum in a fixed
/// order, so that neither the tile nor the vector length shows in it.
template <class Act, int Terms, bool First, int Units, int Vectors, class Lanes>
LANGEVO_INLINE void carry_register_tile(const Layer& layer, int j, int first, const LayerRows& rows) {
  constexpr int lanes = sizeof(Lanes) / sizeof(float);
  const std::size_t fan_in = layer.fan_in;
  const std::size_t weights = layer.weight_offset + static_cast<std::size_t>(j) * fan_in;
  const float* w = rows.proposed_weight + weights;
  const float* e = rows.weight_change + weights;
  // A unit alone has two sums, so that additions do not wait for each other.
  constexpr int sums = Units == 1 && !First ? 2 : 1;
  Lanes d[sums][Units][Vectors];
#pragma GCC unroll 8
  for (int i = 0; i < Units; ++i) {
    const Lanes bias(layer.has_bias ? rows.weight_change[layer.bias_offset + j + i] : 0.0f);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      d[0][i][v] = bias;
      if constexpr (sums == 2) d[1][i][v] = Lanes(0.0f);
    }
  }
  const float* h = rows.h + first;
  const float* dh = rows.dh + first;
  for (std::size_t k = 0; k < fan_in; ++k, h += points_per_tile, dh += points_per_tile) {
    Lanes input[Vectors];
    Lanes change[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      input[v] = Lanes::load(h + v * lanes);
      if constexpr (!First) change[v] = Lanes::load(dh + v * lanes);
    }
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
      const Lanes e_k(e[i * fan_in + k]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) d[0][i][v] = multiply_add(e_k, input[v], d[0][i][v]);
      if constexpr (!First) {
        const Lanes w_k(w[i * fan_in + k]);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) d[sums - 1][i][v] = multiply_add(w_k, change[v], d[sums - 1][i][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    float* const square_at = rows.square_of_changes + first + v * lanes;
    Lanes square = Lanes::load(square_at);
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
      const std::size_t at = static_cast<std::size_t>(j + i) * points_per_tile + first + v * lanes;
      const Lanes sum = sums == 2 ? d[0][i][v] + d[sums - 1][i][v] : d[0][i][v];
      const Lanes value = Lanes::load(rows.value + at);
      const Lanes rise = Act::template series_change<Terms>(value, sum);
      square = multiply_add(sum, sum, square);
      rise.store(rows.change + at);
      (value + rise).store(rows.next + at);
    }
    square.store(square_at);
  }
}

/// All units at Vectors * lanes points from `first` on.
template <class Act, int Terms, bool First, int Vectors, class Lanes>
LANGEVO_INLINE void carry_strip(const Layer& layer, int first, const LayerRows& rows) {
  int j = 0;
  for (; j + 4 <= layer.fan_out; j += 4)
    carry_register_tile<Act, Terms, First, 4, Vectors, Lanes>(layer, j, first, rows);
  for (; j < layer.fan_out; ++j)
    carry_register_tile<Act, Terms, First, 1, Vectors, Lanes>(layer, j, first, rows);
}

/// The points that `Vectors` registers hold, in as few as will do.
template <class Act, int Terms, bool First, int Vectors, class Lanes>
LANGEVO_INLINE void carry_short_strip(const Layer& layer, const LayerRows& rows) {
  constexpr int fewer = Vectors - 1;
  if constexpr (fewer > 0) {
    if (rows.points <= fewer * sizeof(Lanes) / sizeof(float))
      return carry_short_strip<Act, Terms, First, fewer, Lanes>(layer, rows);
  }
  carry_strip<Act, Terms, First, Vectors, Lanes>(layer, 0, rows);
}

template <class Act, int Terms, bool First, class Lanes>
LANGEVO_FUNCTION void carry_units(const Layer& layer, const LayerRows& rows) {
  constexpr int lanes = sizeof(Lanes) / sizeof(float);
  if constexpr (lanes >= 16) {  // 16 sums in 32 registers
    carry_short_strip<Act, Terms, First, points_per_tile / lanes, Lanes>(layer, rows);
  } else {  // 8 in 16
    for (std::size_t first = 0; first < rows.points; first += 2 * lanes)
      carry_strip<Act, Terms, First, 2, Lanes>(layer, static_cast<int>(first), rows);
  }
}

/// `First`: the layer below has no changes.
template <class Act, int Terms, class Lanes>
LANGEVO_INLINE void carry_layer(bool first, const Layer& layer, const LayerRows& rows) {
  if (first) {
    carry_units<Act, Terms, true, Lanes>(layer, rows);
  } else {
    carry_units<Act, Terms, false, Lanes>(layer, rows);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
