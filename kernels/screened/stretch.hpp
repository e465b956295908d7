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

/// x' of the proposals k whose bit of `accepted` is set becomes the state, one after the other.
template <class Team, class Context>
LANGEVO_INLINE void accept_proposals(ScreenedRun<Team, Context>& run,
                                     const ScreenedProposals<Team>& proposals, std::uint32_t accepted,
                                     std::uint32_t count) {
  if (count == 0) return;
  const Team& team = run.team;
  LocalModel& model = run.model;
  const float* const normals = proposals.normals;
  const auto stride = static_cast<unsigned>(proposals.stride);
  if (model.knows_curvature()) {
    float* const pending = model.pending;
    team.fold_vectors(model.padded, accepted, pending,
                      [=](float d, auto i, auto k) LANGEVO_BODY { return d + normals[k * stride + i]; });
  }
  const double* const sigma = run.work.sigma;
  team.fold_vectors(model.padded, accepted, run.replica.x, [=](double x, auto i, auto k) LANGEVO_BODY {
    return proposed_parameter(x, sigma[i], normals[k * stride + i]);
  });
  model.pending_count += count;
  run.progress.accepted += count;
  run.counters.accepted += count;
}

/// How clear a proposal is to a local model's first estimate.
enum class Clarity : int { rejected, accepted, open };

/// Takes proposals from k on as far as they are clear, up to `end`; returns the first one that is not.
template <class Team, class Context>
LANGEVO_INLINE std::size_t take_clear_proposals(ScreenedRun<Team, Context>& run,
                                                const ScreenedProposals<Team>& proposals, std::size_t k,
                                                std::size_t end) {
  const Team& team = run.team;
  LocalModel& model = run.model;
  const bool rejects = !is_finite(run.rule.beta);  // the threshold is never below 0, and 0 at beta = inf
  const std::size_t begin = k;
  std::uint32_t accepted = 0;  // a bit each
  std::uint32_t count = 0;
  double pending_part[leading_directions];
  for (int r = 0; r < leading_directions; ++r) pending_part[r] = model.pending_part[r];
  for (;; ++k) {
    typename Team::template VectorValues<int> clarity{};
    k = team.first_vector(k, end, [&](std::size_t j) LANGEVO_BODY {
      const double change = proposals.change_after(j, pending_part);
      const bool is_clear = absolute(change) > proposals.clear[j] && (change < 0 || rejects);
      const Clarity found = !is_clear ? Clarity::open : change < 0 ? Clarity::accepted : Clarity::rejected;
      clarity[j] = static_cast<int>(found);
      return found != Clarity::rejected;
    });
    if (k >= end || team.of_vector(clarity, k) != static_cast<int>(Clarity::accepted)) break;
    for (int r = 0; r < leading_directions; ++r) pending_part[r] += team.of_vector(proposals.part[r], k);
    accepted |= std::uint32_t{1} << k;
    ++count;
  }
  for (int r = 0; r < leading_directions; ++r) model.pending_part[r] = pending_part[r];
  accept_proposals(run, proposals, accepted, count);
  const std::uint64_t taken = k - begin;
  run.counters.decided_by_model += taken;
  run.counters.steps += taken;
  run.progress.done += taken;
  run.context.step += taken;
  return k;
}

/// Follows the model through a few proposals.
template <class Team, class Context>
LANGEVO_INLINE StepOutcome follow_proposals(ScreenedRun<Team, Context>& run,
                                            const ScreenedProposals<Team>& proposals, std::size_t count) {
  const Team& team = run.team;
  LocalModel& model = run.model;
  const bool trusted = ScreeningPolicy::trusted(*run.replica.screening);
  for (std::size_t k = 0; k < count; ++k) {
    if (trusted) {
      const std::uint64_t until_audit =
          run.stretch.audited - run.progress.done;  // or around to a huge number
      k = take_clear_proposals(run, proposals, k, until_audit < count - k ? k + until_audit : count);
      if (k == count) break;
    }
    const bool audit = run.progress.done == run.stretch.audited || !trusted;
    const bool may_end = trusted && run.progress.done > 0 &&
                         static_cast<double>(run.progress.done) >= run.stretch.earliest_end;
    team.synchronize();  // of what was accepted before
    const ModelBound own =
        model_bound(run.stretch, run.progress.accepted, model.pending_count, model, *run.replica.screening);
    const StepOutcome outcome =
        decide_open_step(run, own, audit, may_end, screened_proposal(team, proposals, k, own, model));
    if (outcome != StepOutcome::taken) return outcome;
    if (run.accepts) {
      for (int r = 0; r < leading_directions; ++r)
        model.pending_part[r] += team.of_vector(proposals.part[r], k);
      accept_proposals(run, proposals, std::uint32_t{1} << k, 1);
      team.synchronize();
    }
    ++run.counters.steps;
    ++run.progress.done;
    ++run.context.step;
  }
  return StepOutcome::taken;
}

/// Follows the model through a stretch, up to an undecided proposal from its earliest end on or to its end.
/// Returns false where the model turns out worse than its bound.
template <class Team, class Context>
LANGEVO_APART bool follow_stretch(ScreenedRun<Team, Context>& run) {
  const Team& team = run.team;
  Context& context = run.context;
  const ScreenedWorkspace<Team>& work = run.work;
  LocalModel& model = run.model;
  const std::size_t row = ScreenedWorkspace<Team>::normal_row(model.size);
  while (run.progress.done < run.stretch.most) {
    const std::uint64_t left = run.stretch.most - run.progress.done;
    const std::uint64_t same_high_word = 0x100000000u - (context.step & 0xffffffffu);
    std::uint64_t batch = left < work.steps_at_a_time ? left : work.steps_at_a_time;
    batch = batch < same_high_word ? batch : same_high_word;
    draw_normals(team, context.random(Stream::mutation), model.size, work.normal,
                 static_cast<std::uint32_t>(batch), row);
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
      ScreenedProposals<Team> proposals;
      proposals.normals = work.normal + first * row;
      proposals.stride = row;
      screen_proposals(team, model, assumed, count, proposals);
      const StepOutcome outcome = follow_proposals(run, proposals, count);
      if (outcome != StepOutcome::taken) return outcome == StepOutcome::left_open;
      team.synchronize();
    }
  }
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
