#pragma once

#include "kernels/activation.hpp"
#include "kernels/arena.hpp"
#include "kernels/loss.hpp"
#include "kernels/problem_view.hpp"

/// The Hessian of the loss, in float, for networks with at most one hidden layer.
///
/// With l the loss of one point, f_c its outputs, J_c = df_c/dx, s_c = dl/df_c:
///   d2l/dx2 = sum_cd (d2l/df_c df_d) J_c J_d^T + sum_c s_c d2f_c/dx2.
/// The first part is a Gram matrix: of the rows sqrt(2) J_c for squared errors, of the rows
/// sqrt(Y p_c) (J_c - sum_d p_d J_d) for the cross-entropy, p = softmax(f), Y = sum_c y_c. The second couples
/// only parameters of the same hidden unit j, with a_j = sum_k w_jk x_k, f_c = sum_j v_cj h(a_j) and the bias
/// as the weight of one more input, x = 1:
///   d2f_c/dw_jk dw_jm = v_cj h''_j x_k x_m,   d2f_c/dw_jk dv_cj = h'_j x_k.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Whether the network is one that this file knows, with a Hessian small enough to stay near the processor.
LANGEVO_INLINE bool has_curvature(const NetworkView& network) {
  constexpr std::size_t most_parameters = 384;
  return network.layer_count <= 2 && network.parameter_count <= most_parameters;
}

/// Of one point at a time, units side by side.
struct CurvatureWorkspace {
  float* weight_in;    ///< w_jk, the bias for k = d_in, [d_in + 1][padded hidden]
  float* weight_out;   ///< v_cj, [outputs][padded fan_in of the last layer]
  float* bias_out;     ///< of the last layer, [outputs]
  float* input;        ///< inputs, then 1 for the bias, [d_in + 1]
  float* below;        ///< what the last layer is fed with, [padded fan_in of the last layer]
  float* slope;        ///< h', [padded hidden]
  float* second;       ///< h'' sum_c s_c v_cj, [padded hidden]
  double* output;      ///< f, strided by points_per_tile as the loss has it
  double* target;      ///< y, likewise
  double* loss_slope;  ///< s, likewise
  float* row;          ///< of the Gram matrix, one tile of points, [points_per_tile][outputs][padded N]
  float* mean_row;     ///< sum_d p_d J_d, [padded N]; also scratch
  float* within;       ///< sum over points of second_j x_k x_m, [d_in + 1][d_in + 1][padded hidden]
  float* across;       ///< sum over points of s_c h'_j x_k, [outputs][d_in + 1][padded hidden]

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
    input = arena.take<float>(inputs);
    below = arena.take<float>(units);
    slope = arena.take<float>(units);
    second = arena.take<float>(units);
    output = arena.take<double>(outputs * points_per_tile);
    target = arena.take<double>(outputs * points_per_tile);
    loss_slope = arena.take<double>(outputs * points_per_tile);
    row = arena.take<float>(points_per_tile * outputs * padded);
    mean_row = arena.take<float>(padded);
    within = arena.take<float>(inputs * inputs * units);
    across = arena.take<float>(outputs * inputs * units);
  }
};

/// The weights in float, units side by side, zeros in the padding.
template <class Team>
LANGEVO_FUNCTION void load_weights(const Team& team, const NetworkView& network, const double* x,
                                   CurvatureWorkspace& work) {
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

/// Forward through the network for point `point`: below, slope, second (still h'' alone) and output.
template <class Act, class Team>
LANGEVO_FUNCTION void evaluate_point(const Team& team, const ProblemView& problem, std::size_t point,
                                     CurvatureWorkspace& work) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  const auto inputs = static_cast<std::size_t>(data.input_dim);
  const std::size_t tile = point / points_per_tile;
  const std::size_t p = point % points_per_tile;
  team.each(inputs, [&](std::size_t k) LANGEVO_BODY {
    work.input[k] = static_cast<float>(data.inputs[(tile * inputs + k) * points_per_tile + p]);
  });
  if (team.leads()) work.input[inputs] = 1;
  team.synchronize();
  const Layer& last = network.layers[network.layer_count - 1];
  const std::size_t units = padded_row(last.fan_in);
  if (network.layer_count == 1) {
    team.each(inputs, [&](std::size_t k) LANGEVO_BODY { work.below[k] = work.input[k]; });
  } else {
    float* a = work.slope;  // preactivations first; one loop over units each, so that they vectorise
    team.each(units, [&](std::size_t j) LANGEVO_BODY { a[j] = work.weight_in[inputs * units + j]; });
    for (std::size_t k = 0; k < inputs; ++k) {
      const float x = work.input[k];
      const float* w = work.weight_in + k * units;
      team.each(units, [&](std::size_t j) LANGEVO_BODY { a[j] = multiply_add(w[j], x, a[j]); });
    }
    team.each(units, [&](std::size_t j) LANGEVO_BODY {
      const float h = Act::value(a[j]);
      work.below[j] = h;
      work.slope[j] = Act::slope(h);
      work.second[j] = Act::second_slope(h);
    });
  }
  team.synchronize();
  for (int c = 0; c < last.fan_out; ++c) {
    const double sum = team.dot(units, work.weight_out + c * units, work.below);
    if (team.leads()) {
      work.output[c * points_per_tile] = sum + static_cast<double>(work.bias_out[c]);
      work.target[c * points_per_tile] = data.targets[(tile * data.target_dim + c) * points_per_tile + p];
    }
  }
  team.synchronize();
}

