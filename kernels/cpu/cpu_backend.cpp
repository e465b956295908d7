#include "kernels/cpu/cpu_backend.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "kernels/base/moments.hpp"
#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/leap_states.hpp"
#include "kernels/cpu/memory/learnt_use.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "kernels/cpu/quadrature/node_problem.hpp"
#include "kernels/cpu/shared_start.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

/// Owns what a NodesView looks at.
class HostNodes {
 public:
  HostNodes(const Problem& problem, const Quadrature& quadrature)
      : problem_(problem.network(), dataset_of_points(problem.data(), quadrature.nodes, quadrature.weights),
                 problem.loss()),
        view_{problem_.view(), quadrature.gradient_error, quadrature.change_error} {}
  HostNodes(const HostNodes&) = delete;
  HostNodes& operator=(const HostNodes&) = delete;

  [[nodiscard]] const NodesView& view() const { return view_; }

 private:
  HostProblem problem_;
  NodesView view_;
};

class CpuBackend final : public Ensemble {
 public:
  CpuBackend(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape,
             const CpuKernels& kernels, int threads)
      : Ensemble(problem, dynamics, shape),
        problem_(problem),
        rule_(kernel_rule(problem_.view(), dynamics.rule, dynamics.gradient)),
        nodes_(uses_nodes(rule_) && !dynamics.quadrature.empty()
                   ? std::make_unique<HostNodes>(problem, dynamics.quadrature)
                   : nullptr),
        sigma_(dynamics.sigma),
        kernels_(kernels),
        threads_(threads),
        state_(shape.replicas * parameter_count()),
        learnt_(learnt_use(rule_, problem_.view().network, nodes_ != nullptr), shape.replicas),
        leaps_(LeapStates::use_of(rule_, parameter_count(), nodes_ != nullptr), shape.replicas) {
    const std::size_t bytes =
        kernels.workspace_bytes(problem_.view().network, nodes_ ? &nodes_->view().problem.network : nullptr);
    for (int thread = 0; thread < threads; ++thread) workspaces_.emplace_back(bytes);
  }

 private:
  void do_set_all_parameters(std::span<const double> x) override {
    for (std::uint64_t r = 0; r < shape().replicas; ++r) std::copy(x.begin(), x.end(), replica(r));
    forget(0, shape().replicas);
    began_alike_ = true;
  }

  void do_set_parameters(std::uint64_t first, std::span<const double> x) override {
    std::copy(x.begin(), x.end(), replica(first));
    forget(first, first + x.size() / parameter_count());
    began_alike_ = shape().replicas == 1;
  }

  std::vector<double> do_parameters(std::uint64_t first, std::uint64_t count) const override {
    return {replica(first), replica(first + count)};
  }

  std::span<const double> do_view_parameters() const override { return state_; }

  void do_advance(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) override {
    std::visit([&](const auto& rule) { advance_with(rule, first_step, steps, counters); }, rule_);
  }

  std::future<EnsembleSnapshot> do_snapshot(std::uint64_t traced) const override {
    EnsembleSnapshot now{do_parameter_moments(), do_losses(), 0, do_parameters(0, traced)};
    now.loss_of_mean = do_loss(now.moments.mean);
    std::promise<EnsembleSnapshot> ready;
    ready.set_value(std::move(now));
    return ready.get_future();
  }

  Moments do_parameter_moments() const override {
    const std::uint64_t chunks = this->chunks().size();
    const std::uint64_t group = static_cast<std::uint64_t>(threads_) * 4;
    Moments total(parameter_count());
    for (std::uint64_t first = 0; first < chunks; first += group) {
      for (const Moments& part : moments_of_chunks(first, std::min(group, chunks - first))) total.merge(part);
    }
    return total;
  }

  std::vector<Moments> do_chunk_moments() const override { return moments_of_chunks(0, chunks().size()); }

