#pragma once

#include "kernels/base/tiles.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/problem_view.hpp"

/// The changes of a first hidden layer of few inputs on one tile. They cost less to compute than to store and
/// load: a proposal leaves the values as they are, and after an acceptance the next proposal's pass over the
/// values computes the changes again and adds them. Where most proposals are accepted, a pass leaves the
/// proposal's values, and after a rejection the next one takes the changes back.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Rows of points of one tile.
struct ShallowRows {
  const float* change;  ///< of the weights and biases, [shallow_parameters(layer)]
  const float* before;  ///< that come first, likewise; nullptr: none
  const float* input;
  float* value;
  int points;       ///< that are worked on, a multiple of float_row
  float reach;      ///< of both changes: a bound on |d| of every unit
  float remainder;  ///< of the series of `change`, in |d|, whatever the reach of the other one
};

/// The values that a pass leaves in place: those after the changes that come first, or the proposal's.
enum class ValuesLeft { present, proposed };

/// Weights, then biases, which hidden layers always have.
LANGEVO_INLINE std::size_t shallow_parameters(const Layer& layer) {
  return static_cast<std::size_t>(layer.fan_out) * (layer.fan_in + 1);
}

/// A bound on the change d of every unit at every point whose input has at most `input_norm`:
/// (sqrt(fan_in) input_norm + 1) max |change|.
LANGEVO_INLINE float shallow_reach(const Layer& layer, const float* change, float input_norm) {
  constexpr int strip = 16;
  float largest[strip] = {};
  const std::size_t n = shallow_parameters(layer);
  std::size_t i = 0;
  for (; i + strip <= n; i += strip) {
#pragma omp simd
    for (int q = 0; q < strip; ++q) largest[q] = larger(largest[q], absolute(change[i + q]));
  }
  for (int q = 0; i < n; ++i, ++q) largest[q] = larger(largest[q], absolute(change[i]));
  float of_all = 0;
  for (const float size : largest) of_all = larger(of_all, size);
  return multiply_add(square_root(static_cast<float>(layer.fan_in)), input_norm, 1.0f) * of_all;
}

/// body(terms) for changes up to `reach`: no more terms of the series than leave a remainder of some
/// roundings, which the bound on errors counts. False where the series does not reach.
template <class Act, class Body>
LANGEVO_INLINE bool with_series_terms(float reach, const Body& body) {
  constexpr float remainder = 16 * Limits<float>::unit_roundoff;
  if (Act::template series_remainder<2>(reach) <= remainder) {
    body(Constant<2>{});
  } else if (reach <= Act::series_reach()) {
    body(Constant<3>{});
  } else {
    return false;
  }
  return true;
}

/// What the series leaves out of changes up to `size`, in |d|, for every reach from there on.
template <class Act>
LANGEVO_INLINE float shallow_remainder(float size) {
  float remainder = 0;
  with_series_terms<Act>(size, [&](auto terms) LANGEVO_BODY {
    remainder = Act::template series_remainder<decltype(terms){}>(size);
  });
  return remainder;
}

/// The changes d of unit j at Vectors * lanes points; input holds those of k = 0.
template <int Vectors, class Lanes, class FanIn>
LANGEVO_INLINE void shallow_unit_change(const Layer& layer, FanIn fan_in, int j, const float* change,
                                        const float* input_row, const Lanes* input, Lanes* d) {
  const auto* const e = change + static_cast<std::size_t>(j) * fan_in;
  const Lanes bias(change[static_cast<std::size_t>(layer.fan_out) * fan_in + j]);
  const Lanes e_0(e[0]);
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) d[v] = multiply_add(e_0, input[v], bias);
  for (int k = 1; k < fan_in; ++k) {
    const Lanes e_k(e[k]);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      d[v] = multiply_add(e_k, Lanes::load(input_row + k * points_per_tile + v * Lanes::count), d[v]);
  }
}

/// consume(j, value, rise) for all units j at Vectors * lanes points from `first` on.
template <class Act, int Terms, bool HasBefore, ValuesLeft Left, int Vectors, class Lanes, class FanIn,
          class Consume>