/// J_c of the point into `row`, [N]; padding untouched.
template <class Team>
LANGEVO_FUNCTION void output_slopes(const Team& team, const NetworkView& network, int c, float* row,
                                    const CurvatureWorkspace& work) {
  const Layer& last = network.layers[network.layer_count - 1];
  const std::size_t units = last.fan_in;
  for (int d = 0; d < last.fan_out; ++d) {
    float* of_output = row + last.weight_offset + d * units;
    const float own = d == c ? 1.0f : 0.0f;
    team.each(units, [&](std::size_t j) LANGEVO_BODY { of_output[j] = own * work.below[j]; });
    if (last.has_bias && team.leads()) row[last.bias_offset + d] = own;
  }
  if (network.layer_count == 1) return;
  const Layer& hidden = network.layers[0];
  const float* v = work.weight_out + c * padded_row(units);
  const std::size_t inputs = hidden.fan_in;
  for (std::size_t k = 0; k < inputs; ++k) {
    const float x = work.input[k];
    float* of_input = row + hidden.weight_offset + k;
    team.each(units, [&](std::size_t j) LANGEVO_BODY { of_input[j * inputs] = v[j] * work.slope[j] * x; });
  }
  if (hidden.has_bias) {
    float* bias = row + hidden.bias_offset;
    team.each(units, [&](std::size_t j) LANGEVO_BODY { bias[j] = v[j] * work.slope[j]; });
  }
}

/// The point's rows of the Gram matrix, [outputs][padded N], from its J_c already there.
template <class Team>
LANGEVO_FUNCTION void weigh_rows(const Team& team, Loss loss, int outputs, std::size_t padded, double scale,
                                 float* rows, CurvatureWorkspace& work) {
  if (loss == Loss::mse) {
    const auto weight = static_cast<float>(square_root(2 * scale));
    team.each(padded * outputs, [&](std::size_t i) LANGEVO_BODY { rows[i] *= weight; });
    return;
  }
  const SoftmaxParts<double> parts = softmax_parts<double>(outputs, work.output, nullptr);
  const auto probability = [&](int c) {
    return exponential(work.output[c * points_per_tile] - parts.highest) / parts.sum;
  };
  double mass = 0;
  for (int c = 0; c < outputs; ++c) mass += work.target[c * points_per_tile];
  team.each(padded, [&](std::size_t i) LANGEVO_BODY {
    float sum = 0;
    for (int c = 0; c < outputs; ++c) sum += static_cast<float>(probability(c)) * rows[c * padded + i];
    work.mean_row[i] = sum;
  });
  for (int c = 0; c < outputs; ++c) {
    const auto weight = static_cast<float>(square_root(scale * mass * probability(c)));
    float* row = rows + c * padded;
    team.each(padded, [&](std::size_t i) LANGEVO_BODY { row[i] = weight * (row[i] - work.mean_row[i]); });
  }
}

