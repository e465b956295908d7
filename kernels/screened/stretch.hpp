#pragma once

#include "kernels/change/carried/carried_double_change.hpp"
#include "kernels/model/prediction.hpp"
#include "kernels/rules/metropolis.hpp"

/// Proposals of a stretch that a local model decides, or the exact evaluation where it cannot.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct ScreenedWorkspace {
  static constexpr std::size_t normals_at_a_time = 4096;

  MetropolisWorkspace<Team> exact;
  GradientWorkspace<Team> gradient;
  KeptByOneThread<Team, CarriedActivations<Team>> activations;
  CurvatureWorkspace curvature;
  LocalModel model;
  double* state;        ///< x, [padded N]
  double* sigma;        ///< 0 in the padding, [padded N]
  double* anchor;       ///< x at the anchor, [N]
  float* anchor_slope;  ///< G there, [padded N]
  float* normal;        ///< of several steps, [steps_at_a_time][normal_buffer_size(N)], finite to row ends
  std::size_t steps_at_a_time;

  /// First what every proposal touches that the model decides, so that a GPU has it on chip; then what decides and
  /// renews where the model does not.
  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    model.carve(arena, network);
    state = arena.take<double>(model.padded);
    sigma = arena.take<double>(model.padded);
    const std::size_t row = normal_buffer_size(network.parameter_count);
    steps_at_a_time = row < normals_at_a_time ? normals_at_a_time / row : 1;
    normal = arena.take<float>(steps_at_a_time * row);
    anchor = arena.take<double>(network.parameter_count);
    anchor_slope = arena.take<float>(model.padded);
    model.carve_curvature(arena, network);
    activations.carve(arena, network);
    exact.carve(arena, network);
    gradient.carve(arena, network);
    curvature.carve(arena, network);
  }

  [[nodiscard]] LANGEVO_FUNCTION bool carries_activations() const {
    if constexpr (Team::carries_values) return activations.get().tiles > 0;
    return false;
  }
};

/// Pending mutations have bent the slope more than pending_error says.
template <class Team>
LANGEVO_FUNCTION void widen_pending_margin(const Team& team, ScreeningState& state) {
  team.by_leader([&]() LANGEVO_BODY { state.pending_margin *= 1.5; });
}

/// How a stretch is getting on.
struct Progress {
  std::uint64_t done = 0;                         ///< proposals
  std::uint64_t undecided = 0;                    ///< of them, by the model
  double spent = 0;                               ///< cost of evaluating those, in exact steps
  double allows = ScreeningPolicy::most_allowed;  ///< decisions stand for an e of so many times that assumed

  /// The model decides by an estimate of which `explained` is the part of its bound that is due to e.
  LANGEVO_INLINE void take_decision(const LossChange& estimate, double threshold, double explained) {
    const double left = absolute(estimate.change - threshold) - (estimate.error_bound - explained);
    if (left < allows * explained) allows = left / explained;
  }
};

/// What of a local model is that of the present state.
struct ModelAge {
  bool has_gradient = false;  ///< work.gradient
  double gradient_error = 0;  ///< bound on that of G, if it was made in float
  int hessian = -1;           ///< stretches since the Hessian's anchor; -1: there is none
};

/// One replica on its way through screened steps. Functions get this one reference and read from it what they
/// need when they need it: on a GPU each argument stays in registers while a function calls others.
template <class Team, class Context>
struct ScreenedRun {
  const Team& team;
  Context context;  ///< of the next step
  const ScreenedMetropolis& rule;
  ReplicaView replica;  ///< its x in the workspace,
  double* home;         ///< and where it comes from
  const ScreenedWorkspace<Team>& work;
  LocalModel model;  ///< its numbers are every thread's own, its arrays the team's
  StepCounters& counters;
  std::uint64_t end;               ///< step to end before
  StepCounters anchor_counters{};  ///< what they were at the anchor
  ScreeningCosts costs{};
  ModelAge age{};
  double anchor_error = 0;  ///< bound on that of G at the anchor
  double spent = 0;         ///< on the stretch, apart from proposals and undecided ones
  Stretch stretch{};
  Progress progress{};
  SlopeError error{};               ///< at its end
  bool accepts = false;             ///< the proposal decided last, if it was left open at first
  std::uint64_t floats_before = 0;  ///< decisions by float before the last exact one,
  double evaluation = 0;            ///< and what that one cost, in exact steps
};

