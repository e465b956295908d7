#pragma once

#include <optional>
#include <utility>

#include "kernels/cpu/cpu_kernels.hpp"
#include "kernels/cpu/memory/learnt_states.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"

namespace langevo {

/// What the first steps of one replica, taken on a scratch copy, teach all replicas, so that each need not
/// find it out by itself: the bounds of float changes, which are the network's more than the replica's, and
/// where all begin in one state what there is to know of models there, and the first model itself. No
/// decision depends on it.
class SharedStart {
 public:
  /// Steps that teach the float rungs, and those that teach models, too.
  static constexpr std::uint64_t float_steps = 32;
  static constexpr std::uint64_t model_steps = 4096;
  /// Models are shared where they leave less than one proposal in so many open.
  static constexpr std::uint64_t least_steps_per_open = 256;
  /// They are worth their time where replicas are to take so many times as many.
  static constexpr double proposals_per_step = 8;

  /// Whether to make one before replicas take so many steps; `models`: they all began in one state.
  static bool pays(std::uint64_t replicas, std::uint64_t steps, bool models) {
    return static_cast<double>(replicas) * static_cast<double>(steps) >=
           proposals_per_step * static_cast<double>(models ? model_steps : float_steps);
  }

  /// Takes the first steps of replica `index` from `x` on.
  SharedStart(const CpuKernels& kernels, const EnsembleView& ensemble, const ScreenedMetropolis& rule,
              const LearntStates::Use& use, std::uint32_t index, std::uint64_t first_step,
              std::span<const double> x, bool models, unsigned char* workspace)
      : learnt_(use, 1), models_(models) {
    std::vector<double> moving(x.begin(), x.end());
    const ReplicaView replica = learnt_.view(0, moving.data());
    StepCounters counters;
    const auto advance = [&](const ScreenedMetropolis& by, std::uint64_t step, std::uint64_t steps) {
      kernels.advance.of(by)(ensemble, by, index, step, steps, replica, workspace, counters);
    };
    advance(rule, first_step, float_steps);
    if (!models) return;
    // there is enough to gain to try models at once and for long
    ScreeningState& screening = *replica.screening;
    const std::uint32_t exact_steps = std::exchange(screening.exact_left, 0);
    ScreenedMetropolis patient = rule;
    patient.acceptance = Acceptance::screened;
    const std::uint64_t steps = model_steps - float_steps;
    counters = {};
    advance(patient, first_step + float_steps, steps);
    // where mutations are so large that models leave more open, errors come in sizes that one replica has
    // not shown: there each has to learn for itself
    const std::uint64_t open = steps - counters.decided_by_model - counters.model_audits;
    models_ = counters.model_failures == 0 && open * least_steps_per_open < steps;
    if (!models_) return;
    const bool paid = rule.acceptance == Acceptance::screened || screening.credit > 0;
    if (!paid) {
      screening.exact_left = exact_steps;
      return;
    }
    start_.emplace(kernels.start_model_bytes(ensemble.problem.network));
    kernels.make_start_model(ensemble, x.data(), start_->data(), workspace);
  }

  /// Gives it to replica r, as far as that knows nothing of its own.
  void teach(std::uint64_t r, LearntStates& replicas) const { replicas.begin_with(learnt_, models_, r); }

  /// The model where the first replica was; null: there is none.
  [[nodiscard]] unsigned char* start_model() const { return start_ ? start_->data() : nullptr; }

 private:
  LearntStates learnt_;
  bool models_;
  mutable std::optional<WorkspaceMemory> start_;  // the kernels read it
};

}  // namespace langevo
