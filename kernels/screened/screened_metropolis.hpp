#pragma once

#include "kernels/screened/stretch.hpp"

/// Metropolis steps whose acceptance test begins with a local model of the loss: the rung below the float
/// change. Most proposals are decided by the model, the rest by a renewed model or the exact evaluation, so
/// that trajectories are those of the exact test. The model's error is measured: after a stretch of proposals
/// the gradient at its end is compared with the one the model carried there, and exact evaluations, some of
/// them audits at random, with what it predicted. A stretch in which the model did worse than assumed is
/// replayed.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The proposal of a stretch that begins at this step to be audited, or none.
template <class Context>
LANGEVO_INLINE std::uint64_t audited_proposal(const Context& context, double length) {
  const RandomWords words = context.random(Stream::model_audit).block(0);
  return words.word[0] % ScreeningPolicy::stretches_per_audit == 0
             ? words.word[1] % static_cast<std::uint64_t>(length)
             : ~std::uint64_t{0};
}

/// |sigma.gradient - G| for the G in bend.
template <class Team>
LANGEVO_FUNCTION double distance_from_bend(const Team& team, const double* gradient, const double* sigma,
                                           const LocalModel& model) {
  return square_root(team.sum(model.size, [&](std::size_t i) LANGEVO_BODY {
    const double difference = sigma[i] * gradient[i] - static_cast<double>(model.bend[i]);
    return difference * difference;
  }));
}

/// dU/dx at x into work.gradient, in float where that serves; returns U(x). Uses bend.
template <class Team, class Context>
LANGEVO_APART double find_gradient(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ProblemView& problem = run.context.problem;
  const ScreenedWorkspace<Team>& work = run.work;
  ScreeningState& state = *run.replica.screening;
  const double* const x = run.replica.x;
  const double* const sigma = run.context.sigma;
  run.age.gradient_error = 0;
  if constexpr (Team::carries_values) {
    if (work.carries_activations())
      return loss_and_carried_gradient(team, problem, x, work.activations.get(), work.gradient);
  }
  if (run.rule.precision == Precision::float64) return loss_and_gradient(team, problem, x, work.gradient);
  const bool compares = ScreeningPolicy::compares_gradients(state);
  const bool in_float = ScreeningPolicy::float_gradient_serves(state);
  team.by_leader([&]() LANGEVO_BODY { ++state.gradients; });
  if (!compares && !in_float) return loss_and_gradient(team, problem, x, work.gradient);
  const double loss = loss_and_float_gradient(team, problem, x, work.gradient);
  if (!compares) {
    run.age.gradient_error = ScreeningPolicy::gradient_error_margin * state.gradient_error;
    return loss;
  }
  float* const in_float_slope = run.model.bend;
  team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY {
    in_float_slope[i] = static_cast<float>(sigma[i] * work.gradient.gradient[i]);
  });
  team.synchronize();
  const double exact_loss = loss_and_gradient(team, problem, x, work.gradient);
  const double error = distance_from_bend(team, work.gradient.gradient, sigma, run.model);
  team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::take_gradient_error(error, state); });
  return exact_loss;
}

/// After a stretch that was as good as assumed: of an A known in full the error's direction is kept, into a
/// learnt one goes the way from the anchor to x, whose gradient is in work.gradient.
template <class Team, class Context>
LANGEVO_APART void learn_from_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  if (model.knows_curvature()) keep_error_direction(team, model);
  if (model.knows_curvature() || run.replica.directions == nullptr) return;
  const double* const sigma = run.context.sigma;
  const double* const x = run.replica.x;
  float* const change = model.bend;
  float* const way = model.pending;  // nothing is pending at the end of a stretch
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY {
    change[i] =
        static_cast<float>(sigma[i] * work.gradient.gradient[i] - static_cast<double>(work.anchor_slope[i]));
    way[i] = static_cast<float>((x[i] - work.anchor[i]) / sigma[i]);
  });
  team.synchronize();
  learn_curvature(team, model.padded, change, way, run.replica.directions, *run.replica.screening);
}

