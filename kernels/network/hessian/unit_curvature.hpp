#pragma once

#include "kernels/network/gradient.hpp"
#include "kernels/network/hessian/workspace.hpp"

/// The second part of the Hessian, which couples parameters of the same hidden unit; see hessian.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// out_j += weight_j sum over points p of the tile of factor(p) rows[p][j].
template <class Team, class Factor>
LANGEVO_FUNCTION void add_weighed_units(const Team& team, std::size_t count, std::size_t units,
                                        const float* rows, const Factor& factor, const float* weight,
                                        float* out, const CurvatureWorkspace& work) {
  team.each(count, [&](std::size_t p) LANGEVO_BODY { work.factor[p] = factor(p); });
  team.synchronize();
  team.combine_rows(count, units, rows, work.factor, work.total);
  team.synchronize();
  team.each(units,
            [&](std::size_t j) LANGEVO_BODY { out[j] = multiply_add(weight[j], work.total[j], out[j]); });
  team.synchronize();
}

/// Adds the tile's part of `within` and `across`.
template <class Team>
LANGEVO_FUNCTION void add_unit_curvature(const Team& team, const ProblemView& problem, std::size_t tile,
                                         std::size_t count, const CurvatureWorkspace& work) {
  const NetworkView& network = problem.network;
  if (network.layer_count == 1) return;
  const Layer& last = network.layers[1];
  const std::size_t units = padded_row(last.fan_in);
  const int outputs = last.fan_out;
  const std::size_t inputs = network.layers[0].fan_in + (network.layers[0].has_bias ? 1 : 0);
  const std::size_t stride = network.layers[0].fan_in + 1;
  if (team.worker() == 0) slope_of_outputs<double>(team, problem, tile, work.output, work.loss_slope);
  team.each(units, [&](std::size_t j) LANGEVO_BODY { work.one[j] = 1; });
  team.synchronize();
  for (int c = 0; c < outputs; ++c) {
    const double* const loss_slope = work.loss_slope + static_cast<std::size_t>(c) * points_per_tile;
    for (std::size_t k = 0; k < inputs; ++k) {
      const float* const x_k = work.input + k * points_per_tile;
      for (std::size_t m = k; m < inputs; ++m) {
        const float* const x_m = work.input + m * points_per_tile;
        add_weighed_units(
            team, count, units, work.second,
            [&](std::size_t p) LANGEVO_BODY { return static_cast<float>(loss_slope[p]) * x_k[p] * x_m[p]; },
            work.weight_out + c * units, work.within + (k * stride + m) * units, work);
      }
      add_weighed_units(
          team, count, units, work.slope,
          [&](std::size_t p) LANGEVO_BODY { return static_cast<float>(loss_slope[p]) * x_k[p]; }, work.one,
          work.across + (c * stride + k) * units, work);
    }
  }
}

/// Adds `within` and `across` to the Hessian, in the upper triangle.
template <class Team>
LANGEVO_FUNCTION void place_unit_curvature(const Team& team, const NetworkView& network,
                                           const CurvatureWorkspace& work, std::size_t padded,
                                           float* hessian) {
  if (network.layer_count == 1) return;
  const Layer& hidden = network.layers[0];
  const Layer& last = network.layers[1];
  const std::size_t units = last.fan_in;
  const std::size_t fan_in = hidden.fan_in;
  const std::size_t inputs = fan_in + (hidden.has_bias ? 1 : 0);
  const auto parameter = [&](std::size_t j, std::size_t k) {
    return k < fan_in ? hidden.weight_offset + j * fan_in + k : hidden.bias_offset + j;
  };
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t m = k; m < inputs; ++m) {
      const float* within = work.within + (k * (fan_in + 1) + m) * padded_row(units);
      team.each(units, [&](std::size_t j) LANGEVO_BODY {
        hessian[parameter(j, k) * padded + parameter(j, m)] += within[j];
      });
    }
    for (int c = 0; c < last.fan_out; ++c) {
      const float* across = work.across + (c * (fan_in + 1) + k) * padded_row(units);
      team.each(units, [&](std::size_t j) LANGEVO_BODY {
        hessian[parameter(j, k) * padded + last.weight_offset + c * units + j] += across[j];
      });
    }
  }
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
