#pragma once

#include "kernels/kernel_rules.hpp"
#include "kernels/metropolis.hpp"
#include "kernels/prediction.hpp"

/// Metropolis steps whose acceptance test begins with a local model of the loss: the rung below the float
/// change. Most proposals are decided by the model, the rest by the exact evaluation, so that trajectories
/// are those of the exact test. The model's error is measured: after a stretch of proposals the gradient at
/// its end is compared with the one the model carried there, and exact evaluations, some of them audits at
/// random, with what it predicted. A stretch in which the model did worse than assumed is replayed.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct ScreenedWorkspace {
  static constexpr std::size_t normals_at_a_time = 4096;

  MetropolisWorkspace<Team> exact;
  GradientWorkspace<Team> gradient;
  CurvatureWorkspace curvature;
  LocalModel model;
  double* anchor;       ///< x at the anchor, [N]
  float* anchor_slope;  ///< G there, [padded N]
  float* normal;        ///< of several steps, [steps_at_a_time][normal_buffer_size(N)], finite to row ends
  std::size_t steps_at_a_time;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    exact.carve(arena, network);
    gradient.carve(arena, network);
    curvature.carve(arena, network);
    model.carve(arena, network);
    anchor = arena.take<double>(network.parameter_count);
    anchor_slope = arena.take<float>(model.padded);
    const std::size_t row = normal_buffer_size(network.parameter_count);
    steps_at_a_time = row < normals_at_a_time ? normals_at_a_time / row : 1;
    normal = arena.take<float>(steps_at_a_time * row);
  }
};

/// Evaluations made, in ones in float.
LANGEVO_INLINE double evaluation_cost(const StepCounters& counters) {
  return static_cast<double>(counters.decided_by_float) +
         double_evaluation * static_cast<double>(counters.decided_by_double + counters.decided_by_value);
}

/// Pending mutations have bent the slope more than pending_error says.
template <class Team>
LANGEVO_FUNCTION void widen_pending_margin(const Team& team, ScreeningState& state) {
  team.synchronize();
  if (team.leads()) state.pending_margin *= 1.5;
  team.synchronize();
}

/// One proposal z; adds to `spent` the cost of evaluating it if the model left it undecided. Returns false
/// where the model turns out to be worse than its bound.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_screened_step(const Team& team, const Context& context,
                                         const ScreenedMetropolis& rule, const ModelBound& assumed,
                                         bool audit, LocalModel& model, const float* z, ReplicaView replica,
                                         ScreenedWorkspace<Team>& work, StepCounters& counters,
                                         double& spent) {
  ScreeningState& state = *replica.screening;
  const std::size_t n = model.size;
  double* const x = replica.x;
  const Prediction prediction = predict(team, context, rule, assumed, audit, z, state, model);
  if (!prediction.holds) {
    widen_pending_margin(team, state);
    return false;
  }
  bool accepted = prediction.verdict == Verdict::accept;
  if (audit || prediction.verdict == Verdict::undecided) {
    double* const proposed = work.exact.proposed;
    team.each(n, [&](std::size_t i)
                     LANGEVO_BODY { proposed[i] = proposed_parameter(x[i], context.sigma[i], z[i]); });
    team.synchronize();
    // before the model is trusted every step is evaluated: an exact step, whose values can be carried
    const bool trusted = ScreeningPolicy::trusted(state);
    CarriedValues<Team>& carried = work.exact.acceptance.carried;
    if (!trusted) carried.begin_step(context.replica, context.step);
    const bool audit_float = audit && trusted && ScreeningPolicy::audits_float(state);
    const bool in_float = rule.precision == Precision::float32 &&
                          (!trusted || audit_float || ScreeningPolicy::float_pays(state));
    const std::uint64_t by_float = counters.decided_by_float;
    const double cost_before = evaluation_cost(counters);
    const Decision exact =
        decide(team, context, in_float ? Precision::float32 : Precision::float64, x, proposed,
               prediction.threshold, work.exact.acceptance, replica.calibration, counters, audit_float);
    accepted = exact.accepted;
    if (!trusted) {
      carried.end_step(team, accepted, context.problem.network, work.exact.acceptance.single_precision);
    }
    const double error = exact.change.change - prediction.closest.change;
    if (audit) {
      ++counters.model_audits;
    } else {
      spent += evaluation_cost(counters) - cost_before;
    }
    if (is_finite(error)) {
      team.synchronize();
      if (team.leads()) {
        if (in_float && trusted && !audit_float)
          ScreeningPolicy::take_rung(counters.decided_by_float > by_float, state);
        ScreeningPolicy::take_sample(error, exact.change.error_bound, prediction.explained,
                                     !model.knows_curvature(), state);
      }
      team.synchronize();
      if (trusted &&
          (contradicts(exact.change, prediction.closest) || contradicts(exact.change, prediction.deciding))) {
        ++counters.model_failures;
        return false;
      }
    }
  } else {
    ++counters.decided_by_model;
  }
  if (accepted) {
    if (prediction.bent) {
      follow_bend(team, model);
    } else if (model.bends()) {
      defer_mutation(team, z, model);
    }
    team.each(n,
              [&](std::size_t i) LANGEVO_BODY { x[i] = proposed_parameter(x[i], context.sigma[i], z[i]); });
    team.synchronize();
    ++counters.accepted;
  }
  ++counters.steps;
  return true;
}

