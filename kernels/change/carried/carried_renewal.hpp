#pragma once

#include "kernels/change/carried/carried_values.hpp"
#include "kernels/network/forward.hpp"

/// Carried values anew, from the state in double.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Values, norms and errors of x on side 0, computed in double.
template <class Act, class Team>
LANGEVO_FUNCTION void renew_values(const Team& team, const ProblemView& problem, const double* x,
                                   const LossChangeWorkspace<Team, double>& work,
                                   CarriedValues<Team>& carried) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  constexpr double u = Limits<double>::unit_roundoff;
  constexpr auto u_float = static_cast<double>(Limits<float>::unit_roundoff);
  carried.side = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    carried.norms[l] = layer_norms<float>(
        team, network.layers[l], x, x, spectral_norm_pays(network.layers[l], data.points), work.norm_scratch);
  }
  if (carried.in_place) carried.shallow.bounds[0] = renewed_bounds<Act>(network, carried.norms);
  const PointErrors<double>& e = work.errors;
  for (std::size_t tile = 0; tile < data.tiles; ++tile) {
    float* stored = carried.value[0] + tile * carried.units * points_per_tile;
    const auto keep_bounds = [&](int side, int layer) LANGEVO_BODY {
      if (carried.in_place) return;
      const std::size_t first = (tile * carried.layered.layers + layer) * points_per_tile;
      float* const norm = carried.layered.norm[side] + first;
      float* const error = carried.layered.error[side] + first;
      team.each_point([&](int p) LANGEVO_BODY {
        norm[p] = static_cast<float>(e.value_norm[p]);
        error[p] = static_cast<float>((layer == 0 ? 0 : e.value[p]) + u_float * e.value_norm[p]);
      });
    };
    int from = 0;
    load_inputs(team, data, tile, work.value[from], work.errors);
    keep_bounds(0, 0);
    keep_bounds(1, 0);
    for (int l = 0; l < network.layer_count; ++l) {
      const Layer& layer = network.layers[l];
      const bool hidden = l + 1 < network.layer_count;
      const LayerNorms<float>& bounds = carried.norms[l];
      const LayerNorms<double> norms{bounds.spectral, bounds.weight, 0, bounds.bias, 0};
      team.each_point([&](int p) LANGEVO_BODY {
        e.value[p] = affine_error(norms, layer.fan_in, e.value_norm[p], e.value[p]);
        e.value_norm[p] = PointErrors<double>::square_floor();
      });
      each_unit_block<Team::units_per_block>(layer.fan_out, [&](auto block, int j) LANGEVO_BODY {
        constexpr int units = block;
        double* const rows = work.value[1 - from] + static_cast<std::size_t>(j) * points_per_tile;
        affine_units<units>(team, layer, j, x, work.value[from], rows);
        if (hidden)
          transform_rows<units>(team, rows, [](double a, int) LANGEVO_BODY { return Act::value(a); });
        team.each_point([&](int p) LANGEVO_BODY {
          double square = e.value_norm[p];
#pragma GCC unroll 8
          for (int i = 0; i < units; ++i) {
            const double h = rows[i * points_per_tile + p];
            stored[i * points_per_tile + p] = static_cast<float>(h);
            square = multiply_add(h, h, square);
          }
          e.value_norm[p] = square;
        });
        stored += units * points_per_tile;
      });
      team.each_point([&](int p) LANGEVO_BODY {
        e.value_norm[p] = square_root(e.value_norm[p]) + 1e-16;
        if (hidden)
          e.value[p] += u * Act::template value_error<double>().of_norm(layer.fan_out, e.value_norm[p]);
      });
      keep_bounds(0, l + 1);
      from = 1 - from;
    }
  }
  carried.acceptances = 0;
  carried.state = CarriedState::present;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
