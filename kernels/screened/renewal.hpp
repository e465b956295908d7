#pragma once

#include "kernels/screened/run.hpp"

/// A local model of the present state: its gradient, its curvature, and what it learns from a stretch.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// |sigma.gradient - G| for the G in hessian_product.
template <class Team>
LANGEVO_FUNCTION double distance_from_product(const Team& team, const double* gradient, const double* sigma,
                                              const LocalModel& model) {
  return square_root(team.sum(model.size, [&](std::size_t i) LANGEVO_BODY {
    const double difference = sigma[i] * gradient[i] - static_cast<double>(model.hessian_product[i]);
    return difference * difference;
  }));
}

/// The gradient at x of the loss that is evaluated into work.gradient, in float where that serves; returns
/// the loss. Uses hessian_product.
template <class Team, class Context>
LANGEVO_APART double find_evaluated_gradient(ScreenedRun<Team, Context>& run) {
  const Team& team = run.surrogate_team();
  const ProblemView& problem = run.surrogate();
  const ScreenedWorkspace<Team>& work = run.work;
  ScreeningState& state = *run.replica.screening;
  const double* const x = run.replica.x;
  const double* const sigma = run.context.sigma;
  run.age.float_gradient_error = 0;
  if (run.rule.precision == Precision::float64) return loss_and_gradient(team, problem, x, work.gradient);
  const bool compares = ScreeningPolicy::compares_gradients(state);
  const bool in_float = ScreeningPolicy::float_gradient_serves(state);
  team.by_leader([&]() LANGEVO_BODY { ++state.gradients; });
  if (!compares && !in_float) return loss_and_gradient(team, problem, x, work.gradient);
  const double loss = loss_and_float_gradient(team, problem, x, work.gradient);
  if (!compares) {
    run.age.float_gradient_error =
        ScreeningPolicy::float_gradient_margin * static_cast<double>(state.float_gradient_error);
    return loss;
  }
  float* const float_gradient = run.model.hessian_product;
  team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY {
    float_gradient[i] = static_cast<float>(sigma[i] * work.gradient.gradient[i]);
  });
  team.synchronize();
  const double exact_loss = loss_and_gradient(team, problem, x, work.gradient);
  const double error = distance_from_product(team, work.gradient.gradient, sigma, run.model);
  team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::take_float_gradient_error(error, state); });
  return exact_loss;
}

/// dU/dx at x into work.gradient, on the nodes with the defect's gradient as far as it is known; returns the
/// loss that was evaluated.
template <class Team, class Context>
LANGEVO_FUNCTION double find_gradient(ScreenedRun<Team, Context>& run) {
  const double loss = find_evaluated_gradient(run);
  if constexpr (Team::uses_nodes) {
    if (run.nodes.active && run.nodes.follows_defect) {
      double* const gradient = run.work.gradient.gradient;
      const double* const of_defect = run.nodes.work->defect_gradient;
      run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY { gradient[i] += of_defect[i]; });
    }
  }
  return loss;
}

/// Likewise, where the replica may not have left the state that it began in.
template <class Team, class Context>
LANGEVO_FUNCTION void find_first_gradient(ScreenedRun<Team, Context>& run) {
  if constexpr (Team::carries_values) {
    if (run.at_start()) {
      const double* const known = run.start.model.gradient;
      double* const gradient = run.work.gradient.gradient;
      run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY { gradient[i] = known[i]; });
      run.age.float_gradient_error = 0;
      return;
    }
  }
  find_gradient(run);
}

/// The curvature at x, and its leading directions. `begins`: none is known yet.
template <class Team, class Context>
LANGEVO_APART void renew_curvature(ScreenedRun<Team, Context>& run, bool begins) {
  LocalModel& model = run.model;
  if constexpr (Team::carries_values) {
    if (run.at_start()) return take_start_curvature(run.team, run.start.model, model);
    model.curvature = run.work.model.curvature;
  }
  set_curvature(run.surrogate_team(), run.surrogate(), run.replica.x, run.context.sigma, run.work.curvature,
                model);
  find_directions(run.team, begins, model);
}

/// Learns from a stretch that was as good as assumed: into a learnt A goes the way from the anchor to x,
/// whose gradient is in work.gradient.
template <class Team, class Context>
LANGEVO_APART void learn_from_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  if (model.knows_curvature() || run.replica.directions == nullptr) return;
  const double* const sigma = run.context.sigma;
  const double* const x = run.replica.x;
  float* const change = model.hessian_product;
  float* const way = model.pending;  // nothing is pending at the end of a stretch
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY {
    change[i] = static_cast<float>(sigma[i] * work.gradient.gradient[i] -
                                   static_cast<double>(work.anchor_gradient[i]));
    way[i] = static_cast<float>((x[i] - work.anchor[i]) / sigma[i]);
  });
  team.synchronize();
  learn_curvature(team, model.padded, change, way, run.replica.directions, *run.replica.learnt);
}

/// The model at x, whose gradient is in work.gradient, with a Hessian that may have served stretches before.
template <class Team, class Context>
LANGEVO_APART void renew_model(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  ModelAge& age = run.age;
  const double* const x = run.replica.x;
  set_scaled_gradient(team, work.gradient.gradient, run.context.sigma, model);
  if (model.knows_curvature()) {
    const bool begins = age.hessian < 0;
    if (begins || age.hessian + 1 >= ScreeningPolicy::hessian_ages(run.costs)) {
      renew_curvature(run, begins);
      age.hessian = 0;
    } else {
      find_directions(team, false, model);
      ++age.hessian;
    }
  } else {
    set_learnt_curvature(team, *run.replica.learnt, run.replica.directions, model);
    age.hessian = 0;
  }
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY { work.anchor[i] = x[i]; });
  team.each(model.padded,
            [&](std::size_t i) LANGEVO_BODY { work.anchor_gradient[i] = model.scaled_gradient[i]; });
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