/// The model at x, whose gradient is in work.gradient, with a Hessian that may have served stretches before.
template <class Team, class Context>
LANGEVO_APART void renew_model(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  ModelAge& age = run.age;
  const double* const x = run.replica.x;
  set_slope(team, work.gradient.gradient, run.context.sigma, model);
  if (model.knows_curvature()) {
    const bool begins = age.hessian < 0;
    if (begins || age.hessian + 1 >= ScreeningPolicy::hessian_ages(run.costs)) {
      set_curvature(team, run.context.problem, x, run.context.sigma, work.curvature, model);
      age.hessian = 0;
    } else {
      ++age.hessian;
    }
    find_directions(team, begins, model);
  } else {
    set_learnt_curvature(team, *run.replica.screening, run.replica.directions, model);
    age.hessian = 0;
  }
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY { work.anchor[i] = x[i]; });
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { work.anchor_slope[i] = model.slope[i]; });
  team.synchronize();
}

/// Back to the anchor for a replay; what was seen of the model stays counted.
template <class Team, class Context>
LANGEVO_FUNCTION void return_to_anchor(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  double* const x = run.replica.x;
  run.context.step -= run.progress.done;
  run.anchor_counters.model_failures = run.counters.model_failures;
  run.anchor_counters.model_audits = run.counters.model_audits;
  run.counters = run.anchor_counters;
  ++run.counters.replays;
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = work.anchor[i]; });
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.slope[i] = work.anchor_slope[i];
    model.pending[i] = 0;
  });
  model.forget_pending();
  team.synchronize();
}

/// Whether the slope at the end of a stretch is what the model, all pending mutations followed, makes of it;
/// leaves the gradient there in work.gradient and the measured error in run.error.
template <class Team, class Context>
LANGEVO_APART bool check_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  ScreeningState& state = *run.replica.screening;
  const bool bent_as_assumed = follow_pending(team, state.pending_margin, run.model);
  if (!bent_as_assumed) widen_pending_margin(team, state);
  const double loss = find_gradient(run);
  run.error = check_slope(team, work.gradient.gradient, run.context.sigma, run.model);
  return bent_as_assumed && is_finite(loss) && is_finite(run.error.across);
}

/// A model of the present state, to begin a stretch with.
template <class Team, class Context>
LANGEVO_APART void begin_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreeningCosts& costs = run.costs;
  run.spent = run.age.has_gradient ? 0 : costs.gradient;
  if (!run.age.has_gradient) find_gradient(run);
  renew_model(run);
  run.spent += run.age.hessian == 0 ? costs.anchor : costs.gradient;
  ++run.counters.anchors;
  const double slope_norm = square_root(team.dot(run.model.padded, run.model.slope, run.model.slope));
  run.anchor_error = 4e-6 * slope_norm + run.age.gradient_error;
  run.stretch.rounding =
      prediction_rounding(team, run.context, run.replica.x, 2 * slope_norm, run.model.size);
  run.stretch.asked = run.end - run.context.step;
  run.stretch.most = ScreeningPolicy::most_proposals(*run.replica.screening, run.stretch.asked);
}

/// What is assumed of the stretch from the anchor on, more at every attempt.
template <class Team, class Context>
LANGEVO_APART void assume_stretch(ScreenedRun<Team, Context>& run, int attempt) {
  const ScreeningState& state = *run.replica.screening;
  Stretch& stretch = run.stretch;
  stretch.trusted = ScreeningPolicy::trusted(state);
  stretch.audited = audited_proposal(run.context, ScreeningPolicy::usual_length(state));
  stretch.earliest_end = ScreeningPolicy::earliest_end(run.costs, run.model.knows_curvature(), state);
  stretch.error = ScreeningPolicy::assumed_error(state, run.age.hessian, run.model.knows_curvature(),
                                                 1.0 + attempt, run.anchor_error);
  run.progress = {};
  run.anchor_counters = run.counters;
}

