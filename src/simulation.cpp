#include "langevo/simulation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "schedule.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Cuts the steps between two records into blocks of two seconds, in a long run up to ten, measured as it
/// goes: often enough for the eye and for who wants to stop it, rarely enough for the local models of
/// screened acceptance, which end with a block.
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

/// Advances to step `last`, asking `progress` between blocks.
void advance_to(Ensemble& ensemble, std::uint64_t last, std::uint64_t total, BlockSizer& sizer,
                const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  while (ensemble.step() < last) {
    const std::uint64_t block = sizer.next(last - ensemble.step());
    const Clock::time_point begin = Clock::now();
    ensemble.advance(block);
    sizer.took(block, std::chrono::duration<double>(Clock::now() - begin).count());
    if (progress && !progress(static_cast<double>(ensemble.step()) / static_cast<double>(total)))
      throw Stopped{};
  }
}

/// Steps to the next record on a thread of their own: libraries that write files keep state for each thread,
/// so the calling one keeps the files. It is also the one that asks `progress`, between blocks while it waits
/// for the steps; while it writes, blocks go on without being asked about.
class Interval {
 public:
  Interval(Ensemble& ensemble, std::uint64_t last, std::uint64_t total, BlockSizer& sizer)
      : steps_(std::async(std::launch::async, [=, this, &ensemble, &sizer] {
          const End end(*this);
          advance_to(ensemble, last, total, sizer, [this](double fraction) { return ask(fraction); });
        })) {}
  Interval(const Interval&) = delete;
  Interval& operator=(const Interval&) = delete;

  /// Without wait() the steps end after the block under way.
  ~Interval() { stop(); }

  /// Waits for the last step. @throws Stopped where progress says so, and what the steps throw
  void wait(const Progress& progress) {
    std::unique_lock lock(mutex_);
    listening_ = true;
    for (;;) {
      changed_.wait(lock, [this] { return fraction_ || ended_; });
      if (!fraction_) break;
      const double fraction = *std::exchange(fraction_, std::nullopt);
      answered_ = false;
      lock.unlock();
      const bool goes_on = !progress || progress(fraction);
      lock.lock();
      answered_ = true;
      stopped_ = stopped_ || !goes_on;
      changed_.notify_all();
    }
    lock.unlock();
    steps_.get();
    if (stopped_) throw Stopped{};
  }

 private:
  struct End {
    explicit End(Interval& of) : interval(of) {}
    ~End() {
      const std::lock_guard lock(interval.mutex_);
      interval.ended_ = true;
      interval.changed_.notify_all();
    }
    Interval& interval;
  };

  bool ask(double fraction) {
    std::unique_lock lock(mutex_);
    fraction_ = fraction;
    changed_.notify_all();
    if (listening_) changed_.wait(lock, [this] { return stopped_ || (!fraction_ && answered_); });
    return !stopped_;
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_;  // of all that follows but the steps
  std::condition_variable changed_;
  std::optional<double> fraction_;  // done, and not asked about yet
  bool answered_ = true;
  bool listening_ = false;
  bool stopped_ = false;
  bool ended_ = false;
  std::future<void> steps_;  // the last member: it waits for its end first
};

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

void require_times(std::span<const double> times, double time_per_step) {
  if (times.empty()) return;
  require_positive("the time of one reference step", time_per_step);
  double last = 0;
  for (const double time : times) {
    if (!(time >= last) || !(time / time_per_step < static_cast<double>(step_limit))) {
      throw InputError("time " + shortest(time) + " of the reference comes after " + shortest(last) +
                       "; give times from 0 on that ascend, of less than 2^56 steps");
    }
    last = time;
  }
}

void require_schedule(const Schedule& schedule, std::uint64_t first) {
  const std::vector<std::uint64_t>& steps = schedule.record_steps;
  if (steps.empty()) throw InputError("the schedule has no record step; give at least one");
  if (steps.front() < first) {
    throw InputError("the first record step is " + std::to_string(steps.front()) +
                     ", but the ensemble is at step " + std::to_string(first) +
                     " and steps do not go back; begin there, or restore a state of that step");
  }
  const auto back = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>());
  if (back != steps.end()) {
    throw InputError("record step " + std::to_string(*(back + 1)) + " comes after " + std::to_string(*back) +
                     "; let record steps ascend");
  }
  if (steps.back() > step_limit) {
    throw InputError("record step " + std::to_string(steps.back()) +
                     " is beyond 2^56, where random numbers end; give fewer steps");
  }
}

void require_resets(const std::vector<std::uint64_t>& resets, const std::vector<std::uint64_t>& records) {
  for (const std::uint64_t step : resets) {
    if (std::find(records.begin(), records.end(), step) != records.end()) continue;
    throw InputError("replicas are to be reset at step " + std::to_string(step) +
                     ", which is no record step; make it one");
  }
}

/// [names][replicas], a part of the replicas at a time.
std::vector<std::vector<double>> score_replicas(const Ensemble& ensemble, Scorer& scorer) {
  constexpr std::uint64_t replicas_at_a_time = 1024;
  std::vector<std::vector<double>> all(scorer.names().size());
  if (all.empty()) return all;
  const std::uint64_t replicas = ensemble.shape().replicas;
  for (std::uint64_t first = 0; first < replicas; first += replicas_at_a_time) {
    const std::uint64_t count = std::min(replicas_at_a_time, replicas - first);
    const std::vector<std::vector<double>> part = scorer.scores(ensemble.parameters(first, count));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].insert(all[i].end(), part[i].begin(), part[i].end());
  }
  return all;
}

}  // namespace