/// Follows the model through a stretch; adds to `spent` what undecided proposals cost. Returns false where it
/// turns out worse than its bound.
template <class Team, class Context>
LANGEVO_FUNCTION bool follow_stretch(const Team& team, Context context, const ScreenedMetropolis& rule,
                                     const Stretch& stretch, LocalModel& model, ReplicaView replica,
                                     ScreenedWorkspace<Team>& work, StepCounters& counters, double& spent) {
  const std::size_t row = normal_buffer_size(model.size);
  for (std::uint64_t done = 0; done < stretch.length;) {
    const std::uint64_t left = stretch.length - done;
    const std::uint64_t same_high_word = 0x100000000u - (context.step & 0xffffffffu);
    std::uint64_t batch = left < work.steps_at_a_time ? left : work.steps_at_a_time;
    batch = batch < same_high_word ? batch : same_high_word;
    draw_normals(team, context.random(Stream::mutation), model.size, work.normal,
                 static_cast<std::uint32_t>(batch));
    team.synchronize();
    for (std::uint64_t k = 0; k < batch; ++k, ++done, ++context.step) {
      const bool audit = done == stretch.audited || !ScreeningPolicy::trusted(*replica.screening);
      if (!take_screened_step(team, context, rule, model_bound(stretch, done, *replica.screening), audit,
                              model, work.normal + k * row, replica, work, counters, spent)) {
        return false;
      }
    }
    team.synchronize();
  }
  return true;
}

/// The proposal of a stretch that begins at this step to be audited, or none.
template <class Context>
LANGEVO_INLINE std::uint64_t audited_proposal(const Context& context, std::uint64_t length) {
  const RandomWords words = context.random(Stream::model_audit).block(0);
  return words.word[0] % ScreeningPolicy::stretches_per_audit == 0 ? words.word[1] % length : length;
}

/// Exact steps; the state that the model knows is left behind.
template <class Team, class Context>
LANGEVO_FUNCTION void take_exact_steps(const Team& team, Context context, const ScreenedMetropolis& rule,
                                       std::uint64_t steps, ReplicaView replica,
                                       ScreenedWorkspace<Team>& work, StepCounters& counters) {
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++context.step) {
    take_step(team, context, static_cast<const Metropolis&>(rule), replica, work.exact, counters);
    ++counters.steps;
  }
}