/// After a stretch that `holds` as far as is known: whether its error was as assumed, too. Where not, all is
/// back at the anchor, for a shorter one.
template <class Team, class Context>
LANGEVO_APART bool finish_stretch(ScreenedRun<Team, Context>& run, bool holds) {
  const Team& team = run.team;
  const ScreeningCosts& costs = run.costs;
  const Progress& progress = run.progress;
  Stretch& stretch = run.stretch;
  const AssumedError& assumed = stretch.error;
  ScreeningState& state = *run.replica.screening;
  const StretchResult result{progress.done, progress.undecided, run.error, progress.done == stretch.asked};
  const auto done = static_cast<double>(progress.done);
  const double error = assumed.excess(run.error, done);
  const double cost = costs.proposal * done + progress.spent;
  if (holds && (!stretch.trusted || error <= larger(1.0, progress.allows))) {
    learn_from_stretch(run);
    team.by_leader([&]() LANGEVO_BODY {
      const double audits = !stretch.trusted ? done : stretch.audited < progress.done ? costs.in_double : 0;
      ScreeningPolicy::finish_stretch(result, assumed, run.age.hessian, costs, state);
      ScreeningPolicy::settle(done, cost + audits + run.spent, costs,
                              run.rule.acceptance == Acceptance::automatic, state);
    });
    run.age.has_gradient = true;
    return true;
  }
  run.spent += cost + costs.gradient / 2;
  return_to_anchor(run);
  if (progress.done > 0 && is_finite(run.error.across)) {
    team.by_leader(
        [&]() LANGEVO_BODY { ScreeningPolicy::take_error(assumed, run.age.hessian, result, state); });
  }
  stretch.most = progress.done / 2 > 1 ? progress.done / 2 : 1;
  return false;
}

/// One stretch from the present state on; none where the model failed again and again.
template <class Team, class Context>
LANGEVO_FUNCTION void take_stretch(ScreenedRun<Team, Context>& run) {
  begin_stretch(run);
  for (int attempt = 0; attempt <= ScreeningPolicy::most_replays; ++attempt) {
    assume_stretch(run, attempt);
    run.error = {};
    const bool holds = follow_stretch(run) && check_stretch(run);
    if (finish_stretch(run, holds)) return;
  }
  run.age.has_gradient = false;
  run.team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::give_up(run.costs, *run.replica.screening); });
}

/// The exact steps that are due; the state that the model knows is left behind.
template <class Team, class Context>
LANGEVO_APART void take_exact_steps(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  ScreeningState& state = *run.replica.screening;
  const std::uint64_t left = run.end - run.context.step;
  const std::uint64_t steps = left < state.exact_left ? left : state.exact_left;
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++run.context.step) {
    take_step(team, run.context, static_cast<const Metropolis&>(run.rule), run.replica, run.work.exact,
              run.counters);
    ++run.counters.steps;
  }
  run.age.has_gradient = false;
  team.by_leader([&]() LANGEVO_BODY { state.exact_left -= steps; });
}

/// Takes x and the mutation widths into the workspace, and begins a state of which nothing is known.
template <class Team, class Context>
LANGEVO_APART void begin_screening(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  if constexpr (Team::carries_values) work.activations.get().valid = false;  // those of another replica
  const std::size_t size = work.model.size;
  const double* const x = run.home;
  const double* const sigma = run.context.sigma;
  team.each(work.model.padded, [&](std::size_t i) LANGEVO_BODY {
    work.state[i] = i < size ? x[i] : 0.0;
    work.sigma[i] = i < size ? sigma[i] : 0.0;
  });
  const std::size_t normals = work.steps_at_a_time * normal_buffer_size(size);
  team.each(normals, [&](std::size_t i) LANGEVO_BODY { work.normal[i] = 0; });
  run.replica.x = work.state;
  run.costs = screening_costs(run.context.problem, run.rule.precision, work.model.knows_curvature(),
                              Team::carries_values, work.carries_activations());
  if (run.rule.acceptance == Acceptance::automatic)
    team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::begin(run.costs, *run.replica.screening); });
  team.synchronize();
}

/// Takes x back.
template <class Team, class Context>
LANGEVO_APART void end_screening(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  const double* const state = run.work.state;
  double* const x = run.home;
  team.synchronize();
  team.each(run.work.model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = state[i]; });
  team.synchronize();
}

template <class Team, class Context>
LANGEVO_APART std::uint64_t advance_replica(const Team& team, Context context, const ScreenedMetropolis& rule,
                                            std::uint64_t steps, ReplicaView replica,
                                            const ScreenedWorkspace<Team>& work, StepCounters& counters) {
  ScreenedRun<Team, Context> run{
      team, context, rule, replica, replica.x, work, work.model, counters, context.step + steps};
  begin_screening(run);
  while (run.context.step < run.end) {
    if (run.replica.screening->exact_left > 0) {
      take_exact_steps(run);
    } else {
      take_stretch(run);
    }
  }
  end_screening(run);
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