/// Adds the point's part of `within` and `across`.
template <class Team>
LANGEVO_FUNCTION void add_unit_curvature(const Team& team, const ProblemView& problem, double scale,
                                         CurvatureWorkspace& work) {
  const NetworkView& network = problem.network;
  if (network.layer_count == 1) return;
  const Layer& last = network.layers[1];
  const std::size_t units = padded_row(last.fan_in);
  const int outputs = last.fan_out;
  const std::size_t inputs = network.layers[0].fan_in + (network.layers[0].has_bias ? 1 : 0);
  const std::size_t stride = network.layers[0].fan_in + 1;
  if (team.leads()) {
    point_loss_slope(problem.loss, outputs, work.output, work.target, scale, work.loss_slope);
  }
  team.synchronize();
  const auto loss_slope = [&](int c) { return static_cast<float>(work.loss_slope[c * points_per_tile]); };
  float* weighed = work.mean_row;
  for (int c = 0; c < outputs; ++c) {
    const float slope = loss_slope(c);
    const float* v = work.weight_out + c * units;
    team.each(units, [&](std::size_t j) LANGEVO_BODY {
      weighed[j] = multiply_add(slope, v[j], c == 0 ? 0.0f : weighed[j]);
    });
  }
  team.each(units, [&](std::size_t j) LANGEVO_BODY { work.second[j] *= weighed[j]; });
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t m = k; m < inputs; ++m) {
      const float product = work.input[k] * work.input[m];
      float* within = work.within + (k * stride + m) * units;
      team.each(units, [&](std::size_t j)
                           LANGEVO_BODY { within[j] = multiply_add(work.second[j], product, within[j]); });
    }
    for (int c = 0; c < outputs; ++c) {
      const float product = loss_slope(c) * work.input[k];
      float* across = work.across + (c * stride + k) * units;
      team.each(units, [&](std::size_t j)
                           LANGEVO_BODY { across[j] = multiply_add(work.slope[j], product, across[j]); });
    }
  }
  team.synchronize();
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

/// sigma_i sigma_j d2U/dx_i dx_j at x into hessian, [padded N][padded N] with zeros in the padding.
template <class Team>
LANGEVO_FUNCTION void scaled_hessian(const Team& team, const ProblemView& problem, const double* x,
                                     const double* sigma, CurvatureWorkspace& work, float* hessian) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  const std::size_t n = network.parameter_count;
  const std::size_t padded = padded_row(n);
  const int outputs = data.target_dim;
  const std::size_t inputs = network.layers[0].fan_in + 1;
  const std::size_t units = padded_row(network.layers[network.layer_count - 1].fan_in);
  const double scale = 1 / loss_denominator(problem.loss, data.points, outputs);
  load_weights(team, network, x, work);
  team.each(units, [&](std::size_t j) LANGEVO_BODY { work.below[j] = 0; });
  team.each(padded * padded, [&](std::size_t i) LANGEVO_BODY { hessian[i] = 0; });
  team.each(padded * outputs * points_per_tile, [&](std::size_t i) LANGEVO_BODY { work.row[i] = 0; });
  team.each(inputs * inputs * units, [&](std::size_t i) LANGEVO_BODY { work.within[i] = 0; });
  team.each(outputs * inputs * units, [&](std::size_t i) LANGEVO_BODY { work.across[i] = 0; });
  team.synchronize();
  with_activation(network.activation, [&](auto activation) {
    for (std::size_t tile = 0; tile < data.tiles; ++tile) {
      const std::size_t first = tile * points_per_tile;
      const std::size_t count = data.points - first < points_per_tile ? data.points - first : points_per_tile;
      for (std::size_t p = 0; p < count; ++p) {
        evaluate_point<decltype(activation)>(team, problem, first + p, work);
        float* rows = work.row + p * outputs * padded;
        for (int c = 0; c < outputs; ++c) output_slopes(team, network, c, rows + c * padded, work);
        team.synchronize();
        weigh_rows(team, problem.loss, outputs, padded, scale, rows, work);
        add_unit_curvature(team, problem, scale, work);
      }
      team.synchronize();
      team.add_gram(count * outputs, padded, work.row, hessian);
      team.synchronize();
    }
  });
  place_unit_curvature(team, network, work, padded, hessian);
  for (std::size_t i = 0; i < n; ++i) {
    const double sigma_i = sigma[i];
    float* row = hessian + i * padded;
    team.each(n - i, [&](std::size_t k) LANGEVO_BODY {
      row[i + k] = static_cast<float>(sigma_i * sigma[i + k] * static_cast<double>(row[i + k]));
      hessian[(i + k) * padded + i] = row[i + k];
    });
  }
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
