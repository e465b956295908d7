#pragma once

#include "kernels/network/hessian/forward_points.hpp"
#include "kernels/network/hessian/gram_rows.hpp"
#include "kernels/network/hessian/unit_curvature.hpp"

/// The Hessian of the loss, in float, for networks with at most one hidden layer.
///
/// With l the loss of one point, f_c its outputs, J_c = df_c/dx, s_c = dl/df_c:
///   d2l/dx2 = sum_cd (d2l/df_c df_d) J_c J_d^T + sum_c s_c d2f_c/dx2.
/// The first part is a Gram matrix: of the rows sqrt(d2l/df_c^2) J_c for losses of residuals, sqrt(2) J_c for
/// squared errors, of the rows sqrt(Y p_c) (J_c - sum_d p_d J_d) for the cross-entropy, p = softmax(f), Y =
/// sum_c y_c; a point's weight multiplies its rows by its root, and where it is negative they make a matrix
/// of their own that is subtracted. The second couples only parameters of the same hidden unit j, with a_j =
/// sum_k w_jk x_k, f_c = sum_j v_cj h(a_j) and the bias as the weight of one more input, x = 1:
///   d2f_c/dw_jk dw_jm = v_cj h''_j x_k x_m,   d2f_c/dw_jk dv_cj = h'_j x_k.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Adds the Gram matrix of a tile's points, of which `weights` (nullptr: none) may be negative.
template <class Team>
LANGEVO_FUNCTION void add_rows(const Team& team, const ProblemView& problem, const double* target,
                               const double* weights, std::size_t count, std::size_t padded, double scale,
                               const CurvatureWorkspace& work, float* hessian) {
  const auto add = [&](double sign) {
    make_rows(team, problem, target, count, padded, RowScale{scale, weights, sign}, work);
    team.add_gram(count * problem.data_double.target_dim, padded, work.row, hessian);
    team.synchronize();
  };
  add(1);
  if (weights == nullptr || !team.any_point([&](int p) LANGEVO_BODY { return weights[p] < 0; })) return;
  const auto negate = [&] {
    team.each(padded * padded, [&](std::size_t i) LANGEVO_BODY { hessian[i] = -hessian[i]; });
    team.synchronize();
  };
  negate();
  add(-1);
  negate();
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
  const double scale = 1 / loss_denominator(problem);
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
      add_unit_curvature(team, problem, tile, count, work);
      add_rows(team, problem, target, weights_of_tile(data, tile), count, padded, scale, work, hessian);
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
