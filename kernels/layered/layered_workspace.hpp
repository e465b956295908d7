#pragma once

#include <algorithm>

#include "kernels/layered/layered_change.hpp"
#include "kernels/layered/layered_gradient.hpp"
#include "kernels/layered/layered_moves.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Memory for `slots` replicas; double changes and, where the rule needs them only for losses, gradients come
/// fewer at a time, so that they fit into what the float changes take.
template <class Machine>
struct LayeredWorkspace {
  using Team = typename Machine::TileTeam;

  double* proposed;  ///< [slots][N]
  double* loss;      ///< [slots]
  double* norm;      ///< [slots]
  LayeredMotion* motions;
  std::uint32_t* members;
  LayeredChangeWorkspace<Team, float> single_precision;
  LayeredChangeWorkspace<Team, double> double_precision;
  LayeredGradientWorkspace<Team> gradient;
  std::size_t slots;
  std::size_t double_slots;
  std::size_t gradient_slots;

  void carve(Arena& arena, const LayeredShape& shape, bool mutates) {
    slots = shape.slots;
    double_slots = (slots + 1) / 2;
    gradient_slots = mutates ? (slots + 3) / 4 : slots;
    loss = arena.take<double>(slots);
    norm = arena.take<double>(slots);
    motions = arena.take<LayeredMotion>(slots);
    members = arena.take<std::uint32_t>(slots);
    proposed = arena.take<double>(mutates ? slots * shape.network.parameter_count : 0);
    Arena single = arena;
    Arena precise = arena;
    Arena backward = arena;
    if (mutates) {
      single_precision.carve(single, shape);
      double_precision.carve(precise, {shape.network, shape.tiles, double_slots});
    }
    gradient.carve(backward, {shape.network, shape.tiles, gradient_slots});
    arena.used = std::max({single.used, precise.used, backward.used});
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
