#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/forward.hpp"
#include "kernels/network/loss.hpp"
#include "kernels/network/problem_view.hpp"

/// Loss and gradient by backpropagation: in double, or in float where an error of some float roundings is as
/// good, of the sums over points gradient_tiles_per_float_sum tiles at a time.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Tiles of each worker that sums in float go through before they are added up in double.
inline constexpr std::size_t gradient_tiles_per_float_sum = 16;

/// The sums over points in Real.
template <class Team, class Real>
struct PointSumOf {
  using Type = typename Team::PointSum;
};
template <class Team>
struct PointSumOf<Team, float> {
  using Type = typename Team::FloatPointSum;
};

/// Memory for a gradient in arithmetic of Real.
template <class Team, class Real>
struct GradientRows {
  Real* value;          ///< activations of all layers, input first, [sum of widths][points_per_tile]
  Real* preactivation;  ///< of hidden units, where in value they are; null where slopes follow from values
  Real* slope[2];       ///< dU/da of the layer above and of this one, [max_width][points_per_tile]
  typename PointSumOf<Team, Real>::Type* parameter;  ///< [N]
};

template <class Team>
struct GradientWorkspace {
  double* value;  ///< see GradientRows
  double* preactivation;
  double* slope[2];
  double* point_loss;
  typename Team::PointSum* loss;
  typename Team::PointSum* parameter;
  float* weight;     ///< x, for a gradient in float, [N]
  double* gradient;  ///< [N]

  /// The same memory for rows of Real.
  template <class Real>
  LANGEVO_INLINE GradientRows<Team, Real> rows() const {
    using Sum = typename PointSumOf<Team, Real>::Type;
    static_assert(sizeof(Real) <= sizeof(double) && sizeof(Sum) <= sizeof(typename Team::PointSum));
    return {reinterpret_cast<Real*>(value),
            reinterpret_cast<Real*>(preactivation),
            {reinterpret_cast<Real*>(slope[0]), reinterpret_cast<Real*>(slope[1])},
            reinterpret_cast<Sum*>(parameter)};
  }

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    std::size_t units = network.layers[0].fan_in;
    for (int l = 0; l < network.layer_count; ++l) units += network.layers[l].fan_out;
    value = arena.take_private<double>(units * points_per_tile);
    preactivation = slopes_need_preactivations(network.activation)
                        ? arena.take_private<double>(units * points_per_tile)
                        : nullptr;
    for (double*& side : slope)
      side = arena.take_private<double>(static_cast<std::size_t>(network.max_width) * points_per_tile);
    point_loss = arena.take_private<double>(points_per_tile);
    loss = arena.take<typename Team::PointSum>(1);
    parameter = arena.take<typename Team::PointSum>(network.parameter_count);
    weight = arena.take<float>(network.parameter_count);
    gradient = arena.take<double>(network.parameter_count);
  }
};

template <class Real, class Team>
LANGEVO_FUNCTION void add_point_losses(const Team& team, const ProblemView& problem, std::size_t tile,
                                       const Real* output, const GradientWorkspace<Team>& work) {
  const DataView<Real>& data = data_of<Real>(problem);
  const std::size_t first_point = tile * points_per_tile;
  const Real* target = data.targets + first_point * data.target_dim;
  const std::size_t points = data.points - first_point;
  Real* const losses = reinterpret_cast<Real*>(work.point_loss);
  point_losses(team, problem.loss, data.target_dim, output, target, losses);
  team.each_point([&](int p) LANGEVO_BODY {
    if (static_cast<std::size_t>(p) >= points) losses[p] = 0;
  });
  if (const double* const weights = weights_of_tile(problem.data_double, tile)) {
    team.add_points(*work.loss,
                    [&](int p) LANGEVO_BODY { return weights[p] * static_cast<double>(losses[p]); });
  } else {
    team.add_points(*work.loss, [&](int p) LANGEVO_BODY { return losses[p]; });
  }
}

/// dU/df of every output on one tile, [outputs][points_per_tile]; 0 at points beyond the last.
template <class Real, class Team>
LANGEVO_FUNCTION void slope_of_outputs(const Team& team, const ProblemView& problem, std::size_t tile,
                                       const Real* output, Real* slope) {
  const DataView<Real>& data = data_of<Real>(problem);
  const std::size_t first_point = tile * points_per_tile;
  const Real* target = data.targets + first_point * data.target_dim;
  const std::size_t points = data.points - first_point;
  const auto scale = static_cast<Real>(1 / loss_denominator(problem));
  point_loss_slopes(team, problem.loss, data.target_dim, output, target, scale, slope);
  if (const Real* const weights = weights_of_tile(data, tile))
    each_output(team, 0, data.target_dim, [&](int i, int p) LANGEVO_BODY { slope[i] *= weights[p]; });
  each_output(team, 0, data.target_dim, [&](int i, int p) LANGEVO_BODY {
    if (static_cast<std::size_t>(p) >= points) slope[i] = 0;
  });
}