LANGEVO_INLINE void each_shallow_change(const Layer& layer, FanIn fan_in, const ShallowRows& rows, int first,
                                        const Consume& consume) {
  const auto* const input_row = rows.input + first;
  auto* h = rows.value + first;
  Lanes input[Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) input[v] = Lanes::load(input_row + v * Lanes::count);
  for (int j = 0; j < layer.fan_out; ++j, h += points_per_tile) {
    Lanes value[Vectors];
    Lanes rise[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) value[v] = Lanes::load(h + v * Lanes::count);
    if constexpr (HasBefore) {
      shallow_unit_change<Vectors>(layer, fan_in, j, rows.before, input_row, input, rise);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) {
        value[v] = value[v] + Act::template series_change<Terms>(value[v], rise[v]);
        if constexpr (Left == ValuesLeft::present) value[v].store(h + v * Lanes::count);
      }
    }
    shallow_unit_change<Vectors>(layer, fan_in, j, rows.change, input_row, input, rise);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      rise[v] = Act::template series_change<Terms>(value[v], rise[v]);
      if constexpr (Left == ValuesLeft::proposed) (value[v] + rise[v]).store(h + v * Lanes::count);
    }
    consume(j, value, rise);
  }
}

/// each_shallow_change for the points of a tile: begin(first), consume(first, j, value, rise), end(first).
template <class Act, int Terms, ValuesLeft Left, int Vectors, class Lanes, class Begin, class Consume,
          class End>
LANGEVO_INLINE void each_shallow_strip(const Layer& layer, const ShallowRows& rows, const Begin& begin,
                                       const Consume& consume, const End& end) {
  for (int first = 0; first < rows.points; first += Lanes::count * Vectors) {
    begin(first);
    const auto consume_here = [&](int j, const Lanes* value, const Lanes* rise)
                                  LANGEVO_BODY { consume(first, j, value, rise); };
    const auto with = [&](auto fan_in) LANGEVO_BODY {
      if (rows.before == nullptr) {
        each_shallow_change<Act, Terms, false, Left, Vectors, Lanes>(layer, fan_in, rows, first,
                                                                     consume_here);
      } else {
        each_shallow_change<Act, Terms, true, Left, Vectors, Lanes>(layer, fan_in, rows, first, consume_here);
      }
    };
    if (layer.fan_in == 1) {
      with(Constant<1>{});
    } else {
      with(layer.fan_in);
    }
    end(first);
  }
}

/// body(vectors): registers of a row that are worked on together, a constant: two of 16 registers, four of
/// 32, or float_row points where a tile is not whole.
template <class Lanes, class Body>
LANGEVO_INLINE void with_shallow_vectors(int points, const Body& body) {
  constexpr int few = float_row / Lanes::count;
  if constexpr (sizeof(Lanes) < 64) {
    body(Constant<2>{});
  } else if (points == points_per_tile) {
    body(Constant<4>{});
  } else {
    body(Constant<few>{});
  }
}

/// The changes of the only unit of a linear layer above, of weights w' and changes e, to `output_change`.
template <class Act, int Terms, ValuesLeft Left, class Lanes>
LANGEVO_FUNCTION void shallow_output_change(const Layer& layer, const ShallowRows& rows, const float* w,
                                            const float* e, float bias_change, float* output_change) {
  constexpr int lanes = sizeof(Lanes) / sizeof(float);
  with_shallow_vectors<Lanes>(rows.points, [&](auto count) LANGEVO_BODY {
    constexpr int vectors = count;
    Lanes by_weight[vectors];
    Lanes by_value[vectors];
    each_shallow_strip<Act, Terms, Left, vectors, Lanes>(
        layer, rows,
        [&](int) LANGEVO_BODY {
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            by_weight[v] = Lanes(bias_change);
            by_value[v] = Lanes(0.0f);
          }
        },
        [&](int /*first*/, int j, const Lanes* value, const Lanes* rise) LANGEVO_BODY {
          const Lanes e_j(e[j]);
          const Lanes w_j(w[j]);
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v) {
            by_weight[v] = multiply_add(e_j, value[v], by_weight[v]);
            by_value[v] = multiply_add(w_j, rise[v], by_value[v]);
          }
        },
        [&](int first) LANGEVO_BODY {
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v)
            (by_weight[v] + by_value[v]).store(output_change + first + v * lanes);
        });
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
