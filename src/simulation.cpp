#include "langevo/simulation.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "langevo/error.hpp"

namespace langevo {

namespace {

/// Cuts a stretch of steps into blocks of two seconds, in a long run up to ten, measured as it goes: often
/// enough for the eye and for who wants to stop it, rarely enough for the local models of screened
/// acceptance, which end with a block.
class BlockSizer {
 public:
  [[nodiscard]] std::uint64_t next(std::uint64_t left) const { return std::min(left, steps_); }

  void took(std::uint64_t steps, double seconds) {
    spent_ += seconds;
    const double target = std::clamp(spent_ / 16, 2.0, 10.0);
    const double wanted = static_cast<double>(steps) * target / std::max(seconds, 1e-6);
    const double limited = std::clamp(wanted, 1.0, 8.0 * static_cast<double>(steps_));
    steps_ = static_cast<std::uint64_t>(limited);
  }

 private:
  std::uint64_t steps_ = 1;
  double spent_ = 0;
};

/// Advances from step `first` to step `last`, asking `progress` between blocks.
void advance_to(Ensemble& ensemble, std::uint64_t first, std::uint64_t last, std::uint64_t total,
                BlockSizer& sizer, const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  for (std::uint64_t step = first; step < last;) {
    const std::uint64_t block = sizer.next(last - step);
    const Clock::time_point begin = Clock::now();
    ensemble.advance(step, block);
    sizer.took(block, std::chrono::duration<double>(Clock::now() - begin).count());
    step += block;
    if (progress && !progress(static_cast<double>(step) / static_cast<double>(total))) throw Stopped{};
  }
}

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

}  // namespace

ReferenceTrajectory follow_reference(const Problem& problem, const Dynamics& dynamics, double time_per_step,
                                     std::span<const double> x, std::span<const double> times,
                                     const Progress& progress) {
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = 1;
  ReferenceTrajectory trajectory;
  if (times.empty()) return trajectory;
  const std::unique_ptr<Ensemble> ensemble = make_ensemble(problem, dynamics, EnsembleShape{}, options);
  ensemble->set_all_parameters(x);
  std::vector<double> gradient(x.size());
  BlockSizer sizer;
  std::uint64_t step = 0;
  const auto total =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(times.back() / time_per_step)));
  for (const double time : times) {
    const auto target = static_cast<std::uint64_t>(std::llround(time / time_per_step));
    advance_to(*ensemble, step, target, total, sizer, progress);
    step = target;
    std::vector<double> state = ensemble->parameters(0, 1);
    const double loss = ensemble->gradient(state, gradient);
    if (!std::isfinite(loss)) {
      throw RunError("the loss of the reference trajectory is not finite at step " + std::to_string(step) +
                     "; use a smaller --alpha or another initial state");
    }
    trajectory.step.push_back(step);
    trajectory.time.push_back(static_cast<double>(step) * time_per_step);
    trajectory.parameter.push_back(std::move(state));
    trajectory.loss.push_back(loss);
    trajectory.gradient_norm.push_back(norm(gradient));
  }
  return trajectory;
}

Simulation::Simulation(std::unique_ptr<Ensemble> ensemble, Schedule schedule, SimulationOptions options)
    : ensemble_(std::move(ensemble)), schedule_(std::move(schedule)), options_(std::move(options)) {}

void Simulation::run(const std::function<void(const EnsembleRecord&)>& sink,
                     const ReferenceTrajectory* reference, const Progress& progress) {
  BlockSizer sizer;
  std::uint64_t step = 0;
  struct Pending {
    std::uint64_t step;
    StepCounters since;
    std::future<EnsembleSnapshot> snapshot;
  };
  std::optional<Pending> pending;
  const auto hand_over = [&] {
    if (pending) sink(record(pending->step, pending->since, pending->snapshot.get()));
  };
  for (std::size_t i = 0; i < schedule_.record_steps.size(); ++i) {
    const std::uint64_t next = schedule_.record_steps[i];
    const StepCounters before = ensemble_->counters();
    std::atomic<bool> failed{false};
    // The stretch has the other thread, because libraries that write files keep state for each thread.
    std::future<void> stretch = std::async(std::launch::async, [&, step] {
      advance_to(*ensemble_, step, next, schedule_.last_step(), sizer,
                 [&](double fraction) { return !failed && (!progress || progress(fraction)); });
    });
    try {
      hand_over();
    } catch (...) {
      failed = true;
      throw;
    }
    stretch.get();
    step = next;
    pending = Pending{step, ensemble_->counters() - before, ensemble_->snapshot(options_.traced_replicas)};
    const std::vector<std::uint64_t>& resets = options_.reset_steps;
    if (std::find(resets.begin(), resets.end(), step) != resets.end()) {
      ensemble_->set_all_parameters(reference->parameter[i]);
    }
  }
  hand_over();
}

EnsembleRecord Simulation::record(std::uint64_t step, const StepCounters& since,
                                  EnsembleSnapshot snapshot) const {
  EnsembleRecord record;
  record.step = step;
  record.time = static_cast<double>(step) * schedule_.time_per_step;
  record.parameter_variance = snapshot.moments.variance();
  record.parameter_mean = std::move(snapshot.moments.mean);
  record.replica_loss = std::move(snapshot.losses);
  for (std::size_t r = 0; r < record.replica_loss.size(); ++r) {
    if (!std::isfinite(record.replica_loss[r])) {
      throw RunError("the loss of replica " + std::to_string(options_.first_replica + r) +
                     " is not finite at step " + std::to_string(step) +
                     "; use smaller steps or another initial state");
    }
  }
  record.loss = summarize_losses(record.replica_loss);
  record.loss_of_mean = snapshot.loss_of_mean;
  if (since.steps > 0)
    record.accepted_fraction = static_cast<double>(since.accepted) / static_cast<double>(since.steps);
  record.trace_parameter = std::move(snapshot.traced);
  return record;
}

}  // namespace langevo