enum class StepOutcome {
  taken,
  left_open,  ///< undecided: a renewed model is to decide
  disproved   ///< the model is worse than its bound
};

/// The exact decision on the proposal in work.exact.proposed, in float first where that pays and not
/// `audit`ed itself.
template <class Team, class Context>
LANGEVO_FUNCTION Decision decide_exactly(ScreenedRun<Team, Context>& run, double threshold, bool audit) {
  const Team& team = run.team;
  const Context& context = run.context;
  const ScreenedWorkspace<Team>& work = run.work;
  const AcceptanceWorkspace<Team>& exact = work.exact.acceptance;
  ScreeningState& state = *run.replica.screening;
  const double* const x = run.replica.x;
  const double* const proposed = work.exact.proposed;
  if constexpr (Team::carries_values) {  // on a GPU even a call of nothing takes registers
    LossChange change;
    run.evaluation = run.costs.in_double;
    if (carried_double_change(team, context.problem, x, proposed, work.activations.get(),
                              exact.double_precision, change) &&
        compare(change, 1.0, threshold) != Verdict::undecided) {
      return decide_by_double(change, threshold, run.counters);
    }
  }
  const bool trusted = ScreeningPolicy::trusted(state);
  const bool audit_float = audit && trusted && ScreeningPolicy::audits_float(state);
  const SentOn sent_on = run.progress.done == 0 ? at_anchor : later;
  const bool in_float = run.rule.precision == Precision::float32 &&
                        (!trusted || audit_float || ScreeningPolicy::float_pays(sent_on, run.costs, state));
  // before the model is trusted every step is evaluated: an exact step, whose values can be carried
  if (!trusted) exact.begin_carried_step(context);
  run.floats_before = run.counters.decided_by_float;
  const Decision decision =
      decide(team, context, in_float ? Precision::float32 : Precision::float64, x, proposed, threshold, exact,
             run.replica.calibration, run.counters, audit_float);
  if (!trusted) exact.end_carried_step(team, decision.accepted, context.problem.network);
  const bool by_float = run.counters.decided_by_float > run.floats_before;
  run.evaluation = by_float ? run.costs.in_float : run.costs.in_double;
  if (in_float && trusted && !audit_float && is_finite(decision.change.change)) {
    team.by_leader([&]() LANGEVO_BODY { ScreeningPolicy::take_rung(sent_on, by_float, state); });
  }
  return decision;
}

/// Has the exact evaluation decide proposal z, and the model compared with it. False where it contradicts.
template <class Team, class Context>
LANGEVO_APART bool evaluate_proposal(ScreenedRun<Team, Context>& run, bool audit,
                                     const ScreenedProposal& proposal, const Prediction& prediction) {
  const Team& team = run.team;
  const Context& context = run.context;
  ScreeningState& state = *run.replica.screening;
  const double* const x = run.replica.x;
  const float* const z = proposal.z;
  double* const proposed = run.work.exact.proposed;
  team.each(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    proposed[i] = proposed_parameter(x[i], context.sigma[i], z[i]);
  });
  team.synchronize();
  const bool trusted = ScreeningPolicy::trusted(state);
  const Decision exact = decide_exactly(run, prediction.threshold, audit);
  run.accepts = exact.accepted;
  if (audit) {
    ++run.counters.model_audits;
  } else {
    ++run.progress.undecided;
    run.progress.spent += run.evaluation;
  }
  const double error = exact.change.change - prediction.closest.change;
  if (!is_finite(error)) return true;
  team.by_leader([&]() LANGEVO_BODY {
    ScreeningPolicy::take_sample(error, exact.change.error_bound, proposal.explained,
                                 !run.model.knows_curvature(), state);
  });
  if (trusted &&
      (contradicts(exact.change, prediction.closest) || contradicts(exact.change, prediction.deciding))) {
    ++run.counters.model_failures;
    return false;
  }
  return true;
}

