#pragma once

#include "kernels/screened_step.hpp"

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

/// What of a local model is that of the present state.
struct ModelAge {
  bool has_gradient = false;  ///< work.gradient
  int hessian = -1;           ///< stretches since the Hessian's anchor; -1: there is none
};

/// The model at x, whose gradient is in work.gradient, with a Hessian that served up to `ages` stretches.
template <class Team, class Context>
LANGEVO_APART void renew_model(ScreenedRun<Team, Context>& run, int ages, ModelAge& age) {
  const Team& team = run.team;
  ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  const double* const x = run.replica.x;
  set_slope(team, work.gradient.gradient, run.context.sigma, model);
  if (model.knows_curvature()) {
    const bool begins = age.hessian < 0;
    if (begins || age.hessian + 1 >= ages) {
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

/// Back to the anchor, whose step was `step`, for a replay; what was seen of the model stays counted.
template <class Team, class Context>
LANGEVO_FUNCTION void return_to_anchor(ScreenedRun<Team, Context>& run, std::uint64_t step) {
  const Team& team = run.team;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  double* const x = run.replica.x;
  run.context.step = step;
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
/// leaves the gradient there in work.gradient and the measured error in `check`.
template <class Team, class Context>
LANGEVO_APART bool check_stretch(ScreenedRun<Team, Context>& run, SlopeCheck& check) {
  const Team& team = run.team;
  ScreenedWorkspace<Team>& work = run.work;
  ScreeningState& state = *run.replica.screening;
  const bool bent_as_assumed = follow_pending(team, state.pending_margin, run.model);
  if (!bent_as_assumed) widen_pending_margin(team, state);
  const double loss = loss_and_gradient(team, run.context.problem, run.replica.x, work.gradient);
  check = check_slope(team, work.gradient.gradient, run.context.sigma, run.model);
  return bent_as_assumed && is_finite(loss) && is_finite(check.error);
}

/// One stretch of up to `left` proposals from the present state on. Returns the steps taken, 0 where the
/// model failed again and again.
template <class Team, class Context>
LANGEVO_APART std::uint64_t take_stretch(ScreenedRun<Team, Context>& run, std::uint64_t left,
                                         const ScreeningCosts& costs, ModelAge& age) {
  const Team& team = run.team;
  ScreeningState& state = *run.replica.screening;
  double others = age.has_gradient ? 0 : costs.gradient;  // costs apart from proposals and undecided ones
  if (!age.has_gradient) loss_and_gradient(team, run.context.problem, run.replica.x, run.work.gradient);
  renew_model(run, ScreeningPolicy::hessian_ages(costs), age);
  others += age.hessian == 0 ? costs.anchor : costs.gradient;
  ++run.counters.anchors;
  const double slope_norm = square_root(team.dot(run.model.padded, run.model.slope, run.model.slope));
  Stretch& stretch = run.stretch;
  Progress& progress = run.progress;
  stretch.rounding = prediction_rounding(team, run.context, run.replica.x, 2 * slope_norm, run.model.size);
  stretch.most = ScreeningPolicy::most_proposals(state, left);
  const std::uint64_t step = run.context.step;
  for (int attempt = 0; attempt <= ScreeningPolicy::most_replays; ++attempt) {
    const bool trusted = ScreeningPolicy::trusted(state);
    stretch.audited = audited_proposal(run.context, ScreeningPolicy::usual_length(state));
    stretch.earliest_end = ScreeningPolicy::earliest_end(costs, state);
    stretch.error = ScreeningPolicy::assumed_error(state, age.hessian, slope_norm);
    progress = {};
    run.anchor_counters = run.counters;
    SlopeCheck check{};
    bool holds = follow_stretch(run) && check_stretch(run, check);
    const StretchResult result{progress.done, progress.undecided, check.error, check.across,
                               progress.done == left};
    const double reach = stretch.error.reach(static_cast<double>(progress.done));
    const double error =
        larger(check.error / stretch.error.whole(reach), check.across / stretch.error.across(reach));
    holds = holds && (!trusted || error <= larger(1.0, progress.allows));
    const double cost = costs.proposal * static_cast<double>(progress.done) + costs.exact * progress.spent;
    if (holds) {
      learn_from_stretch(run);
      team.synchronize();
      if (team.leads()) {
        const auto done = static_cast<double>(progress.done);
        const double audits = !trusted ? done : stretch.audited < progress.done ? costs.exact : 0;
        ScreeningPolicy::finish_stretch(result, stretch.error, age.hessian, costs, state);
        ScreeningPolicy::settle(done, cost + audits + others, costs,
                                run.rule.acceptance == Acceptance::automatic, state);
      }
      team.synchronize();
      age.has_gradient = true;
      return progress.done;
    }
    others += cost + costs.gradient / 2;
    return_to_anchor(run, step);
    if (team.leads() && progress.done > 0 && is_finite(check.error))
      ScreeningPolicy::take_error(stretch.error, age.hessian, result, 1, state);
    stretch.most = progress.done / 2 > 1 ? progress.done / 2 : 1;
    team.synchronize();
  }
  age.has_gradient = false;
  if (team.leads()) ScreeningPolicy::give_up(costs, state);
  team.synchronize();
  return 0;
}

/// Up to `left` of the exact steps that are due; the state that the model knows is left behind. Returns the
/// steps taken.
template <class Team, class Context>
LANGEVO_APART std::uint64_t take_exact_steps(ScreenedRun<Team, Context>& run, std::uint64_t left,
                                             ModelAge& age) {
  const Team& team = run.team;
  ScreeningState& state = *run.replica.screening;
  const std::uint64_t steps = left < state.exact_left ? left : state.exact_left;
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++run.context.step) {
    take_step(team, run.context, static_cast<const Metropolis&>(run.rule), run.replica, run.work.exact,
              run.counters);
    ++run.counters.steps;
  }
  age.has_gradient = false;
  team.synchronize();
  if (team.leads()) state.exact_left -= steps;
  team.synchronize();
  return steps;
}

/// Takes x and the mutation widths into the workspace, and begins a state of which nothing is known. Returns
/// what steps cost.
template <class Team, class Context>
LANGEVO_APART ScreeningCosts begin_screening(const Team& team, const Context& context,
                                             const ScreenedMetropolis& rule, ReplicaView replica,
                                             ScreenedWorkspace<Team>& work) {
  const std::size_t size = work.model.size;
  const double* const x = replica.x;
  team.each(work.model.padded, [&](std::size_t i) LANGEVO_BODY {
    work.state[i] = i < size ? x[i] : 0.0;
    work.sigma[i] = i < size ? context.sigma[i] : 0.0;
  });
  const std::size_t normals = work.steps_at_a_time * normal_buffer_size(size);
  team.each(normals, [&](std::size_t i) LANGEVO_BODY { work.normal[i] = 0; });
  const ScreeningCosts costs =
      screening_costs(context.problem, rule.precision, work.model.knows_curvature(), Team::carries_values);
  if (rule.acceptance == Acceptance::automatic && team.leads())
    ScreeningPolicy::begin(costs, *replica.screening);
  team.synchronize();
  return costs;
}

template <class Team, class Context>
LANGEVO_FUNCTION std::uint64_t advance_replica(const Team& team, Context context,
                                               const ScreenedMetropolis& rule, std::uint64_t steps,
                                               ReplicaView replica, ScreenedWorkspace<Team>& work,
                                               StepCounters& counters) {
  const ScreeningCosts costs = begin_screening(team, context, rule, replica, work);
  double* const x = replica.x;
  replica.x = work.state;
  ScreenedRun<Team, Context> run{team, context, rule, replica, work, work.model, counters, counters, {}, {}};
  ModelAge age;
  for (std::uint64_t taken = 0; taken < steps;) {
    const std::uint64_t left = steps - taken;
    taken += replica.screening->exact_left > 0 ? take_exact_steps(run, left, age)
                                               : take_stretch(run, left, costs, age);
  }
  team.synchronize();
  team.each(work.model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = work.state[i]; });
  team.synchronize();
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
