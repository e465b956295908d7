#pragma once

#include "kernels/model/local_model.hpp"

/// The local model of a state where many replicas begin, made once for all of them.
namespace langevo {
inline namespace LANGEVO_TARGET {

struct StartModel {
  double* x = nullptr;            ///< the state, [N]
  double* gradient = nullptr;     ///< dU/dx there, of the loss that is evaluated first, [N]
  LocalModel* numbers = nullptr;  ///< norms and eigenvalues of the curvature, where it is known
  float* curvature = nullptr;     ///< see LocalModel
  float* directions = nullptr;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    const std::size_t padded = padded_row(network.parameter_count);
    x = arena.take<double>(network.parameter_count);
    gradient = arena.take<double>(network.parameter_count);
    numbers = arena.take<LocalModel>(1);
    if (!has_curvature(network)) return;
    directions = arena.take<float>(leading_directions * padded);
    curvature = arena.take<float>(padded * padded);
  }
};

/// Fills the arrays of `start` for x, with what a workspace has room for: its gradient's and its model's.
template <class Team>
LANGEVO_APART void make_start_model(const Team& team, const ProblemView& problem, const double* x,
                                    const double* sigma, const GradientWorkspace<Team>& gradient,
                                    const CurvatureWorkspace& curvature, LocalModel model,
                                    const StartModel& start) {
  loss_and_gradient(team, problem, x, gradient);
  for (std::size_t i = 0; i < model.size; ++i) {
    start.x[i] = x[i];
    start.gradient[i] = gradient.gradient[i];
  }
  if (model.knows_curvature()) {
    set_scaled_gradient(team, gradient.gradient, sigma, model);
    model.curvature = start.curvature;
    model.directions = start.directions;
    set_curvature(team, problem, x, sigma, curvature, model);
    find_directions(team, true, model);
  }
  *start.numbers = model;
}

/// Gives a model, whose directions are its own, the curvature of the start.
template <class Team>
LANGEVO_FUNCTION void take_start_curvature(const Team& team, const StartModel& start, LocalModel& model) {
  const LocalModel& numbers = *start.numbers;
  model.curvature = start.curvature;
  for (int r = 0; r < leading_directions; ++r) model.eigenvalue[r] = numbers.eigenvalue[r];
  model.rank = numbers.rank;
  model.half_trace = numbers.half_trace;
  model.curvature_norm = numbers.curvature_norm;
  model.remainder = numbers.remainder;
  team.each(leading_directions * model.padded,
            [&](std::size_t i) LANGEVO_BODY { model.directions[i] = start.directions[i]; });
}

/// Whether x is where it was made.
template <class Team>
LANGEVO_FUNCTION bool is_at(const Team& team, std::size_t n, const StartModel& start, const double* x) {
  return team.sum(n, [&](std::size_t i) LANGEVO_BODY { return x[i] == start.x[i] ? 0.0 : 1.0; }) == 0;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
