#pragma once

#include "kernels/base/arena.hpp"
#include "kernels/change/activation_change.hpp"
#include "kernels/change/affine_tile.hpp"
#include "kernels/change/loss_sums.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/loss.hpp"
#include "kernels/network/problem_view.hpp"

/// The change of the loss under a proposal, never as a difference of two rounded losses: every layer carries
/// (value, change), the change to relative precision, and a running bound on the rounding error of both.
///
/// Bounds are first-order running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
/// ed., ch. 3) in the 2-norm over the units of a layer, for each data point. With u the unit roundoff,
/// gamma_n = n u, F the Frobenius norms of weights W and their change E, H = |h|, D = |dh|, and e_h, e_d the
/// bounds of both: S >= the spectral norm of W:
///   preactivation:        e_a  = S e_h + gamma (F_W H + |b|)
///   preactivation change: e_d' = (S + F_E) e_d + F_E e_h + gamma ((F_W + F_E) D + F_E H + |db|)
/// and the activation adds its own error and its sensitivity to e_a.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Scratch memory for one replica in one precision.
template <class Team, class Real>
struct LossChangeWorkspace {
  Real* weight;           ///< x in Real, [N]
  Real* proposed_weight;  ///< x' in Real, [N]
  Real* weight_change;    ///< x' - x in Real, [N]
  LayerNorms<Real>* norms;
  double* norm_scratch;
  Real* value[2];       ///< h of the layer below and of this one, [max_width][points_per_tile]
  Real* change[2];      ///< dh likewise
  Real* preactivation;  ///< [Team::units_with_change][points_per_tile]
  PointErrors<Real> errors;
  LossChangeSums<Team>* sums;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    const std::size_t n = network.parameter_count;
    const std::size_t tile = static_cast<std::size_t>(network.max_width) * points_per_tile;
    norms = arena.take<LayerNorms<Real>>(network.layer_count);
    sums = arena.take<LossChangeSums<Team>>(1);
    preactivation = arena.take_private<Real>(Team::units_with_change * points_per_tile);
    errors.carve(arena);
    weight = arena.take<Real>(n);
    proposed_weight = arena.take<Real>(n);
    weight_change = arena.take<Real>(n);
    for (int side = 0; side < 2; ++side) {
      value[side] = arena.take_private<Real>(tile);
      change[side] = arena.take_private<Real>(tile);
    }
    norm_scratch = arena.take<double>(spectral_norm_scratch(network));
  }
};

/// Rounds x, x' and x' - x to Real and takes the norms of every layer.
template <class Real, class Team>
LANGEVO_FUNCTION void load_proposal(const Team& team, const ProblemView& problem, const double* x,
                                    const double* proposed, const LossChangeWorkspace<Team, Real>& work) {
  const NetworkView& network = problem.network;
  team.each(network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    work.weight[i] = static_cast<Real>(x[i]);
    work.proposed_weight[i] = static_cast<Real>(proposed[i]);
    work.weight_change[i] = static_cast<Real>(proposed[i] - x[i]);
  });
  for (int l = 0; l < network.layer_count; ++l) {
    const LayerNorms<Real> norms = layer_norms<Real>(
        team, network.layers[l], x, proposed,
        spectral_norm_pays(network.layers[l], problem.data_double.points), work.norm_scratch);
    if (team.leads()) work.norms[l] = norms;
  }
  team.synchronize();
}

template <class Real, class Team>
LANGEVO_INLINE AffineRows<Real> affine_rows(int from, const LossChangeWorkspace<Team, Real>& work) {
  return {work.weight, work.proposed_weight, work.weight_change, work.value[from], work.change[from]};
}

/// One hidden layer on one tile: (value, change) of side `from` to side 1 - from, and their error bounds.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION void propagate_hidden(const Team& team, const Layer& layer, int from, bool first,
                                       const LossChangeWorkspace<Team, Real>& work) {
  const PointErrors<Real> e = work.errors;
  begin_activation(team, e);
  const AffineRows<Real> rows = affine_rows(from, work);
  Real* const h = work.value[1 - from];
  Real* const dh = work.change[1 - from];
  each_unit_block<Team::units_with_change>(layer.fan_out, [&](auto units, int j) LANGEVO_BODY {
    const std::size_t row = static_cast<std::size_t>(j) * points_per_tile;
    affine_with_change<units>(team, layer, j, first, rows, work.preactivation, dh + row);
    activate<Act, units>(team, work.preactivation, h + row, dh + row, e);
  });
  end_activation<Act>(team, layer.fan_out, e);
}

/// The last, linear layer on one tile: outputs f and their changes df to side 1 - from.
template <class Real, class Team>
LANGEVO_FUNCTION void propagate_output(const Team& team, const Layer& layer, int from, bool first,
                                       const LossChangeWorkspace<Team, Real>& work) {
  const AffineRows<Real> rows = affine_rows(from, work);
  each_unit_block<Team::units_with_change>(layer.fan_out, [&](auto units, int j) LANGEVO_BODY {
    const std::size_t row = static_cast<std::size_t>(j) * points_per_tile;
    affine_with_change<units>(team, layer, j, first, rows, work.value[1 - from] + row,
                              work.change[1 - from] + row);
  });
}

/// U(x') - U(x) in Real arithmetic, for a proposal taken in by load_proposal.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION LossChange loss_change_of_tiles(const Team& team, const ProblemView& problem,
                                                 const LossChangeWorkspace<Team, Real>& work) {
  const NetworkView& network = problem.network;
  const DataView<Real>& data = data_of<Real>(problem);
  work.sums->clear(team);
  for (std::size_t tile = team.worker(); tile < data.tiles; tile += Team::workers) {
    load_inputs(team, data, tile, work.value[0], work.errors);
    int side = 0;
    for (int l = 0; l < network.layer_count; ++l) {
      const Layer& layer = network.layers[l];
      propagate_affine_errors(team, work.norms[l], roundings_of_blocks(layer.fan_in), work.errors);
      if (l + 1 < network.layer_count) {
        propagate_hidden<Act>(team, layer, side, l == 0, work);
      } else {
        propagate_output(team, layer, side, l == 0, work);
      }
      side = 1 - side;
    }
    add_loss_change<Real>(team, problem, tile, work.value[side], work.change[side], work.errors, *work.sums);
  }
  team.synchronize();
  return total_loss_change(team, problem, *work.sums);
}

template <class Real, class Team>
LANGEVO_FUNCTION LossChange loss_change(const Team& team, const ProblemView& problem, const double* x,
                                        const double* proposed, const LossChangeWorkspace<Team, Real>& work) {
  load_proposal(team, problem, x, proposed, work);
  return with_activation(problem.network.activation, [&](auto activation) {
    return loss_change_of_tiles<decltype(activation), Real>(team, problem, work);
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
