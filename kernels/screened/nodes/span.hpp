#pragma once

#include "kernels/screened/attempts.hpp"
#include "kernels/screened/nodes/node_steps.hpp"

/// Screened steps, and spans of them on the nodes of a quadrature: from one gradient on all points to the
/// next, which shows whether the defect was as small as assumed. A span in which it was larger is done again
/// on all points.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What things cost where the run evaluates the loss now.
template <class Team, class Context>
LANGEVO_FUNCTION ScreeningCosts costs_of_run(const ScreenedRun<Team, Context>& run) {
  return screening_costs(run.surrogate(), run.rule.precision, run.model.knows_curvature(),
                         Team::carries_values);
}

template <class Team, class Context>
LANGEVO_FUNCTION void mutate_on_all_points(ScreenedRun<Team, Context>& run) {
  mutate(run.team, run.context, run.rule, run.replica.x, run.replica.calibration, run.work.exact,
         run.counters);
}

/// One step without a local model.
template <class Team, class Context>
LANGEVO_FUNCTION void mutate_once(ScreenedRun<Team, Context>& run) {
  if constexpr (Team::uses_nodes) {
    if (run.nodes.active) return mutate_on_nodes(run);
  }
  mutate_on_all_points(run);
}

/// The exact steps that are due; the state that the model knows is left behind.
template <class Team, class Context>
LANGEVO_APART void take_exact_steps(ScreenedRun<Team, Context>& run) {
  ScreeningState& state = *run.replica.screening;
  const std::uint64_t left = run.end - run.context.step;
  const std::uint64_t steps = left < state.exact_left ? left : state.exact_left;
  for (std::uint64_t taken = 0; taken < steps; ++taken, ++run.context.step) {
    mutate_once(run);
    ++run.counters.steps;
  }
  run.age.has_gradient = false;
  run.team.by_leader([&]() LANGEVO_BODY { state.exact_left -= static_cast<std::uint32_t>(steps); });
}

/// Whether what is left of the run is too little for a model: it would take longer to make than exact steps.
template <class Team, class Context>
LANGEVO_FUNCTION bool too_short_for_model(const ScreenedRun<Team, Context>& run) {
  if (run.rule.acceptance != Acceptance::automatic || run.age.hessian >= 0 || run.at_start()) return false;
  const auto left = static_cast<double>(run.end - run.context.step);
  return left < run.costs.anchor + run.costs.gradient;
}

/// Steps up to the run's end.
template <class Team, class Context>
LANGEVO_FUNCTION void take_screened_steps(ScreenedRun<Team, Context>& run) {
  while (run.context.step < run.end) {
    if (run.replica.screening->exact_left == 0 && too_short_for_model(run)) {
      run.team.by_leader([&]() LANGEVO_BODY {
        run.replica.screening->exact_left = static_cast<std::uint32_t>(run.end - run.context.step);
      });
    }
    if (run.replica.screening->exact_left > 0) {
      take_exact_steps(run);
    } else {
      take_stretch(run);
    }
  }
}

/// Lets the nodes stand for all points, or no more: what was measured of the other's estimates does not hold.
template <class Team, class Context>
LANGEVO_FUNCTION void evaluate_on_nodes(ScreenedRun<Team, Context>& run, bool active) {
  if (run.nodes.active == active) return;
  run.nodes.active = active;
  run.nodes.follows_defect = false;
  run.start = {};
  run.age = {};
  run.costs = costs_of_run(run);
  run.nodes.work->ladder.forget(run.team);
  run.work.exact.ladder.forget(run.team);
  *run.replica.calibration = {};
}

