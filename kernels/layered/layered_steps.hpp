#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/change/ladder/ladder.hpp"
#include "kernels/layered/layered_workspace.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// Steps of many replicas at a time, layer by layer; see layered_problem.hpp. The host decides: between its
/// sequences on the machine it looks at one number for each replica.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The member of a team of one.
struct LoneTeam {
  template <class Body>
  LANGEVO_INLINE void by_leader(const Body& body) const {
    body();
  }
};

/// Takes steps with replicas whose states are on the machine.
template <class Machine>
class LayeredSteps {
 public:
  LayeredSteps(Machine machine, const LayeredProblem& problem, std::size_t slots, bool mutates)
      : machine_(std::move(machine)), problem_(problem) {
    Arena arena{machine_.memory(bytes(problem.host, slots, mutates))};
    work_.carve(arena, {problem.host.network, problem.tiles(), slots}, mutates);
  }

  static std::size_t bytes(const ProblemView& problem, std::size_t slots, bool mutates) {
    LayeredWorkspace<Machine> work;
    Arena arena;
    work.carve(arena, {problem.network, problem.data_double.tiles, slots}, mutates);
    return arena.used;
  }

  [[nodiscard]] Machine& machine() { return machine_; }

  /// `calibrations`: one for each replica, on the host.
  void advance(const Metropolis& rule, const LayeredEnsemble& ensemble, std::uint64_t first_step,
               std::uint64_t steps, FloatCalibration* calibrations, StepCounters& counters) {
    each_group(ensemble, work_.slots, [&](const LayeredEnsemble& group, std::uint64_t first) {
      for (std::uint64_t step = first_step; step < first_step + steps; ++step) {
        mutate(rule, group, step, calibrations + first, counters);
      }
    });
  }

  /// taken [replicas]: how many steps each could take before loss or gradient stopped being finite.
  void advance(const GradientRule& rule, const LayeredEnsemble& ensemble, std::uint64_t first_step,
               std::uint64_t steps, std::uint64_t* taken, StepCounters& counters) {
    each_group(ensemble, work_.gradient_slots, [&](const LayeredEnsemble& group, std::uint64_t first) {
      std::fill_n(taken + first, group.replicas, 0);
      for (std::uint64_t step = first_step; step < first_step + steps; ++step) {
        descend(rule, group, step, first_step, taken + first);
      }
      for (std::uint64_t r = first; r < first + group.replicas; ++r) {
        counters.steps += taken[r];
        counters.accepted += taken[r];
        counters.gradients += taken[r];
      }
    });
  }

  /// U of states [count][N] into `losses` on the machine; it may still be at work on return.
  void losses(const double* states, std::uint64_t count, double* losses) {
    const std::size_t n = problem_.host.network.parameter_count;
    for (std::uint64_t first = 0; first < count; first += work_.gradient_slots) {
      const std::uint64_t slots = std::min<std::uint64_t>(work_.gradient_slots, count - first);
      layered_losses(machine_, problem_, states + first * n, slots, losses + first, false, work_.gradient);
    }
  }

  /// U(x) and dU/dx; it may still be at work on return. The gradient stays until the next call.
  const double* gradient(const double* x, double* loss) {
    layered_losses(machine_, problem_, x, 1, loss, true, work_.gradient);
    return work_.gradient.gradient;
  }

 private:
  template <class Body>
  void each_group(const LayeredEnsemble& ensemble, std::size_t slots, const Body& body) {
    const std::size_t n = problem_.host.network.parameter_count;
    for (std::uint64_t first = 0; first < ensemble.replicas; first += slots) {
      LayeredEnsemble group = ensemble;
      group.state += first * n;
      group.first_replica += first;
      group.replicas = std::min<std::uint64_t>(slots, ensemble.replicas - first);
      body(group, first);
    }
  }

