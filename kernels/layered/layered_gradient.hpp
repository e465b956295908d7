#pragma once

#include "kernels/layered/layered_gradient_tasks.hpp"

/// Losses and gradients of many replicas in double, layer by layer; see layered_problem.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// U(x) of `slots` states x [slots][N] into loss [slots]; with `gradients` dU/dx into work.gradient.
template <class Machine>
void layered_losses(Machine& machine, const LayeredProblem& problem, const double* x, std::size_t slots,
                    double* loss, bool gradients,
                    const LayeredGradientWorkspace<typename Machine::TileTeam>& work) {
  using Team = typename Machine::TileTeam;
  const NetworkView& network = problem.host.network;
  const std::size_t n = network.parameter_count;
  const std::size_t points = problem.points();
  const std::size_t teams = slots * problem.tiles();
  std::size_t at = 0;              // this layer's values
  const auto below = [&](int l) {  // what layer l takes in
    if (l == 0) return BatchedMatrix<double>{problem.inputs_double, points, 0};
    return BatchedMatrix<double>{work.value + at - network.layers[l].fan_in * points, points, work.values};
  };
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const auto fan_in = static_cast<std::size_t>(layer.fan_in);
    const auto fan_out = static_cast<std::size_t>(layer.fan_out);
    machine.multiply(BatchedProduct<double>{fan_out,
                                            points,
                                            fan_in,
                                            {x + layer.weight_offset, fan_in, n},
                                            below(l),
                                            work.value + at,
                                            points,
                                            work.values},
                     slots);
    double* const kept = work.preactivation == nullptr ? nullptr : work.preactivation + at;
    machine.each_tile(teams, ActivateLayer<Team>{problem.there, l, x, work.value + at, kept, work.values});
    at += fan_out * points;
  }
  at -= network.layers[network.layer_count - 1].fan_out * points;
  machine.each_tile(teams, LossOfTile<Team>{problem.there, work.value + at, work.values,
                                            gradients ? work.slope[0] : nullptr, work});
  machine.each_tile(slots, TotalLoss<Team>{problem.there, work.tile_loss, loss});
  if (!gradients) return;
  int side = 0;
  for (int l = network.layer_count - 1; l >= 0; --l) {
    const Layer& layer = network.layers[l];
    const auto fan_in = static_cast<std::size_t>(layer.fan_in);
    const auto fan_out = static_cast<std::size_t>(layer.fan_out);
    const BatchedMatrix<double> slope{work.slope[side], points, work.slopes};
    BatchedMatrix<double> h = below(l);
    h.transposed = true;
    machine.multiply(BatchedProduct<double>{fan_out, fan_in, points, slope, h,
                                            work.gradient + layer.weight_offset, fan_in, n},
                     slots);
    if (layer.has_bias) {
      machine.each_tile(slots * fan_out, SumOverPoints<Team>{fan_out, points, work.slope[side], work.slopes,
                                                             work.gradient + layer.bias_offset, n});
    }
    if (l == 0) return;
    machine.multiply(BatchedProduct<double>{fan_in,
                                            points,
                                            fan_out,
                                            {x + layer.weight_offset, fan_in, n, true},
                                            slope,
                                            work.slope[1 - side],
                                            points,
                                            work.slopes},
                     slots);
    at -= fan_in * points;
    const double* const s = work.preactivation == nullptr ? work.value : work.preactivation;
    machine.each_tile(teams, SlopeOfLayer<Team>{problem.there, layer.fan_in, s + at, work.values,
                                                work.slope[1 - side], work.slopes});
    side = 1 - side;
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