/// dU/dx on all points into work.gradient, and how much it is more than what the nodes and the defect
/// followed so far make of it into defect_error; returns U(x).
template <class Team, class Context>
LANGEVO_FUNCTION double measure_defect(ScreenedRun<Team, Context>& run) {
  double* const gradient = run.work.gradient.gradient;
  double* const error = run.nodes.work->defect_error;
  loss_and_gradient(run.nodes.team, run.nodes.view->problem, run.replica.x, run.work.gradient);
  const double* const defect = run.nodes.defect().gradient;
  run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY {
    error[i] = gradient[i] + (defect == nullptr ? 0.0 : defect[i]);
  });
  const double loss = loss_and_gradient(run.team, run.context.problem, run.replica.x, run.work.gradient);
  run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY { error[i] = gradient[i] - error[i]; });
  return loss;
}

/// From now on the defect is followed by its gradient here, where that is large enough to matter.
template <class Team, class Context>
LANGEVO_FUNCTION void follow_defect(ScreenedRun<Team, Context>& run) {
  const double* const error = run.nodes.work->defect_error;
  double* const defect = run.nodes.work->defect_gradient;
  const bool followed = run.nodes.follows_defect;
  run.team.each(run.model.size,
                [&](std::size_t i) LANGEVO_BODY { defect[i] = error[i] + (followed ? defect[i] : 0.0); });
  const double norm = scaled_gradient_norm(run.team, run.context, run.work.gradient.gradient);
  run.nodes.follows_defect =
      scaled_gradient_norm(run.team, run.context, defect) > DefectPolicy::worth_following * norm;
  run.age.has_gradient = true;
  run.age.float_gradient_error = 0;
}

/// What one evaluation on all points costs.
struct AllPointsCosts {
  double gradient;  ///< in double, in proposals that models decide on the nodes
  double step;      ///< an exact step, in such gradients
};

template <class Team, class Context>
LANGEVO_FUNCTION AllPointsCosts all_points_costs(const ScreenedRun<Team, Context>& run) {
  const auto costs = [&](Precision precision) {
    return screening_costs(run.context.problem, precision, run.model.knows_curvature(), Team::carries_values);
  };
  const ScreeningCosts in_double = costs(Precision::float64);
  const double gradient = in_double.gradient * in_double.step;
  return {gradient / (run.costs.proposal * run.costs.step), costs(run.rule.precision).step / gradient};
}

/// Begins a span, which ends at `end` at the latest.
template <class Team, class Context>
LANGEVO_APART void begin_span(ScreenedRun<Team, Context>& run, std::uint64_t end,
                              const AllPointsCosts& costs) {
  const DefectState& state = *run.replica.defect;
  RunOnNodes<Team>& nodes = run.nodes;
  if (!nodes.follows_defect && DefectPolicy::begins_with_gradient(*nodes.view, state)) {
    measure_defect(run);
    follow_defect(run);
  } else if (!run.age.has_gradient) {
    find_first_gradient(run);
    run.age.has_gradient = true;
  }
  nodes.gradient_norm = scaled_gradient_norm(run.team, run.context, run.work.gradient.gradient);
  nodes.bound = DefectPolicy::bound(*nodes.view, state) * nodes.gradient_norm;
  nodes.opened = 0;
  nodes.begin = run.context.step;
  nodes.counters = run.counters;
  const double* const x = run.replica.x;
  double* const anchor = nodes.work->anchor;
  run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY { anchor[i] = x[i]; });
  const auto usual = static_cast<std::uint64_t>(DefectPolicy::usual_span(costs.gradient, state));
  run.end = end - nodes.begin < usual ? end : nodes.begin + usual;
}

