#pragma once

#include "kernels/layered/layered_change_tasks.hpp"

/// The change of the loss of many replicas, layer by layer: the formulas and bounds of loss_change.hpp with
/// the sums over inputs left to products whose order of summation is unknown.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// U(x') - U(x) of the members of the first `slots` slots, into work.result.
template <class Real, class Machine>
void layered_loss_change(Machine& machine, const LayeredProblem& problem, const LayeredProposals& proposals,
                         std::size_t slots,
                         const LayeredChangeWorkspace<typename Machine::TileTeam, Real>& work) {
  using Team = typename Machine::TileTeam;
  const NetworkView& network = problem.host.network;
  const std::size_t points = problem.points();
  machine.each_replica(slots * static_cast<std::size_t>(network.layer_count),
                       TakeNorms<Team, Real>{problem.there.network, proposals, work.norms});
  machine.each_tile(slots * problem.tiles(), BeginTile<Team, Real>{problem.there, work});
  BatchedMatrix<Real> h{problem.inputs(Real(0)), points, 0};
  std::size_t begin = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    const auto fan_in = static_cast<std::size_t>(layer.fan_in);
    const auto fan_out = static_cast<std::size_t>(layer.fan_out);
    const std::size_t pieces = pieces_of(fan_in * fan_out);
    machine.each_tile(slots * pieces, RoundLayer<Team, Real>{layer, begin, pieces, proposals, work});
    const auto product = [&](const Real* weight, const BatchedMatrix<Real>& right, Real* out, bool add) {
      return BatchedProduct<Real>{fan_out, points, fan_in, {weight + begin, fan_in, work.weights},
                                  right,   out,    points, work.activations,
                                  add};
    };
    const int side = l % 2;
    machine.multiply(product(work.weight, h, work.value[side], false), slots);
    machine.multiply(product(work.weight_change, h, work.change[side], false), slots);
    if (l > 0) {
      const BatchedMatrix<Real> dh{work.change[1 - side], points, work.activations};
      machine.multiply(product(work.proposed_weight, dh, work.change[side], true), slots);
    }
    machine.each_tile(
        slots * problem.tiles(),
        FinishLayer<Team, Real>{problem.there, l, begin + work.aligned(fan_in * fan_out), side, work});
    h = {work.value[side], points, work.activations};
    begin = work.after(layer, begin);
  }
  machine.each_tile(slots, TotalChange<Team, Real>{problem.there, work});
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
