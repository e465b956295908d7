#pragma once

#include "kernels/screened/evaluation.hpp"

/// Proposals of a stretch that a local model decides, or the exact evaluation where it cannot.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What is assumed of a proposal after `accepted` mutations of the stretch, and of those before it.
LANGEVO_INLINE ModelBound model_bound(const Stretch& stretch, std::uint64_t accepted, std::uint64_t pending,
                                      const LocalModel& model, const ScreeningState& state) {
  const AssumedError& error = stretch.error;
  const double own = error.curved ? ScreeningPolicy::reach_of_one : ScreeningPolicy::reach_of_one_learning;
  const Reach reach = error.reach(static_cast<double>(accepted) + own);
  ModelBound bound;
  for (int r = 0; r < leading_directions; ++r)
    bound.along[r] = AssumedError::along_margin * error.along[r] * reach.along;
  bound.across = AssumedError::deviations * error.across_after(reach);
  bound.others = ScreeningPolicy::remainder_margin * static_cast<double>(state.largest_remainder) +
                 stretch.rounding + stretch.defect;
  bound.curvature = curvature_tail(model.remainder) +
                    pending_error(model.remainder, static_cast<double>(pending),
                                  AssumedError::deviations * static_cast<double>(state.pending_margin));
  return bound;
}

/// Pending mutations have changed the scaled gradient more than pending_error says.
template <class Team>
LANGEVO_FUNCTION void widen_pending_margin(const Team& team, ScreeningState& state) {
  team.by_leader([&]() LANGEVO_BODY { state.pending_margin *= 1.5f; });
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
      if (model.follows_soon &&
          !follow_pending(team, static_cast<double>(run.replica.screening->pending_margin), model)) {
        widen_pending_margin(team, *run.replica.screening);
        return false;
      }
      const std::uint64_t count =
          batch - first < Team::vectors_at_a_time ? batch - first : Team::vectors_at_a_time;
      const ModelBound assumed = model_bound(run.stretch, run.progress.accepted + count - 1,
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
          const ModelBound own = model_bound(run.stretch, run.progress.accepted, model.pending_count, model,
                                             *run.replica.screening);
          const StepOutcome outcome =
              decide_open_step(run, own, audit, may_end, screened_proposal(proposals, k, own, model));
          if (outcome != StepOutcome::taken) return outcome == StepOutcome::left_open;
          accepted = run.accepts;
        }
        if (accepted) {
          accept_proposal(team, proposals, k, run.replica.x, work.sigma, model);
          ++run.progress.accepted;
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