  std::vector<double> do_losses() const override {
    std::vector<double> losses(shape().replicas);
    const ProblemView view = problem_.view();
    parallel_for(shape().replicas, threads_, batch(), [&](int thread, std::uint64_t r) {
      losses[r] = kernels_.loss(view, replica(r), workspaces_[thread].data());
    });
    return losses;
  }

  double do_loss(std::span<const double> x) const override {
    return kernels_.loss(problem_.view(), x.data(), workspaces_.front().data());
  }

  double do_gradient(std::span<const double> x, std::span<double> gradient) const override {
    return kernels_.loss_and_gradient(problem_.view(), x.data(), gradient.data(), workspaces_.front().data());
  }

  Learnt do_learnt_layout() const override {
    return {std::string("cpu ") + kernels_.instruction_set, LearntStates::bytes_per_replica(learnt_.use())};
  }

  void do_save_learnt(std::span<std::byte> bytes) const override { learnt_.save(bytes); }

  void do_restore_learnt(std::span<const std::byte> bytes) override {
    learnt_.restore(bytes);
    may_share_ = false;
  }

  std::size_t do_descent_bytes() const override {
    return shape().replicas * LeapStates::bytes_per_replica(leaps_.use());
  }
  void do_save_descent(std::span<std::byte> bytes) const override { leaps_.save(bytes); }
  void do_restore_descent(std::span<const std::byte> bytes) override {
    leaps_.restore(bytes);
    may_share_ = false;
  }
  GradientErrors do_gradient_errors() const override { return leaps_.errors(); }

  std::string do_device() const override { return describe_cpu(kernels_, threads_); }

  [[nodiscard]] double* replica(std::uint64_t r) { return state_.data() + r * parameter_count(); }
  [[nodiscard]] const double* replica(std::uint64_t r) const { return state_.data() + r * parameter_count(); }

  [[nodiscard]] ReplicaChunks chunks() const { return {shape().replicas, shape().first_replica}; }

  [[nodiscard]] std::vector<Moments> moments_of_chunks(std::uint64_t first, std::uint64_t count) const {
    std::vector<Moments> moments(count, Moments(parameter_count()));
    parallel_for(count, threads_, 1, [&](int, std::uint64_t place) {
      const std::uint64_t begin = chunks().first(first + place);
      const std::uint64_t end = begin + chunks().count(first + place);
      for (std::uint64_t r = begin; r < end; ++r) moments[place].add({replica(r), parameter_count()});
    });
    return moments;
  }

  void forget(std::uint64_t first, std::uint64_t end) {
    learnt_.forget(first, end);
    leaps_.forget(first, end);
    may_share_ = true;
  }

  /// Has the first replica's first steps teach all, where that is worth it: before any of them takes a step,
  /// so that what an ensemble counts does not depend on where it was saved. Not with the exact rule: what
  /// that counts does not depend on blocks of steps either.
  template <class RuleType>
  std::optional<SharedStart> share_start(const RuleType& rule, const EnsembleView& ensemble,
                                         std::uint64_t first_step, std::uint64_t steps) {
    std::optional<SharedStart> shared;
    if constexpr (std::is_same_v<RuleType, ScreenedMetropolis>) {
      const bool pays = SharedStart::pays(shape().replicas, steps, began_alike_);
      if (!std::exchange(may_share_, false) || !pays) return shared;
      shared.emplace(kernels_, ensemble, rule, learnt_.use(),
                     static_cast<std::uint32_t>(shape().first_replica), first_step,
                     std::span<const double>(replica(0), parameter_count()), began_alike_,
                     workspaces_.front().data());
    }
    return shared;
  }