/// The learnt curvature takes in the way from the anchor to x, whose gradient is in work.gradient.
template <class Team, class Context>
LANGEVO_FUNCTION void learn_from_stretch(const Team& team, const Context& context, const double* x,
                                         LocalModel& model, ReplicaView replica,
                                         ScreenedWorkspace<Team>& work) {
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

/// One stretch of up to `most` proposals from the anchor at x, whose gradient is in work.gradient; leaves the
/// gradient at its end there. `begins`: no stretch of this replica came just before. Returns the steps taken,
/// 0 where the model failed again and again.
template <class Team, class Context>
LANGEVO_FUNCTION std::uint64_t take_stretch(const Team& team, const Context& context,
                                            const ScreenedMetropolis& rule, std::uint64_t most,
                                            const ScreeningCosts& costs, bool begins, ReplicaView replica,
                                            ScreenedWorkspace<Team>& work, StepCounters& counters) {
  ScreeningState& state = *replica.screening;
  LocalModel model = work.model;  // its numbers are every thread's own, its arrays the team's
  const std::size_t n = model.size;
  double* const x = replica.x;
  set_slope(team, work.gradient.gradient, context.sigma, model);
  if (model.knows_curvature()) {
    set_curvature(team, context.problem, x, context.sigma, work.curvature, model);
    find_directions(team, begins, model);
  } else {
    set_learnt_curvature(team, state, replica.directions, model);
  }
  team.each(n, [&](std::size_t i) LANGEVO_BODY { work.anchor[i] = x[i]; });
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { work.anchor_slope[i] = model.slope[i]; });
  const double slope_norm = square_root(team.dot(model.padded, model.slope, model.slope));
  const double rounding = prediction_rounding(team, context, x, 2 * slope_norm, n);
  team.synchronize();
  ++counters.anchors;
  double length = ScreeningPolicy::next_length(state, most);
  double others = begins ? costs.gradient : 0;  // costs apart from anchor, proposals and undecided ones
  for (int attempt = 0; attempt <= ScreeningPolicy::most_replays; ++attempt) {
    const auto steps = static_cast<std::uint64_t>(length);
    const bool trusted = ScreeningPolicy::trusted(state);
    const Stretch stretch{steps, audited_proposal(context, steps),
                          ScreeningPolicy::assumed_error(state, state.drift, length, slope_norm),
                          ScreeningPolicy::assumed_across(state, length, slope_norm), rounding};
    StepCounters tried = counters;
    double spent = 0;
    bool holds = follow_stretch(team, context, rule, stretch, model, replica, work, tried, spent);
    SlopeCheck check{};
    if (holds) {
      const bool bent_as_assumed = follow_pending(team, state.pending_margin, model);
      if (!bent_as_assumed) widen_pending_margin(team, state);
      const double loss = loss_and_gradient(team, context.problem, x, work.gradient);
      check = check_slope(team, work.gradient.gradient, context.sigma, model);
      const bool finite = is_finite(loss) && is_finite(check.error);
      if (finite && model.knows_curvature()) keep_error_direction(team, model);
      if (finite && !model.knows_curvature() && replica.directions != nullptr)
        learn_from_stretch(team, context, x, model, replica, work);
      holds = finite && bent_as_assumed &&
              (!trusted || (check.error <= stretch.slope_error && check.across <= stretch.across_error));
    }
    if (holds) {
      counters = tried;
      if (team.leads()) {
        ScreeningPolicy::finish_stretch(length, check.error, check.across, spent, costs, most, state);
        const double audits = !trusted ? length : stretch.audited < steps ? costs.exact : 0;
        const double cost = costs.anchor + costs.proposal * length + costs.exact * spent + audits + others;
        ScreeningPolicy::settle(length, cost, costs, rule.acceptance == Acceptance::automatic, state);
      }
      team.synchronize();
      return steps;
    }
    counters.model_failures = tried.model_failures;
    counters.model_audits = tried.model_audits;
    ++counters.replays;
    others += costs.proposal * length + costs.exact * spent + costs.anchor / 2;
    team.each(n, [&](std::size_t i) LANGEVO_BODY { x[i] = work.anchor[i]; });
    team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
      model.slope[i] = work.anchor_slope[i];
      model.pending[i] = 0;
    });
    model.pending_count = 0;
    if (team.leads() && is_finite(check.error)) {
      if (check.error > state.drift * length || check.across > state.drift_across * length)
        state.drift_length = length;
      state.drift = larger(state.drift, check.error / length);
      state.drift_across = larger(state.drift_across, check.across / length);
    }
    length = larger(1.0, static_cast<double>(steps / 2));
    team.synchronize();
  }
  return 0;
}

template <class Team, class Context>
LANGEVO_FUNCTION std::uint64_t advance_replica(const Team& team, Context context,
                                               const ScreenedMetropolis& rule, std::uint64_t steps,
                                               ReplicaView replica, ScreenedWorkspace<Team>& work,
                                               StepCounters& counters) {
  ScreeningState& state = *replica.screening;
  const ScreeningCosts costs =
      screening_costs(context.problem, rule.precision, work.model.knows_curvature(), Team::carries_values);
  const std::size_t normals = work.steps_at_a_time * normal_buffer_size(work.model.size);
  team.each(normals, [&](std::size_t i) LANGEVO_BODY { work.normal[i] = 0; });
  if (rule.acceptance == Acceptance::automatic && team.leads()) ScreeningPolicy::begin(costs, state);
  team.synchronize();
  bool anchored = false;  // whether work.gradient is that of the present state
  for (std::uint64_t taken = 0; taken < steps;) {
    const std::uint64_t left = steps - taken;
    std::uint64_t done = 0;
    if (state.exact_left == 0) {
      if (!anchored) loss_and_gradient(team, context.problem, replica.x, work.gradient);
      done = take_stretch(team, context, rule, left, costs, !anchored, replica, work, counters);
      anchored = done > 0;
      if (done == 0) {
        team.synchronize();
        if (team.leads()) ScreeningPolicy::give_up(costs, state);
        team.synchronize();
      }
    } else {
      done = left < state.exact_left ? left : state.exact_left;
      take_exact_steps(team, context, rule, done, replica, work, counters);
      team.synchronize();
      if (team.leads()) state.exact_left -= done;
      team.synchronize();
      anchored = false;
    }
    taken += done;
    context.step += done;
  }
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
