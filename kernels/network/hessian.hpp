#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/loss.hpp"
#include "kernels/network/problem_view.hpp"

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

/// Whether the network is one that this file knows, with a Hessian small enough to stay near the processor
/// and of so few rows that it pays within some 10^4 steps: with more, curvatures that are learnt pay much
/// sooner.
LANGEVO_INLINE bool has_curvature(const NetworkView& network) {
  constexpr std::size_t most_parameters = 384;
  constexpr std::size_t most_entries = 1024;  // of the outputs' derivatives at one point
  const std::size_t entries = network.parameter_count * network.layers[network.layer_count - 1].fan_out;
  return network.layer_count <= 2 && network.parameter_count <= most_parameters && entries <= most_entries;
}

/// Of one tile of points; in each point's row units lie side by side.
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
      const float h = Act::value(a[i]);
      work.below[i] = h;
      work.slope[i] = Act::slope(h);
      work.second[i] = Act::second_slope(h);
    });
  }
  team.synchronize();
  constexpr std::size_t few = Team::vectors_at_a_time;
  for (int c = 0; c < last.fan_out; ++c) {
    double* const output = work.output + static_cast<std::size_t>(c) * points_per_tile;
    const float* const weights[1] = {work.weight_out + c * units};
    for (std::size_t p = 0; p < count; p += few) {
      const std::size_t here = count - p < few ? count - p : few;
      double sum[1][few];
      team.dots(units, here, work.below + p * units, units, weights, sum);
      if (team.leads()) {
        for (std::size_t k = 0; k < here; ++k)
          output[p + k] = sum[0][k] + static_cast<double>(work.bias_out[c]);
      }
    }
  }
  team.synchronize();
}

/// `weight` J_c of point p into `row`, [N]; padding untouched.
template <class Team>
LANGEVO_FUNCTION void output_slopes(const Team& team, const NetworkView& network, std::size_t p, int c,
                                    float weight, float* row, const CurvatureWorkspace& work) {
  const Layer& last = network.layers[network.layer_count - 1];
  const std::size_t fan_in = last.fan_in;
  const std::size_t units = padded_row(fan_in);
  const float* const below = work.below + p * units;
  for (int d = 0; d < last.fan_out; ++d) {
    float* const of_output = row + last.weight_offset + d * fan_in;
    const float own = d == c ? weight : 0.0f;
    team.assign(fan_in, [&](std::size_t j) LANGEVO_BODY { of_output[j] = own * below[j]; });
    if (last.has_bias && team.leads()) row[last.bias_offset + d] = own;
  }
  if (network.layer_count == 1) return;
  const Layer& hidden = network.layers[0];
  const float* const v = work.weight_out + c * units;
  const float* const slope = work.slope + p * units;
  const std::size_t inputs = hidden.fan_in;
  for (std::size_t k = 0; k < inputs; ++k) {
    const float x = weight * work.input[k * points_per_tile + p];
    float* const of_input = row + hidden.weight_offset + k;
    if (inputs == 1) {  // stores side by side are much faster
      team.assign(fan_in, [&](std::size_t j) LANGEVO_BODY { of_input[j] = v[j] * slope[j] * x; });
    } else {
      team.each(fan_in, [&](std::size_t j) LANGEVO_BODY { of_input[j * inputs] = v[j] * slope[j] * x; });
    }
  }
  if (hidden.has_bias) {
    float* const bias = row + hidden.bias_offset;
    team.assign(fan_in, [&](std::size_t j) LANGEVO_BODY { bias[j] = v[j] * slope[j] * weight; });
  }
}

/// Softmax and Y of the tile's points.
template <class Team>
LANGEVO_FUNCTION void take_probabilities(const Team& team, int outputs, const double* target,
                                         const CurvatureWorkspace& work) {
  if (team.worker() == 0) {
    Softmax<Team, double> softmax;
    take_softmax(
        team, outputs, [&](int i) LANGEVO_BODY { return work.output[i]; }, softmax);
    team.each_point([&](int p) LANGEVO_BODY { work.mass[p] = 0; });
    each_output(team, 0, outputs, [&](int i, int p) LANGEVO_BODY {
      work.probability[i] = softmax.probability(work.output[i], p);
      work.mass[p] += target[i];
    });
  }
  team.synchronize();
}

