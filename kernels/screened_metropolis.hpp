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
LANGEVO_APART void learn_from_stretch(const Team& team, const Context& context, const double* x,
                                      LocalModel& model, ReplicaView replica, ScreenedWorkspace<Team>& work) {
  if (model.knows_curvature()) keep_error_direction(team, model);
  if (model.knows_curvature() || replica.directions == nullptr) return;
  float* const change = model.bend;
  float* const way = model.pending;  // nothing is pending at the end of a stretch
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY {
    change[i] = static_cast<float>(context.sigma[i] * work.gradient.gradient[i] -
                                   static_cast<double>(work.anchor_slope[i]));
    way[i] = static_cast<float>((x[i] - work.anchor[i]) / context.sigma[i]);
  });
  team.synchronize();
  learn_curvature(team, model.padded, change, way, replica.directions, *replica.screening);
}

/// What of a local model is that of the present state.
struct ModelAge {
  bool has_gradient = false;  ///< work.gradient
  int hessian = -1;           ///< stretches since the Hessian's anchor; -1: there is none
};

/// The model at x, whose gradient is in work.gradient, with a Hessian that served up to `ages` stretches.
template <class Team, class Context>
LANGEVO_APART void renew_model(const Team& team, const Context& context, int ages, ReplicaView replica,
                               LocalModel& model, ModelAge& age, ScreenedWorkspace<Team>& work) {
  double* const x = replica.x;
  set_slope(team, work.gradient.gradient, context.sigma, model);
  if (model.knows_curvature()) {
    const bool begins = age.hessian < 0;
    if (begins || age.hessian + 1 >= ages) {
      set_curvature(team, context.problem, x, context.sigma, work.curvature, model);
      age.hessian = 0;
    } else {
      ++age.hessian;
    }
    find_directions(team, begins, model);
  } else {
    set_learnt_curvature(team, *replica.screening, replica.directions, model);
    age.hessian = 0;
  }
  team.each(model.size, [&](std::size_t i) LANGEVO_BODY { work.anchor[i] = x[i]; });
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { work.anchor_slope[i] = model.slope[i]; });
  team.synchronize();
}

/// Back to the anchor.
template <class Team>
LANGEVO_FUNCTION void return_to_anchor(const Team& team, double* x, LocalModel& model,
                                       const ScreenedWorkspace<Team>& work) {
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
LANGEVO_FUNCTION bool check_stretch(const Team& team, const Context& context, LocalModel& model,
                                    ReplicaView replica, ScreenedWorkspace<Team>& work, SlopeCheck& check) {
  ScreeningState& state = *replica.screening;
  const bool bent_as_assumed = follow_pending(team, state.pending_margin, model);
  if (!bent_as_assumed) widen_pending_margin(team, state);
  const double loss = loss_and_gradient(team, context.problem, replica.x, work.gradient);
  check = check_slope(team, work.gradient.gradient, context.sigma, model);
  return bent_as_assumed && is_finite(loss) && is_finite(check.error);
}

/// One stretch of up to `left` proposals from the present state on. Returns the steps taken, 0 where the
/// model failed again and again.
template <class Team, class Context>
LANGEVO_APART std::uint64_t take_stretch(const Team& team, const Context& context,
                                         const ScreenedMetropolis& rule, std::uint64_t left,
                                         const ScreeningCosts& costs, ReplicaView replica, LocalModel& model,
                                         ModelAge& age, ScreenedWorkspace<Team>& work,
                                         StepCounters& counters) {
  ScreeningState& state = *replica.screening;
  double others = age.has_gradient ? 0 : costs.gradient;  // costs apart from proposals and undecided ones
  if (!age.has_gradient) loss_and_gradient(team, context.problem, replica.x, work.gradient);
  renew_model(team, context, ScreeningPolicy::hessian_ages(costs), replica, model, age, work);
  others += age.hessian == 0 ? costs.anchor : costs.gradient;
  ++counters.anchors;
  const double slope_norm = square_root(team.dot(model.padded, model.slope, model.slope));
  const double rounding = prediction_rounding(team, context, replica.x, 2 * slope_norm, model.size);
  std::uint64_t most = ScreeningPolicy::most_proposals(state, left);
  for (int attempt = 0; attempt <= ScreeningPolicy::most_replays; ++attempt) {
    const bool trusted = ScreeningPolicy::trusted(state);
    const AssumedError assumed = ScreeningPolicy::assumed_error(state, age.hessian, slope_norm);
    const Stretch stretch{most, audited_proposal(context, ScreeningPolicy::usual_length(state)), assumed,
                          rounding};
    StepCounters tried = counters;
    Progress progress;
    SlopeCheck check{};
    bool holds = follow_stretch(team, context, rule, stretch, ScreeningPolicy::earliest_end(costs, state),
                                model, replica, work, tried, progress) &&
                 check_stretch(team, context, model, replica, work, check);
    const StretchResult result{progress.done, progress.undecided, check.error, check.across,
                               progress.done == left};
    const double reach = assumed.reach(static_cast<double>(progress.done));
    const double error = larger(check.error / assumed.whole(reach), check.across / assumed.across(reach));
    holds = holds && (!trusted || error <= larger(1.0, progress.allows));
    const double cost = costs.proposal * static_cast<double>(progress.done) + costs.exact * progress.spent;
    if (holds) {
      counters = tried;
      learn_from_stretch(team, context, replica.x, model, replica, work);
      team.synchronize();
      if (team.leads()) {
        const auto done = static_cast<double>(progress.done);
        const double audits = !trusted ? done : stretch.audited < progress.done ? costs.exact : 0;
        ScreeningPolicy::finish_stretch(result, assumed, age.hessian, costs, state);
        ScreeningPolicy::settle(done, cost + audits + others, costs, rule.acceptance == Acceptance::automatic,
                                state);
      }
      team.synchronize();
      age.has_gradient = true;
      return progress.done;
    }
    counters.model_failures = tried.model_failures;
    counters.model_audits = tried.model_audits;
    ++counters.replays;
    others += cost + costs.gradient / 2;
    return_to_anchor(team, replica.x, model, work);
    if (team.leads() && progress.done > 0 && is_finite(check.error))
      ScreeningPolicy::take_error(assumed, age.hessian, result, 1, state);
    most = progress.done / 2 > 1 ? progress.done / 2 : 1;
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
LANGEVO_APART std::uint64_t take_exact_steps(const Team& team, Context context,
                                             const ScreenedMetropolis& rule, std::uint64_t left,
                                             ReplicaView replica, ModelAge& age,
                                             ScreenedWorkspace<Team>& work, StepCounters& counters) {
  ScreeningState& state = *replica.screening;
  const std::uint64_t steps = left < state.exact_left ? left : state.exact_left;
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++context.step) {
    take_step(team, context, static_cast<const Metropolis&>(rule), replica, work.exact, counters);
    ++counters.steps;
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
  LocalModel model = work.model;  // its numbers are every thread's own, its arrays the team's
  ModelAge age;
  for (std::uint64_t taken = 0; taken < steps;) {
    const std::uint64_t left = steps - taken;
    const std::uint64_t done =
        replica.screening->exact_left > 0
            ? take_exact_steps(team, context, rule, left, replica, age, work, counters)
            : take_stretch(team, context, rule, left, costs, replica, model, age, work, counters);
    taken += done;
    context.step += done;
  }
  team.synchronize();
  team.each(work.model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = work.state[i]; });
  team.synchronize();
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
