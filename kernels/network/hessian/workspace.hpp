#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Whether the network is one that hessian.hpp knows, with a Hessian small enough to stay near the processor
/// and of so few rows that it pays within some 10^4 steps: with more, curvatures that are learnt pay much
/// sooner.
LANGEVO_INLINE bool has_curvature(const NetworkView& network) {
  constexpr std::size_t most_parameters = 384;
  constexpr std::size_t most_entries = 1024;  // of the outputs' derivatives at one point
  const std::size_t entries = network.parameter_count * network.layers[network.layer_count - 1].fan_out;
  return network.layer_count <= 2 && network.parameter_count <= most_parameters && entries <= most_entries;
}

/// Scratch memory for one tile of points; in each point's row units lie side by side.
struct CurvatureWorkspace {
  float* weight_in;   ///< w_jk, the bias for k = d_in, [d_in + 1][padded hidden]
  float* weight_out;  ///< v_cj, [outputs][padded fan_in of the last layer]
  float* bias_out;    ///< of the last layer, [outputs]
  float* input;       ///< inputs, then 1 for the bias, [d_in + 1][points_per_tile]
  float* below;       ///< what the last layer is fed with, [points_per_tile][padded fan_in of the last layer]
  float* slope;       ///< h', [points_per_tile][padded hidden]
  float* second;      ///< h'' sum_c s_c v_cj, [points_per_tile][padded hidden]
  double* output;     ///< f, [outputs][points_per_tile]
  double* loss_slope;   ///< s, [outputs][points_per_tile]
  double* probability;  ///< softmax(f), likewise
  double* mass;         ///< Y, [points_per_tile]
  float* factor;        ///< of each point's row, [points_per_tile]
  float* total;         ///< of rows with factors, [padded hidden]
  float* one;           ///< ones, [padded hidden]
  float* row;           ///< of the Gram matrix, [points_per_tile][outputs][padded N]
  float* mean_row;      ///< sum_d p_d J_d, [padded N]
  float* within;  ///< sum over points and c of s_c v_cj h''_j x_k x_m, [d_in + 1][d_in + 1][padded hidden]
  float* across;  ///< sum over points of s_c h'_j x_k, [outputs][d_in + 1][padded hidden]

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    if (!has_curvature(network)) return;
    const Layer& last = network.layers[network.layer_count - 1];
    const std::size_t outputs = last.fan_out;
    const std::size_t inputs = network.layers[0].fan_in + 1;
    const std::size_t units = padded_row(last.fan_in);
    const std::size_t padded = padded_row(network.parameter_count);
    weight_in = arena.take<float>(inputs * units);
    weight_out = arena.take<float>(outputs * units);
    bias_out = arena.take<float>(outputs);
    input = arena.take<float>(inputs * points_per_tile);
    output = arena.take<double>(outputs * points_per_tile);
    loss_slope = arena.take<double>(outputs * points_per_tile);
    probability = arena.take<double>(outputs * points_per_tile);
    mass = arena.take<double>(points_per_tile);
    factor = arena.take<float>(points_per_tile);
    total = arena.take<float>(units);
    one = arena.take<float>(units);
    mean_row = arena.take<float>(padded);
    within = arena.take<float>(inputs * inputs * units);
    across = arena.take<float>(outputs * inputs * units);
    below = arena.take<float>(points_per_tile * units);
    slope = arena.take<float>(points_per_tile * units);
    second = arena.take<float>(points_per_tile * units);
    row = arena.take<float>(points_per_tile * outputs * padded);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