/// Point p's rows of the Gram matrix for the cross-entropy, [outputs][padded N], from its J_c already there.
template <class Team>
LANGEVO_FUNCTION void weigh_rows(const Team& team, int outputs, std::size_t padded, double scale,
                                 std::size_t p, float* rows, const CurvatureWorkspace& work) {
  const double* const probability = work.probability + p;
  team.each(padded, [&](std::size_t i) LANGEVO_BODY { work.mean_row[i] = 0; });
  for (int c = 0; c < outputs; ++c) {
    const auto share = static_cast<float>(probability[c * points_per_tile]);
    const float* const row = rows + c * padded;
    team.each(padded, [&](std::size_t i)
                          LANGEVO_BODY { work.mean_row[i] = multiply_add(share, row[i], work.mean_row[i]); });
  }
  for (int c = 0; c < outputs; ++c) {
    const auto weight =
        static_cast<float>(square_root(scale * work.mass[p] * probability[c * points_per_tile]));
    float* const row = rows + c * padded;
    team.each(padded, [&](std::size_t i) LANGEVO_BODY { row[i] = weight * (row[i] - work.mean_row[i]); });
  }
}

/// The tile's rows of the Gram matrix, [count][outputs][padded N].
template <class Team>
LANGEVO_FUNCTION void make_rows(const Team& team, const ProblemView& problem, const double* target,
                                std::size_t count, std::size_t padded, double scale,
                                const CurvatureWorkspace& work) {
  const int outputs = problem.data_double.target_dim;
  const float weight = problem.loss == Loss::mse ? static_cast<float>(square_root(2 * scale)) : 1.0f;
  for (std::size_t p = 0; p < count; ++p) {
    for (int c = 0; c < outputs; ++c)
      output_slopes(team, problem.network, p, c, weight, work.row + (p * outputs + c) * padded, work);
  }
  team.synchronize();
  if (problem.loss != Loss::mse) {
    take_probabilities(team, outputs, target, work);
    for (std::size_t p = 0; p < count; ++p)
      weigh_rows(team, outputs, padded, scale, p, work.row + p * outputs * padded, work);
  }
  team.synchronize();
}

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
LANGEVO_FUNCTION void add_unit_curvature(const Team& team, const ProblemView& problem, const double* target,
                                         std::size_t count, double scale, const CurvatureWorkspace& work) {
  const NetworkView& network = problem.network;
  if (network.layer_count == 1) return;
  const Layer& last = network.layers[1];
  const std::size_t units = padded_row(last.fan_in);
  const int outputs = last.fan_out;
  const std::size_t inputs = network.layers[0].fan_in + (network.layers[0].has_bias ? 1 : 0);
  const std::size_t stride = network.layers[0].fan_in + 1;
  if (team.worker() == 0)
    point_loss_slopes(team, problem.loss, outputs, work.output, target, scale, work.loss_slope);
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

/// sigma_i sigma_j d2U/dx_i dx_j at x into hessian, [padded N][padded N] with zeros in the padding.
template <class Team>
LANGEVO_FUNCTION void scaled_hessian(const Team& team, const ProblemView& problem, const double* x,
                                     const double* sigma, const CurvatureWorkspace& work, float* hessian) {
  const NetworkView& network = problem.network;
  const DataView<double>& data = problem.data_double;
  const std::size_t n = network.parameter_count;
  const std::size_t padded = padded_row(n);
  const int outputs = data.target_dim;
  const std::size_t inputs = network.layers[0].fan_in + 1;
  const std::size_t units = padded_row(network.layers[network.layer_count - 1].fan_in);
  const double scale = 1 / loss_denominator(problem.loss, data.points, outputs);
  load_weights(team, network, x, work);
  team.each(points_per_tile * units, [&](std::size_t i) LANGEVO_BODY { work.below[i] = 0; });
  team.each(padded * padded, [&](std::size_t i) LANGEVO_BODY { hessian[i] = 0; });
  team.each(padded * outputs * points_per_tile, [&](std::size_t i) LANGEVO_BODY { work.row[i] = 0; });
  team.each(inputs * inputs * units, [&](std::size_t i) LANGEVO_BODY { work.within[i] = 0; });
  team.each(outputs * inputs * units, [&](std::size_t i) LANGEVO_BODY { work.across[i] = 0; });
  team.synchronize();
  with_activation(network.activation, [&](auto activation) {
    for (std::size_t tile = 0; tile < data.tiles; ++tile) {
      const std::size_t first = tile * points_per_tile;
      const std::size_t count = data.points - first < points_per_tile ? data.points - first : points_per_tile;
      const double* target = data.targets + tile * data.target_dim * points_per_tile;
      evaluate_points<decltype(activation)>(team, problem, tile, count, work);
      make_rows(team, problem, target, count, padded, scale, work);
      add_unit_curvature(team, problem, target, count, scale, work);
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