ReferenceTrajectory follow_reference(const Problem& problem, const Dynamics& dynamics, double time_per_step,
                                     std::span<const double> x, std::span<const double> times,
                                     const Progress& progress) {
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = 1;
  require_times(times, time_per_step);
  ReferenceTrajectory trajectory;
  if (times.empty()) return trajectory;
  const std::unique_ptr<Ensemble> ensemble = make_ensemble(problem, dynamics, EnsembleShape{}, options);
  ensemble->set_all_parameters(x);
  std::vector<double> gradient(x.size());
  BlockSizer sizer;
  const std::uint64_t total = std::max<std::uint64_t>(1, steps_in(times.back(), time_per_step).until());
  // The states before and after a time between two steps; the ensemble is at the latter, or has not left the
  // former.
  std::vector<double> before(x.begin(), x.end());
  for (const double time : times) {
    const StepCount at = steps_in(time, time_per_step);
    if (at.whole >= ensemble->step()) {
      advance_to(*ensemble, at.whole, total, sizer, progress);
      before = ensemble->parameters(0, 1);
    }
    std::vector<double> state = before;
    if (at.rest > 0) {
      advance_to(*ensemble, at.until(), total, sizer, progress);
      const std::vector<double> after = ensemble->parameters(0, 1);
      for (std::size_t i = 0; i < state.size(); ++i) state[i] += at.rest * (after[i] - before[i]);
    }
    const double loss = ensemble->gradient(state, gradient);
    if (!std::isfinite(loss)) {
      throw RunError("the loss of the reference trajectory is not finite at step " +
                     std::to_string(at.whole) + "; use a smaller --alpha or another initial state");
    }
    trajectory.step.push_back(at.whole);
    trajectory.time.push_back((static_cast<double>(at.whole) + at.rest) * time_per_step);
    trajectory.parameter.push_back(std::move(state));
    trajectory.loss.push_back(loss);
    trajectory.gradient_norm.push_back(norm(gradient));
  }
  return trajectory;
}

Simulation::Simulation(std::shared_ptr<Ensemble> ensemble, Schedule schedule, SimulationOptions options)
    : ensemble_(std::move(ensemble)), schedule_(std::move(schedule)), options_(std::move(options)) {
  if (!ensemble_) throw InputError("the simulation has no ensemble; give one that make_ensemble made");
  require_schedule(schedule_, ensemble_->step());
  require_resets(options_.reset_steps, schedule_.record_steps);
  require_traced(options_.traced_replicas, ensemble_->shape().replicas);
}

void Simulation::run(const std::function<void(const EnsembleRecord&)>& sink,
                     const ReferenceTrajectory* reference, const Progress& progress) {
  BlockSizer sizer;
  require_schedule(schedule_, ensemble_->step());  // which has moved since, where this is not the first run
  const std::vector<std::uint64_t>& resets = options_.reset_steps;
  if (!resets.empty() && (!reference || reference->parameter.size() < schedule_.record_steps.size())) {
    throw InputError("replicas are to be reset to a reference that has no state for every record; give one");
  }
  struct Pending {
    std::uint64_t step;
    StepCounters since;
    std::future<EnsembleSnapshot> snapshot;
    std::vector<std::vector<double>> scores;
  };
  std::optional<Pending> pending;
  const auto hand_over = [&] {
    if (pending)
      sink(record(pending->step, pending->since, pending->snapshot.get(), std::move(pending->scores)));
  };
  for (std::size_t i = 0; i < schedule_.record_steps.size(); ++i) {
    const std::uint64_t next = schedule_.record_steps[i];
    const StepCounters before = ensemble_->counters();
    Interval interval(*ensemble_, next, schedule_.last_step(), sizer);
    hand_over();
    interval.wait(progress);
    std::vector<std::vector<double>> scores;
    if (options_.scorer != nullptr) scores = score_replicas(*ensemble_, *options_.scorer);
    pending = Pending{next, ensemble_->counters() - before, ensemble_->snapshot(options_.traced_replicas),
                      std::move(scores)};
    if (std::find(resets.begin(), resets.end(), next) != resets.end()) {
      ensemble_->set_all_parameters(reference->parameter[i]);
    }
  }
  hand_over();
}

EnsembleRecord Simulation::record(std::uint64_t step, const StepCounters& since, EnsembleSnapshot snapshot,
                                  std::vector<std::vector<double>> scores) const {
  EnsembleRecord record;
  record.step = step;
  record.time = static_cast<double>(step) * schedule_.time_per_step;
  record.parameter_variance = snapshot.moments.variance();
  record.parameter_mean = std::move(snapshot.moments.mean);
  record.replica_loss = std::move(snapshot.losses);
  for (std::size_t r = 0; r < record.replica_loss.size(); ++r) {
    if (!std::isfinite(record.replica_loss[r])) {
      throw RunError("the loss of replica " + std::to_string(ensemble_->shape().first_replica + r) +
                     " is not finite at step " + std::to_string(step) +
                     "; use smaller steps or another initial state");
    }
  }
  record.loss = summarize_losses(record.replica_loss);
  record.loss_of_mean = snapshot.loss_of_mean;
  record.accepted_fraction = since.steps > 0
                                 ? static_cast<double>(since.accepted) / static_cast<double>(since.steps)
                                 : std::numeric_limits<double>::quiet_NaN();
  record.trace_parameter = std::move(snapshot.traced);
  if (scores.empty()) return record;
  const std::vector<std::vector<double>> of_mean = options_.scorer->scores(record.parameter_mean);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const LossSummary over_replicas = summarize_losses(scores[i]);
    record.scores.push_back(
        {over_replicas.mean, over_replicas.variance, of_mean[i].front(), std::move(scores[i])});
  }
  return record;
}

}  // namespace langevo