/// A proposal that the first estimate does not decide by itself, or that is audited. `may_end`: it may be
/// left open.
template <class Team, class Context>
LANGEVO_APART StepOutcome decide_open_step(ScreenedRun<Team, Context>& run, const ModelBound& assumed,
                                           bool audit, bool may_end, const ScreenedProposal& proposal) {
  const Prediction prediction = predict(run.team, run.context, run.rule, assumed, audit, proposal, run.model);
  run.accepts = prediction.verdict == Verdict::accept;
  if (!audit && prediction.verdict != Verdict::undecided) {
    ++run.counters.decided_by_model;
    run.progress.take_decision(prediction.deciding, prediction.threshold, proposal.explained);
  } else if (may_end && !audit) {
    ++run.progress.undecided;
    return StepOutcome::left_open;
  } else if (!evaluate_proposal(run, audit, proposal, prediction)) {
    return StepOutcome::disproved;
  }
  return StepOutcome::taken;
}

/// x' is the state.
template <class Team>
LANGEVO_INLINE void accept_proposal(const Team& team,
                                    const ScreenedProposals<Team::vectors_at_a_time>& proposals,
                                    std::size_t k, double* x, const double* sigma, LocalModel& model) {
  const float* const z = proposals.z[k];
  if (model.knows_curvature())
    team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { model.pending[i] += z[i]; });
  for (int r = 0; r < leading_directions; ++r) model.pending_part[r] += proposals.part[r][k];
  ++model.pending_count;
  team.each(model.padded,
            [&](std::size_t i) LANGEVO_BODY { x[i] = proposed_parameter(x[i], sigma[i], z[i]); });
  team.synchronize();
}

/// Follows the model through a stretch, up to an undecided proposal from its earliest end on or to its end.
/// Returns false where the model turns out worse than its bound.
template <class Team, class Context>
LANGEVO_APART bool follow_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  Context& context = run.context;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  const std::size_t row = normal_buffer_size(model.size);
  while (run.progress.done < run.stretch.most) {
    const std::uint64_t left = run.stretch.most - run.progress.done;
    const std::uint64_t same_high_word = 0x100000000u - (context.step & 0xffffffffu);
    std::uint64_t batch = left < work.steps_at_a_time ? left : work.steps_at_a_time;
    batch = batch < same_high_word ? batch : same_high_word;
    draw_normals(team, context.random(Stream::mutation), model.size, work.normal,
                 static_cast<std::uint32_t>(batch));
    team.synchronize();
    for (std::uint64_t first = 0; first < batch; first += Team::vectors_at_a_time) {
      if (model.follows_soon && !follow_pending(team, run.replica.screening->pending_margin, model)) {
        widen_pending_margin(team, *run.replica.screening);
        return false;
      }
      const std::uint64_t count =
          batch - first < Team::vectors_at_a_time ? batch - first : Team::vectors_at_a_time;
      const ModelBound assumed = model_bound(run.stretch, run.progress.done + count - 1,
                                             model.pending_count + count - 1, model, *run.replica.screening);
      const bool trusted = ScreeningPolicy::trusted(*run.replica.screening);
      ScreenedProposals<Team::vectors_at_a_time> proposals;
      screen_proposals(team, model, assumed, count, work.normal + first * row, row, proposals);
      for (std::uint64_t k = 0; k < count; ++k, ++context.step) {
        const bool audit = run.progress.done == run.stretch.audited || !trusted;
        const double change = proposals.change_after(k, model);
        bool accepted = change < 0;  // the threshold is never below 0
        if (absolute(change) > proposals.clear[k] && (accepted || !is_finite(run.rule.beta)) && !audit) {
          ++run.counters.decided_by_model;
        } else {
          const bool may_end = trusted && run.progress.done > 0 &&
                               static_cast<double>(run.progress.done) >= run.stretch.earliest_end;
          const ModelBound own =
              model_bound(run.stretch, run.progress.done, model.pending_count, model, *run.replica.screening);
          const StepOutcome outcome =
              decide_open_step(run, own, audit, may_end, screened_proposal(proposals, k, own, model));
          if (outcome != StepOutcome::taken) return outcome == StepOutcome::left_open;
          accepted = run.accepts;
        }
        if (accepted) {
          accept_proposal(team, proposals, k, run.replica.x, work.sigma, model);
          ++run.counters.accepted;
        }
        ++run.counters.steps;
        ++run.progress.done;
      }
    }
    team.synchronize();
  }
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
