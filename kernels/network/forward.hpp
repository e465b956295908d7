#pragma once

#include "kernels/base/scalar.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/network/problem_view.hpp"

/// Forward passes on one tile of points.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// finish(start[i] + sum_k w[i unit_stride + k input_stride] input_k) to output_i, over `count` rows k, for
/// `Units` units i; nullptr: start = 0.
template <int Units, class Real, class Team, class Finish>
LANGEVO_INLINE void combine_rows(const Team& team, int count, const Real* w, std::size_t unit_stride,
                                 std::size_t input_stride, const Real* input, const Real* start, Real* output,
                                 const Finish& finish) {
  team.template each_register<Real, Team::registers_per_block>([&](auto registers, int p) LANGEVO_BODY {
    using Registers = decltype(registers);
    using Lanes = typename Registers::Lanes;
    Lanes sum[Units][Registers::count];
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
      for (int q = 0; q < Registers::count; ++q) sum[i][q] = Lanes(start == nullptr ? Real(0) : start[i]);
    }
    for (int k = 0; k < count; ++k) {
      const Real* const row = input + k * points_per_tile + p;
      Lanes value[Registers::count];
#pragma GCC unroll 8
      for (int q = 0; q < Registers::count; ++q) load_lanes(value[q], row + q * Registers::stride);
#pragma GCC unroll 8
      for (int i = 0; i < Units; ++i) {
        const Lanes weight(w[i * unit_stride + k * input_stride]);
#pragma GCC unroll 8
        for (int q = 0; q < Registers::count; ++q) sum[i][q] = multiply_add(weight, value[q], sum[i][q]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
#pragma GCC unroll 8
      for (int q = 0; q < Registers::count; ++q)
        store_lanes(finish(sum[i][q]), output + i * points_per_tile + p + q * Registers::stride);
    }
  });
}

struct AsItIs {
  template <class Lanes>
  LANGEVO_INLINE Lanes operator()(Lanes sum) const {
    return sum;
  }
};

/// finish(preactivations) of `Units` units from j on.
template <int Units, class Real, class Team, class Finish = AsItIs>
LANGEVO_INLINE void affine_units(const Team& team, const Layer& layer, int j, const Real* x,
                                 const Real* input, Real* output, const Finish& finish = {}) {
  const Real* const bias = layer.has_bias ? x + layer.bias_offset + j : nullptr;
  combine_rows<Units>(team, layer.fan_in,
                      x + layer.weight_offset + static_cast<std::size_t>(j) * layer.fan_in, layer.fan_in, 1,
                      input, bias, output, finish);
}

/// row[p] = body(row[p], p) for each point of `Units` rows.
template <int Units, class Real, class Team, class Body>
LANGEVO_INLINE void transform_rows(const Team& team, Real* rows, const Body& body) {
  team.each_point([&](int p) LANGEVO_BODY {
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
      const int at = i * points_per_tile + p;
      rows[at] = body(rows[at], at);
    }
  });
}

/// Values of one layer's units on one tile above those of the layer below, `input`; `preactivations` of
/// hidden units are kept where slopes follow from them and it is not null.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION void layer_values(const Team& team, const Layer& layer, bool hidden, const Real* x,
                                   const Real* input, Real* values, Real* preactivations = nullptr) {
  each_unit_block<Team::units_per_block>(layer.fan_out, [&](auto units, int j) LANGEVO_BODY {
    const std::size_t first = static_cast<std::size_t>(j) * points_per_tile;
    Real* const rows = values + first;
    affine_units<units>(team, layer, j, x, input, rows);
    if (!hidden) return;
    if constexpr (Act::slope_of_preactivation) {
      if (preactivations != nullptr) {
        Real* const kept = preactivations + first;
        transform_rows<units>(team, rows, [kept](Real a, int at) LANGEVO_BODY {
          kept[at] = a;
          return Act::value(a);
        });
        return;
      }
    }
    transform_rows<units>(team, rows, [](Real a, int) LANGEVO_BODY { return Act::value(a); });
  });
}

/// Activations of every layer on one tile into h, [sum of widths][points_per_tile], input first; returns the
/// outputs. `preactivations`: likewise, see layer_values.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION Real* forward(const Team& team, const ProblemView& problem, const Real* x, std::size_t tile,
                               Real* h, Real* preactivations = nullptr) {
  const NetworkView& network = problem.network;
  const DataView<Real>& data = data_of<Real>(problem);
  Real* const values = h;
  const Real* inputs = data.inputs + tile * data.input_dim * points_per_tile;
  for (int k = 0; k < data.input_dim; ++k) {
    team.each_point([&](int p)
                        LANGEVO_BODY { h[k * points_per_tile + p] = inputs[k * points_per_tile + p]; });
  }
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    Real* next = h + static_cast<std::size_t>(layer.fan_in) * points_per_tile;
    Real* const kept = preactivations == nullptr ? nullptr : preactivations + (next - values);
    layer_values<Act>(team, layer, l + 1 < network.layer_count, x, h, next, kept);
    h = next;
  }
  return h;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