/// The error of the defect's change under the next mutation, beyond its gradient, in units of
/// |sigma.dU/dx| where the span began.
template <class Team, class Context>
LANGEVO_FUNCTION double error_of_defect_change(ScreenedRun<Team, Context>& run) {
  const Context& context = run.context;
  const double* const x = run.replica.x;
  const double* const proposed = run.work.exact.proposed;
  propose(run.team, context, context.random(Stream::mutation), x, run.work.exact);
  const LossChange on_all =
      loss_change(run.team, context.problem, x, proposed, run.work.exact.ladder.double_precision);
  const LossChange on_nodes = loss_change(run.nodes.team, run.nodes.view->problem, x, proposed,
                                          run.nodes.work->ladder.double_precision);
  const double* const gradient_error = run.nodes.work->defect_error;
  const double* const followed = run.nodes.defect().gradient;
  const double by_gradient = run.team.sum(run.model.size, [&](std::size_t i) LANGEVO_BODY {
    const double of_defect = gradient_error[i] + (followed == nullptr ? 0.0 : followed[i]);
    return of_defect * (proposed[i] - x[i]);
  });
  const double error = absolute(on_all.change - on_nodes.change - by_gradient);
  const double known_to = on_all.error_bound + on_nodes.error_bound;
  return relative_error(error <= known_to ? 0.0 : error, run.nodes.gradient_norm);
}

/// Back to where the span began, and on from there to its end on all points.
template <class Team, class Context>
LANGEVO_APART void repeat_span_on_all_points(ScreenedRun<Team, Context>& run) {
  double* const x = run.replica.x;
  const double* const anchor = run.nodes.work->anchor;
  run.end = run.context.step;
  run.team.each(run.model.size, [&](std::size_t i) LANGEVO_BODY { x[i] = anchor[i]; });
  run.context.step = run.nodes.begin;
  run.counters = run.nodes.counters;
  ++run.counters.repeated_spans;
  evaluate_on_nodes(run, false);
  take_screened_steps(run);
}

/// What is checked of a span: one that its replica's steps in this call cut short so seldom that gradients on
/// all points cost no more than in whole ones.
struct SpanChecks {
  bool gradient;
  bool change;
};

template <class Team, class Context>
LANGEVO_FUNCTION SpanChecks checks_of_span(const ScreenedRun<Team, Context>& run, double done, double usual) {
  const RandomWords words = run.context.random(Stream::model_audit).block(1);
  return {uniform_double(words.word[0], words.word[1]) * usual <= done,
          words.word[2] % DefectPolicy::spans_per_change == 0};
}

/// Ends a span at its end.
template <class Team, class Context>
LANGEVO_APART void finish_span(ScreenedRun<Team, Context>& run, const AllPointsCosts& costs) {
  DefectState& state = *run.replica.defect;
  const NodesView& nodes = *run.nodes.view;
  const auto done = static_cast<double>(run.context.step - run.nodes.begin);
  const double usual = DefectPolicy::usual_span(costs.gradient, state);
  const SpanChecks checks = checks_of_span(run, done, usual);
  if (!checks.gradient) return;
  const double loss = measure_defect(run);
  const double error = scaled_gradient_norm(run.team, run.context, run.nodes.work->defect_error);
  const DefectError measured{relative_error(error, run.nodes.gradient_norm),
                             checks.change ? error_of_defect_change(run) : 0.0};
  ++run.counters.spans;
  if (is_finite(loss) && DefectPolicy::holds(nodes, state, measured)) {
    DefectPolicy::take_error(measured, state);
    // a change in double on all points costs about as much as a gradient there
    DefectPolicy::finish_span(done, run.nodes.opened, costs.step, 2 * done >= usual, run.context.step, state);
    follow_defect(run);
    return;
  }
  DefectPolicy::take_error(measured, state);
  DefectPolicy::fail_span(done, measured, run.context.step, state);
  repeat_span_on_all_points(run);
}

/// Steps up to the run's end, on the nodes as far as they serve.
template <class Team, class Context>
LANGEVO_FUNCTION void take_spans(ScreenedRun<Team, Context>& run) {
  const std::uint64_t end = run.end;
  const DefectState& state = *run.replica.defect;
  while (run.context.step < end) {
    if (run.context.step < state.rests_until) {
      evaluate_on_nodes(run, false);
      run.end = state.rests_until < end ? state.rests_until : end;
      take_screened_steps(run);
      continue;
    }
    evaluate_on_nodes(run, true);
    const AllPointsCosts costs = all_points_costs(run);
    begin_span(run, end, costs);
    take_screened_steps(run);
    finish_span(run, costs);
  }
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
