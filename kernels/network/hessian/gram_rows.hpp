#pragma once

#include "kernels/network/hessian/workspace.hpp"
#include "kernels/network/loss.hpp"

/// The rows whose Gram matrix is the first part of the Hessian; see hessian.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What the squares of a point's rows are multiplied by, which leaves out the weights of the other sign.
struct RowScale {
  double scale;
  const double* weights;  ///< nullptr: all points alike
  double sign;

  LANGEVO_INLINE double of(std::size_t p) const {
    return weights == nullptr ? scale : scale * larger(sign * weights[p], 0.0);
  }
};

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
                                std::size_t count, std::size_t padded, const RowScale& scale,
                                const CurvatureWorkspace& work) {
  const int outputs = problem.data_double.target_dim;
  with_loss(problem.loss, [&](auto of) {
    using LossType = decltype(of);
    for (std::size_t p = 0; p < count; ++p) {
      for (int c = 0; c < outputs; ++c) {
        float weight = 1;
        if constexpr (!LossType::couples_outputs) {
          const std::size_t i = static_cast<std::size_t>(c) * points_per_tile + p;
          weight = static_cast<float>(
              square_root(LossType::second_slope(work.output[i] - target[i]) * scale.of(p)));
        }
        output_slopes(team, problem.network, p, c, weight, work.row + (p * outputs + c) * padded, work);
      }
    }
    team.synchronize();
    if constexpr (LossType::couples_outputs) {
      take_probabilities(team, outputs, target, work);
      for (std::size_t p = 0; p < count; ++p)
        weigh_rows(team, outputs, padded, scale.of(p), p, work.row + p * outputs * padded, work);
      team.synchronize();
    }
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
