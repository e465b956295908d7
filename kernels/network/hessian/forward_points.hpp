#pragma once

#include "kernels/network/activation.hpp"
#include "kernels/network/hessian/workspace.hpp"

/// Forward passes that lay the units of each point side by side.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The weights in float, units side by side, zeros in the padding.
template <class Team>
LANGEVO_FUNCTION void load_weights(const Team& team, const NetworkView& network, const double* x,
                                   const CurvatureWorkspace& work) {
  const Layer& last = network.layers[network.layer_count - 1];
  const std::size_t units = padded_row(last.fan_in);
  for (int c = 0; c < last.fan_out; ++c) {
    const double* v = x + last.weight_offset + static_cast<std::size_t>(c) * last.fan_in;
    team.each(units, [&](std::size_t j) LANGEVO_BODY {
      work.weight_out[c * units + j] =
          j < static_cast<std::size_t>(last.fan_in) ? static_cast<float>(v[j]) : 0.0f;
    });
    if (team.leads()) work.bias_out[c] = last.has_bias ? static_cast<float>(x[last.bias_offset + c]) : 0.0f;
  }
  if (network.layer_count > 1) {
    const Layer& hidden = network.layers[0];
    const std::size_t inputs = hidden.fan_in;
    for (std::size_t k = 0; k <= inputs; ++k) {
      team.each(units, [&](std::size_t j) LANGEVO_BODY {
        double w = 0;
        if (j < static_cast<std::size_t>(hidden.fan_out)) {
          if (k < inputs) w = x[hidden.weight_offset + j * inputs + k];
          if (k == inputs && hidden.has_bias) w = x[hidden.bias_offset + j];
        }
        work.weight_in[k * units + j] = static_cast<float>(w);
      });
    }
  }
  team.synchronize();
}

/// Forward through the network for the first `count` points of a tile: below, slope, second and
/// output.
template <class Act, class Team>
LANGEVO_FUNCTION void evaluate_points(const Team& team, const ProblemView& problem, std::size_t tile,
                                      std::size_t count, const CurvatureWorkspace& work) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  const auto inputs = static_cast<std::size_t>(data.input_dim);
  for (std::size_t k = 0; k <= inputs; ++k) {
    const double* x = data.inputs + (tile * inputs + k) * points_per_tile;
    float* to = work.input + k * points_per_tile;
    team.each(count,
              [&](std::size_t p) LANGEVO_BODY { to[p] = k < inputs ? static_cast<float>(x[p]) : 1.0f; });
  }
  team.synchronize();
  const Layer& last = network.layers[network.layer_count - 1];
  const std::size_t units = padded_row(last.fan_in);
  if (network.layer_count == 1) {
    for (std::size_t k = 0; k < inputs; ++k) {
      team.each(count, [&](std::size_t p)
                           LANGEVO_BODY { work.below[p * units + k] = work.input[k * points_per_tile + p]; });
    }
  } else {
    float* const a = work.slope;  // preactivations first
    const float* const bias = work.weight_in + inputs * units;
    for (std::size_t p = 0; p < count; ++p) {
      const float x = work.input[p];
      float* const row = a + p * units;
      team.each(units,
                [&](std::size_t j) LANGEVO_BODY { row[j] = multiply_add(work.weight_in[j], x, bias[j]); });
      for (std::size_t k = 1; k < inputs; ++k) {
        const float x_k = work.input[k * points_per_tile + p];
        const float* const w = work.weight_in + k * units;
        team.each(units, [&](std::size_t j) LANGEVO_BODY { row[j] = multiply_add(w[j], x_k, row[j]); });
      }
    }
    team.synchronize();
    team.each(count * units, [&](std::size_t i) LANGEVO_BODY {
      const float preactivation = a[i];
      const float h = Act::value(preactivation);
      const float s = Act::slope_of_preactivation ? preactivation : h;
      work.below[i] = h;
      work.slope[i] = Act::slope(s);
      work.second[i] = Act::second_slope(s);
    });
  }
  team.synchronize();
  constexpr std::size_t few = Team::vectors_at_a_time;
  for (int c = 0; c < last.fan_out; ++c) {
    double* const output = work.output + static_cast<std::size_t>(c) * points_per_tile;
    const float* const weights[1] = {work.weight_out + c * units};
    for (std::size_t p = 0; p < count; p += few) {
      const std::size_t here = count - p < few ? count - p : few;
      typename Team::template VectorValues<double> sum;
      team.template dots<1>(units, here, work.below + p * units, units, weights, &sum);
      for (std::size_t k = 0; k < here; ++k) {
        const double value = team.of_vector(sum, k) + static_cast<double>(work.bias_out[c]);
        if (team.leads()) output[p + k] = value;
      }
    }
  }
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
