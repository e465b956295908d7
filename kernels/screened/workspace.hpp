#pragma once

#include "kernels/change/ladder/mutation.hpp"
#include "kernels/model/local_model.hpp"
#include "kernels/network/gradient.hpp"
#include "kernels/network/hessian.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct ScreenedWorkspace {
  /// Normal numbers of several steps at a time: as many as stay in a core's first cache beside other things,
  /// or more of those that the second one of a CPU holds where they are for vectors that `dots` takes side by
  /// side.
  static constexpr std::size_t normals_at_a_time = 4096;
  static constexpr std::size_t most_normals_at_a_time = Team::threads == 1 ? 65536 : normals_at_a_time;

  MetropolisWorkspace<Team> exact;
  GradientWorkspace<Team> gradient;
  CurvatureWorkspace curvature;
  LocalModel model;
  double* state;           ///< x, [padded N]
  double* sigma;           ///< 0 in the padding, [padded N]
  double* anchor;          ///< x at the anchor, [N]
  float* anchor_gradient;  ///< G there, [padded N]
  float* normal;           ///< of several steps, [steps_at_a_time][normal_row(N)], finite to row ends
  std::size_t steps_at_a_time;

  /// First what every proposal touches that the model decides, so that a GPU has it on chip; then what
  /// decides and renews where the model does not.
  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    model.carve(arena, network);
    state = arena.take<double>(model.padded);
    sigma = arena.take<double>(model.padded);
    const std::size_t row = normal_row(network.parameter_count);
    steps_at_a_time = steps_of_rows(row);
    normal = arena.take<float>(steps_at_a_time * row);
    anchor = arena.take<double>(network.parameter_count);
    anchor_gradient = arena.take<float>(model.padded);
    model.carve_curvature(arena, network);
    exact.carve(arena, network);
    gradient.carve(arena, network);
    curvature.carve(arena, network);
  }

  LANGEVO_FUNCTION static std::size_t normal_row(std::size_t n) {
    return Team::vector_row(normal_buffer_size(n));
  }

  /// Steps at a time, of `row` numbers each.
  LANGEVO_FUNCTION static std::size_t steps_of_rows(std::size_t row) {
    constexpr std::size_t together = Team::vectors_at_a_time;
    if (together * row <= normals_at_a_time) return normals_at_a_time / row / together * together;
    if (together * row <= most_normals_at_a_time) return together;
    return row < most_normals_at_a_time ? most_normals_at_a_time / row : 1;
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