  /// Changes of the loss of some members of a group.
  template <class Real>
  void changes(const LayeredEnsemble& group, const std::vector<std::uint32_t>& members, std::size_t slots,
               const LayeredChangeWorkspace<typename Machine::TileTeam, Real>& work, LossChange* result) {
    const std::size_t n = problem_.host.network.parameter_count;
    found_.resize(std::max<std::size_t>(found_.size(), members.size()));
    for (std::size_t first = 0; first < members.size(); first += slots) {
      const std::size_t count = std::min(slots, members.size() - first);
      machine_.send(members.data() + first, count, work_.members);
      layered_loss_change<Real>(machine_, problem_, {group.state, work_.proposed, work_.members, n}, count,
                                work);
      machine_.fetch(work.result, count, found_.data());
      for (std::size_t i = 0; i < count; ++i) result[members[first + i]] = found_[i];
    }
  }

  void mutate(const Metropolis& rule, const LayeredEnsemble& group, std::uint64_t step,
              FloatCalibration* calibrations, StepCounters& counters) {
    const std::size_t n = problem_.host.network.parameter_count;
    const std::size_t pieces = pieces_of(n);
    const auto replicas = static_cast<std::uint32_t>(group.replicas);
    machine_.each_tile(replicas * pieces, ProposePiece{group, step, n, pieces, work_.proposed});
    estimate_.resize(replicas);
    climbs_.clear();
    members_.clear();
    for (std::uint32_t r = 0; r < replicas; ++r) {
      const auto global = static_cast<std::uint32_t>(group.first_replica + r);
      climbs_.push_back(
          {acceptance_threshold(rule.beta, RandomSource{group.seed, step, Stream::acceptance, global})});
      members_.push_back(r);
    }
    open_ = members_;
    if (rule.precision == Precision::float32) {
      changes(group, open_, work_.slots, work_.single_precision, estimate_.data());
      std::erase_if(open_, [&](std::uint32_t r) {
        return climbs_[r].template take_float<FloatChangeRung::place>(estimate_[r], &calibrations[r].fresh,
                                                                      step, counters);
      });
    }
    changes(group, open_, work_.double_slots, work_.double_precision, estimate_.data());
    for (const std::uint32_t r : open_) climbs_[r].take_double(LoneTeam{}, estimate_[r], true, counters);
    std::erase_if(members_, [&](std::uint32_t r) { return !climbs_[r].decision.accepted; });
    counters.steps += replicas;
    counters.accepted += members_.size();
    if (members_.empty()) return;
    machine_.send(members_.data(), members_.size(), work_.members);
    machine_.each_tile(members_.size() * pieces,
                       AcceptPiece{group, work_.proposed, work_.members, n, pieces});
  }

  void descend(const GradientRule& rule, const LayeredEnsemble& group, std::uint64_t step,
               std::uint64_t first_step, std::uint64_t* taken) {
    const std::size_t n = problem_.host.network.parameter_count;
    const std::size_t pieces = pieces_of(n);
    const auto replicas = static_cast<std::size_t>(group.replicas);
    layered_losses(machine_, problem_, group.state, replicas, work_.loss, true, work_.gradient);
    machine_.each_replica(replicas,
                          GradientNorm{problem_.there, group.sigma, work_.gradient.gradient, work_.norm});
    loss_.resize(replicas);
    norm_.resize(replicas);
    motions_.resize(replicas);
    machine_.fetch(work_.loss, replicas, loss_.data());
    machine_.fetch(work_.norm, replicas, norm_.data());
    for (std::size_t r = 0; r < replicas; ++r) {
      const bool moves = taken[r] == step - first_step && is_finite(loss_[r]) && is_finite(norm_[r]);
      motions_[r] = {motion_of(rule, norm_[r]), moves};
      taken[r] += moves ? 1 : 0;
    }
    machine_.send(motions_.data(), replicas, work_.motions);
    machine_.each_tile(replicas * pieces,
                       MovePiece{group, step, n, pieces, work_.gradient.gradient, work_.motions});
  }

  Machine machine_;
  LayeredProblem problem_;
  LayeredWorkspace<Machine> work_;
  std::vector<LossChange> estimate_;  // [replicas of a group], as all of these
  std::vector<LossChange> found_;
  std::vector<Climb> climbs_;
  std::vector<double> loss_;
  std::vector<double> norm_;
  std::vector<LayeredMotion> motions_;
  std::vector<std::uint32_t> members_;
  std::vector<std::uint32_t> open_;  // of the members, those no rung has decided yet
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
