#include "schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Above this a double no longer tells neighbouring steps apart.
constexpr double exact_limit = 9007199254740992.0;
constexpr std::uint64_t record_limit = 10'000'000;

/// An option's time is no whole number of steps.
std::string in_steps(const char* option, double time, double time_per_step) {
  return std::string(option) + " " + shortest(time) + " is " + rounded(time / time_per_step, 6) +
         " steps of " + rounded(time_per_step, 6);
}

void require_a_step(const char* option, double time, double time_per_step) {
  if (steps_in(time, time_per_step).whole > 0) return;
  throw InputError(std::string(option) + " " + shortest(time) + " is less than the time of one step, " +
                   rounded(time_per_step, 4) + "; give at least that");
}

std::uint64_t last_step_of(const RunOptions& options, double time_per_step,
                           std::vector<std::string>& remarks) {
  if (options.time && options.steps) {
    throw InputError("--time " + shortest(*options.time) + " and --steps " + std::to_string(*options.steps) +
                     " both say how long to run; give one of them");
  }
  if (options.steps) {
    if (*options.steps >= 1 && *options.steps < step_limit) return *options.steps;
    throw InputError("--steps is " + std::to_string(*options.steps) + "; give 1 to 2^56 - 1");
  }
  const double time = options.time.value_or(default_time);
  require_positive("--time", time);
  const double steps = time / time_per_step;
  if (!(steps < exact_limit)) {
    throw InputError("--time " + shortest(time) + " takes " + rounded(steps, 3) + " steps of " +
                     rounded(time_per_step, 3) +
                     ", more than 2^53; give a shorter time or a larger --alpha or --lambda");
  }
  require_a_step("--time", time, time_per_step);
  const auto last = static_cast<std::uint64_t>(std::llround(steps));
  if (steps_in(time, time_per_step).rest > 0) {
    remarks.push_back(in_steps("--time", time, time_per_step) +
                      ": the run ends at t = " + rounded(static_cast<double>(last) * time_per_step, 6));
  }
  return last;
}

/// Steps nearest to the multiples of `interval` after 0 and before the last step.
std::vector<std::uint64_t> multiples(const char* option, double interval, double time_per_step,
                                     std::uint64_t last, std::vector<std::string>& remarks) {
  require_positive(option, interval);
  const double stride = interval / time_per_step;
  if (stride < static_cast<double>(step_limit)) {
    require_a_step(option, interval, time_per_step);
    if (steps_in(interval, time_per_step).rest > 0) {
      remarks.push_back(in_steps(option, interval, time_per_step) +
                        ": its multiples are taken at the nearest steps");
    }
  }
  const double count = static_cast<double>(last) / stride;
  if (count > static_cast<double>(record_limit)) {
    throw InputError(std::string(option) + " " + shortest(interval) + " comes " + rounded(count, 3) +
                     " times in the run; give a longer interval, for at most 1e7");
  }
  std::vector<std::uint64_t> steps;
  for (std::uint64_t k = 1;; ++k) {
    const double step = std::round(static_cast<double>(k) * stride);
    if (step >= static_cast<double>(last)) return steps;
    steps.push_back(static_cast<std::uint64_t>(step));
  }
}

/// The ends of `intervals` equal parts of the run, rounded down, the first and the last left out.
std::vector<std::uint64_t> equal_parts(std::uint64_t intervals, std::uint64_t last) {
  std::vector<std::uint64_t> steps;
  const std::uint64_t whole = last / intervals;
  const std::uint64_t rest = last % intervals;
  for (std::uint64_t k = 1; k < intervals; ++k) steps.push_back(k * whole + k * rest / intervals);
  return steps;
}

std::uint64_t interval_count(const RunOptions& options, std::uint64_t last) {
  if (!options.records) return std::min(default_records, last);
  if (*options.records < 1 || *options.records > record_limit) {
    throw InputError("--records is " + std::to_string(*options.records) +
                     "; give 1 to 1e7 intervals between records");
  }
  if (*options.records > last) {
    throw InputError("--records is " + std::to_string(*options.records) + ", but the run has only " +
                     std::to_string(last) + " step(s); give at most that");
  }
  return *options.records;
}

}  // namespace

StepCount steps_in(double time, double time_per_step) {
  const double steps = time / time_per_step;
  const double nearest_step = std::round(steps);
  const double rounding = 16 * std::numeric_limits<double>::epsilon() * std::max(nearest_step, 1.0);
  if (std::abs(steps - nearest_step) <= rounding) return {static_cast<std::uint64_t>(nearest_step), 0};
  const double whole = std::floor(steps);
  return {static_cast<std::uint64_t>(whole), steps - whole};
}

double time_of_step(const RunOptions& options, double lambda, double stride) {
  switch (options.dynamics) {
    case DynamicsKind::metropolis:
      return options.alpha * lambda;
    case DynamicsKind::langevin:
      return options.alpha * lambda * stride;
    case DynamicsKind::gradient:
    case DynamicsKind::normalized_gradient:
      break;
  }
  return options.alpha;
}

PlannedSchedule plan_schedule(const RunOptions& options, double time_per_step) {
  if (options.record_every && options.records) {
    throw InputError("--record-every " + shortest(*options.record_every) + " and --records " +
                     std::to_string(*options.records) + " both say when to record; give one of them");
  }
  PlannedSchedule plan;
  const std::uint64_t last = last_step_of(options, time_per_step, plan.remarks);
  plan.schedule.time_per_step = time_per_step;
  std::vector<std::uint64_t>& steps = plan.schedule.record_steps;
  steps = options.record_every
              ? multiples("--record-every", *options.record_every, time_per_step, last, plan.remarks)
              : equal_parts(interval_count(options, last), last);
  steps.push_back(0);
  steps.push_back(last);
  if (options.reset_every) {
    plan.reset_steps = multiples("--reset-every", *options.reset_every, time_per_step, last, plan.remarks);
    if (plan.reset_steps.empty()) {
      throw InputError("--reset-every " + shortest(*options.reset_every) +
                       " is not shorter than the run; give a shorter interval");
    }
    steps.insert(steps.end(), plan.reset_steps.begin(), plan.reset_steps.end());
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return plan;
}

}  // namespace langevo