  /// Where all replicas begin in one state, they begin their leaps alike, which is found out once.
  std::optional<LeapStates> share_leaps(const GradientRule& rule, const EnsembleView& ensemble,
                                        std::uint64_t first_step) {
    std::optional<LeapStates> shared;
    if (leaps_.use().origin == 0 || !began_alike_ || !std::exchange(may_share_, false)) return shared;
    shared.emplace(leaps_.use(), 1);
    std::vector<double> x(replica(0), replica(1));
    ReplicaView first{x.data(), nullptr};
    first.leaps = shared->view(0);
    StepCounters counters;
    kernels_.advance.of(rule)(ensemble, rule, 0, first_step, 0, first, workspaces_.front().data(), counters);
    if (shared->is_new(0)) shared.reset();  // not finite there: each replica says so
    return shared;
  }

  /// Replicas that a thread takes at a time: few enough to share the work evenly.
  [[nodiscard]] std::uint64_t batch() const {
    return std::max<std::uint64_t>(1, shape().replicas / (static_cast<std::uint64_t>(threads_) * 32));
  }

  template <class RuleType>
  void advance_with(const RuleType& rule, std::uint64_t first_step, std::uint64_t steps,
                    StepCounters& counters) {
    constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
    struct alignas(64) ThreadResult {
      StepCounters counters;
      std::uint64_t failed_replica = none;
      std::uint64_t failed_step = 0;
    };
    std::vector<ThreadResult> results(static_cast<std::size_t>(threads_));
    EnsembleView ensemble{problem_.view(), sigma_.data(), shape().seed, nodes_ ? &nodes_->view() : nullptr};
    const std::optional<SharedStart> shared = share_start(rule, ensemble, first_step, steps);
    if (shared) ensemble.start_model = shared->start_model();
    std::optional<LeapStates> shared_leaps;
    if constexpr (std::is_same_v<RuleType, GradientRule>)
      shared_leaps = share_leaps(rule, ensemble, first_step);
    const AdvanceReplica<RuleType> advance_replica = kernels_.advance.of(rule);
    parallel_for(shape().replicas, threads_, batch(), [&](int thread, std::uint64_t r) {
      ThreadResult& result = results[static_cast<std::size_t>(thread)];
      const auto global = static_cast<std::uint32_t>(shape().first_replica + r);
      if (shared) shared->teach(r, learnt_);
      if (shared_leaps) leaps_.begin_with(*shared_leaps, r);
      ReplicaView view = learnt_.view(r, replica(r));
      view.leaps = leaps_.view(r);
      const std::uint64_t taken =
          advance_replica(ensemble, rule, global, first_step, steps, view,
                          workspaces_[static_cast<std::size_t>(thread)].data(), result.counters);
      if (taken < steps && r < result.failed_replica) {
        result.failed_replica = r;
        result.failed_step = first_step + taken;
      }
    });
    ThreadResult first;
    for (const ThreadResult& result : results) {
      counters += result.counters;
      if (result.failed_replica < first.failed_replica) first = result;
    }
    if (first.failed_replica != none) {
      throw RunError(not_finite_message(first.failed_step, shape().first_replica + first.failed_replica));
    }
  }

  HostProblem problem_;
  KernelRule rule_;
  std::unique_ptr<HostNodes> nodes_;  // null: all points decide
  std::vector<double> sigma_;         // [N]
  const CpuKernels& kernels_;
  int threads_;
  std::vector<double> state_;  // [replicas][N]
  LearntStates learnt_;
  LeapStates leaps_;
  bool began_alike_ = true;                          // replicas were all set to one state
  bool may_share_ = true;                            // and have taken no step since
  mutable std::vector<WorkspaceMemory> workspaces_;  // one per thread; scratch, no state
};

}  // namespace

std::unique_ptr<Ensemble> make_cpu_ensemble(const Problem& problem, const Dynamics& dynamics,
                                            const EnsembleShape& shape, const BackendOptions& options) {
  const CpuKernels& kernels = choose_cpu_kernels(options.instruction_set);
  return std::make_unique<CpuBackend>(problem, dynamics, shape, kernels, cpu_threads(options.threads));
}

}  // namespace langevo