/// Goes down from the slopes of the outputs and adds the tile's part of every parameter's derivative.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION void backward(const Team& team, const ProblemView& problem, const Real* x,
                               const Real* output, std::size_t tile, const GradientRows<Team, Real>& rows) {
  const NetworkView& network = problem.network;
  Real* slope = rows.slope[0];
  Real* below = rows.slope[1];
  slope_of_outputs(team, problem, tile, output, slope);
  const Real* next = output;
  for (int l = network.layer_count - 1; l >= 0; --l) {
    const Layer& layer = network.layers[l];
    const Real* h = next - static_cast<std::size_t>(layer.fan_in) * points_per_tile;
    team.add_dots(rows.parameter + layer.weight_offset, layer.fan_in, layer.fan_out, layer.fan_in, slope, h);
    if (layer.has_bias) {
      for (int j = 0; j < layer.fan_out; ++j) {
        const Real* slope_j = slope + static_cast<std::size_t>(j) * points_per_tile;
        team.add_points(rows.parameter[layer.bias_offset + j],
                        [&](int p) LANGEVO_BODY { return slope_j[p]; });
      }
    }
    if (l > 0) {
      const Real* const s = Act::slope_of_preactivation ? rows.preactivation + (h - rows.value) : h;
      each_unit_block<Team::units_per_block>(layer.fan_in, [&](auto units, int k) LANGEVO_BODY {
        const std::size_t row = static_cast<std::size_t>(k) * points_per_tile;
        const Real* const start = nullptr;
        combine_rows<units>(team, layer.fan_out, x + layer.weight_offset + k, 1, layer.fan_in, slope, start,
                            below + row, AsItIs{});
        const Real* const s_k = s + row;
        transform_rows<units>(team, below + row,
                              [s_k](Real sum, int at) LANGEVO_BODY { return sum * Act::slope(s_k[at]); });
      });
    }
    Real* const above = slope;
    slope = below;
    below = above;
    next = h;
  }
}

/// U(x) in double.
template <class Team>
LANGEVO_FUNCTION double loss_of_state(const Team& team, const ProblemView& problem, const double* x,
                                      const GradientWorkspace<Team>& work) {
  const DataView<double>& data = problem.data_double;
  team.clear(*work.loss);
  with_activation(problem.network.activation, [&](auto activation) {
    for (std::size_t tile = team.worker(); tile < data.tiles; tile += Team::workers) {
      const double* output = forward<decltype(activation)>(team, problem, x, tile, work.value);
      add_point_losses(team, problem, tile, output, work);
    }
  });
  team.synchronize();
  return team.total(*work.loss) / loss_denominator(problem);
}

/// The loss of every point at x in double, without the mean, [points].
template <class Team>
LANGEVO_FUNCTION void losses_of_points(const Team& team, const ProblemView& problem, const double* x,
                                       const GradientWorkspace<Team>& work, double* losses) {
  const DataView<double>& data = problem.data_double;
  with_activation(problem.network.activation, [&](auto activation) {
    for (std::size_t tile = team.worker(); tile < data.tiles; tile += Team::workers) {
      const std::size_t first = tile * points_per_tile;
      const double* output = forward<decltype(activation)>(team, problem, x, tile, work.value);
      point_losses(team, problem.loss, data.target_dim, output, data.targets + first * data.target_dim,
                   work.point_loss);
      team.each_point([&](int p) LANGEVO_BODY {
        if (first + static_cast<std::size_t>(p) < data.points) losses[first + p] = work.point_loss[p];
      });
    }
  });
}

/// U(x); dU/dx into work.gradient. `outputs(tile)` gives the outputs on a tile, the activations of the layers
/// below before them, of the x in Real.
template <class Act, class Real, class Team, class Outputs>
LANGEVO_FUNCTION double loss_and_gradient_of(const Team& team, const ProblemView& problem, const Real* x,
                                             const GradientWorkspace<Team>& work, const Outputs& outputs) {
  const std::size_t n = problem.network.parameter_count;
  const std::size_t tiles = problem.data_double.tiles;
  const std::size_t together =
      sizeof(Real) < sizeof(double) ? gradient_tiles_per_float_sum * Team::workers : tiles;
  const GradientRows<Team, Real> rows = work.template rows<Real>();
  team.clear(*work.loss);
  for (std::size_t first = 0; first < tiles; first += together) {
    const std::size_t end = tiles - first < together ? tiles : first + together;
    for (std::size_t i = 0; i < n; ++i) team.clear(rows.parameter[i]);
    for (std::size_t tile = first + team.worker(); tile < end; tile += Team::workers) {
      const Real* output = outputs(tile);
      add_point_losses(team, problem, tile, output, work);
      backward<Act>(team, problem, x, output, tile, rows);
    }
    team.synchronize();
    team.each(n, [&](std::size_t i) LANGEVO_BODY {
      const double sum = team.total(rows.parameter[i]);
      work.gradient[i] = first == 0 ? sum : work.gradient[i] + sum;
    });
    team.synchronize();
  }
  return team.total(*work.loss) / loss_denominator(problem);
}

/// U(x), and dU/dx into work.gradient, from the state in Real alone.
template <class Real, class Team>
LANGEVO_FUNCTION double loss_and_gradient_in(const Team& team, const ProblemView& problem, const Real* x,
                                             const GradientWorkspace<Team>& work) {
  return with_activation(problem.network.activation, [&](auto activation) {
    using Act = decltype(activation);
    return loss_and_gradient_of<Act>(team, problem, x, work, [&](std::size_t tile) {
      const GradientRows<Team, Real> rows = work.template rows<Real>();
      return forward<Act>(team, problem, x, tile, rows.value, rows.preactivation);
    });
  });
}

/// U(x), and dU/dx into work.gradient, in double.
template <class Team>
LANGEVO_APART double loss_and_gradient(const Team& team, const ProblemView& problem, const double* x,
                                       const GradientWorkspace<Team>& work) {
  return loss_and_gradient_in(team, problem, x, work);
}

/// U(x), and dU/dx into work.gradient, in float and of x rounded to float.
template <class Team>
LANGEVO_APART double loss_and_float_gradient(const Team& team, const ProblemView& problem, const double* x,
                                             const GradientWorkspace<Team>& work) {
  float* const weight = work.weight;
  team.each(problem.network.parameter_count,
            [&](std::size_t i) LANGEVO_BODY { weight[i] = static_cast<float>(x[i]); });
  team.synchronize();
  return loss_and_gradient_in(team, problem, const_cast<const float*>(weight), work);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
