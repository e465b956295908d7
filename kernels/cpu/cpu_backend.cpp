#include "kernels/cpu/cpu_backend.hpp"

#include <algorithm>
#include <limits>

#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/host_problem.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "kernels/cpu/workspace_memory.hpp"
#include "kernels/learnt_curvature.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

class CpuBackend final : public Ensemble {
 public:
  CpuBackend(const Problem& problem, Dynamics dynamics, const EnsembleShape& shape, const CpuKernels& kernels,
             int threads)
      : problem_(problem),
        dynamics_(std::move(dynamics)),
        shape_(shape),
        kernels_(kernels),
        threads_(threads),
        parameter_count_(problem.network().parameter_count()),
        state_(shape.replicas * parameter_count_),
        calibrations_(shape.replicas),
        screenings_(shape.replicas),
        directions_per_replica_(is_screened(dynamics_.rule) ? directions_size(problem_.view().network) : 0),
        directions_(shape.replicas * directions_per_replica_) {
    const std::size_t bytes = kernels.workspace_bytes(problem_.view().network);
    for (int thread = 0; thread < threads; ++thread) workspaces_.emplace_back(bytes);
  }

  void set_all_parameters(std::span<const double> x) override {
    for (std::uint64_t r = 0; r < shape_.replicas; ++r) set_parameters(r, x);
  }

  void set_parameters(std::uint64_t first, std::span<const double> x) override {
    std::copy(x.begin(), x.end(), replica(first));
    for (std::uint64_t r = first; r < first + x.size() / parameter_count_; ++r) {
      calibrations_[r] = {};
      screenings_[r] = ScreeningState{};
    }
  }

  std::vector<double> parameters(std::uint64_t first, std::uint64_t count) const override {
    return {replica(first), replica(first + count)};
  }

  void advance(std::uint64_t first_step, std::uint64_t steps) override {
    with_kernel_rule(dynamics_.rule, [&](const auto& rule) { advance_with(rule, first_step, steps); });
  }

  StepCounters counters() const override { return counters_; }

  std::future<EnsembleSnapshot> snapshot(std::uint64_t traced) const override {
    EnsembleSnapshot now{parameter_moments(), losses(), 0, parameters(0, traced)};
    now.loss_of_mean = loss(now.moments.mean);
    std::promise<EnsembleSnapshot> ready;
    ready.set_value(std::move(now));
    return ready.get_future();
  }

  Moments parameter_moments() const override {
    const std::uint64_t chunks = (shape_.replicas + replicas_per_chunk - 1) / replicas_per_chunk;
    const std::uint64_t group = static_cast<std::uint64_t>(threads_) * 4;
    Moments total(parameter_count_);
    for (std::uint64_t first = 0; first < chunks; first += group) {
      std::vector<Moments> parts(std::min(group, chunks - first), Moments(parameter_count_));
      parallel_for(parts.size(), threads_, 1, [&](int, std::uint64_t part) {
        const std::uint64_t begin = (first + part) * replicas_per_chunk;
        const std::uint64_t end = std::min<std::uint64_t>(begin + replicas_per_chunk, shape_.replicas);
        for (std::uint64_t r = begin; r < end; ++r) parts[part].add({replica(r), parameter_count_});
      });
      for (const Moments& part : parts) total.merge(part);
    }
    return total;
  }

  std::vector<double> losses() const override {
    std::vector<double> losses(shape_.replicas);
    const ProblemView view = problem_.view();
    parallel_for(shape_.replicas, threads_, batch(), [&](int thread, std::uint64_t r) {
      losses[r] = kernels_.loss(view, replica(r), workspaces_[thread].data());
    });
    return losses;
  }

  double loss(std::span<const double> x) const override {
    return kernels_.loss(problem_.view(), x.data(), workspaces_.front().data());
  }

  double gradient(std::span<const double> x, std::span<double> gradient) const override {
    return kernels_.loss_and_gradient(problem_.view(), x.data(), gradient.data(), workspaces_.front().data());
  }

  std::string device() const override { return describe_cpu(kernels_, threads_); }

 private:
  [[nodiscard]] double* replica(std::uint64_t r) { return state_.data() + r * parameter_count_; }
  [[nodiscard]] const double* replica(std::uint64_t r) const { return state_.data() + r * parameter_count_; }

  [[nodiscard]] float* directions(std::uint64_t r) {
    return directions_.empty() ? nullptr : directions_.data() + r * directions_per_replica_;
  }

  /// Replicas that a thread takes at a time: few enough to share the work evenly.
  [[nodiscard]] std::uint64_t batch() const {
    return std::max<std::uint64_t>(1, shape_.replicas / (static_cast<std::uint64_t>(threads_) * 32));
  }

  template <class RuleType>
  void advance_with(const RuleType& rule, std::uint64_t first_step, std::uint64_t steps) {
    constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
    struct alignas(64) ThreadResult {
      StepCounters counters;
      std::uint64_t failed_replica = none;
      std::uint64_t failed_step = 0;
    };
    std::vector<ThreadResult> results(static_cast<std::size_t>(threads_));
    const EnsembleView ensemble{problem_.view(), dynamics_.sigma.data(), shape_.seed};
    const AdvanceReplica<RuleType> advance_replica = kernels_.advance(rule);
    parallel_for(shape_.replicas, threads_, batch(), [&](int thread, std::uint64_t r) {
      ThreadResult& result = results[static_cast<std::size_t>(thread)];
      const auto global = static_cast<std::uint32_t>(shape_.first_replica + r);
      const std::uint64_t taken =
          advance_replica(ensemble, rule, global, first_step, steps,
                          {replica(r), &calibrations_[r], &screenings_[r], directions(r)},
                          workspaces_[static_cast<std::size_t>(thread)].data(), result.counters);
      if (taken < steps && r < result.failed_replica) {
        result.failed_replica = r;
        result.failed_step = first_step + taken;
      }
    });
    ThreadResult first;
    for (const ThreadResult& result : results) {
      counters_ += result.counters;
      if (result.failed_replica < first.failed_replica) first = result;
    }
    if (first.failed_replica != none) {
      throw RunError(not_finite_message(first.failed_step, shape_.first_replica + first.failed_replica));
    }
  }

  HostProblem problem_;
  Dynamics dynamics_;
  EnsembleShape shape_;
  const CpuKernels& kernels_;
  int threads_;
  std::size_t parameter_count_;
  std::vector<double> state_;                   // [replicas][N]
  std::vector<FloatCalibration> calibrations_;  // [replicas]
  std::vector<ScreeningState> screenings_;      // [replicas]
  std::size_t directions_per_replica_;
  std::vector<float> directions_;                    // of learnt curvatures, [replicas][..]
  mutable std::vector<WorkspaceMemory> workspaces_;  // one per thread; scratch, no state
  StepCounters counters_;
};

}  // namespace

std::unique_ptr<Ensemble> make_cpu_ensemble(const Problem& problem, const Dynamics& dynamics,
                                            const EnsembleShape& shape, const BackendOptions& options) {
  const CpuKernels& kernels = choose_cpu_kernels(options.instruction_set);
  return std::make_unique<CpuBackend>(problem, dynamics, shape, kernels, cpu_threads(options.threads));
}

std::uint64_t estimate_memory(const Problem& problem, const Rule& rule, std::uint64_t replicas, int threads) {
  const Network& network = problem.network();
  const std::vector<Layer> layers(network.layers().begin(), network.layers().end());
  const NetworkView view = HostProblem::network_view(network, layers.data(), problem.data().points);
  const std::uint64_t data = HostProblem::padded_points(problem.data().points) *
                             static_cast<std::uint64_t>(network.input_dim() + network.output_dim()) *
                             (sizeof(float) + sizeof(double));
  const std::size_t directions = is_screened(rule) ? directions_size(view) : 0;
  const auto thread_count = static_cast<std::uint64_t>(cpu_threads(threads));
  const std::uint64_t moments = thread_count * 4 * 2 * network.parameter_count() * sizeof(double);
  return replicas * ((network.parameter_count() + 1) * sizeof(double) + sizeof(FloatCalibration) +
                     sizeof(ScreeningState) + directions * sizeof(float)) +
         data + moments + thread_count * choose_cpu_kernels("").workspace_bytes(view);
}

}  // namespace langevo
