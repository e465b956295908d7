#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "langevo/run_options.hpp"

namespace langevo {

inline constexpr double default_time = 10;
inline constexpr std::uint64_t default_records = 100;

/// When a run is recorded, and after which of its records every replica is set to the reference.
struct PlannedSchedule {
  Schedule schedule;
  std::vector<std::uint64_t> reset_steps;
  std::vector<std::string> remarks;  ///< where it is not quite what was asked for
};

/// A time in steps.
struct StepCount {
  std::uint64_t whole = 0;
  double rest = 0;  ///< 0 <= rest < 1, and 0 where the time is a whole number of steps but for rounding

  /// Steps until the time is reached.
  [[nodiscard]] std::uint64_t until() const { return whole + (rest > 0 ? 1 : 0); }
};
StepCount steps_in(double time, double time_per_step);

/// Time of one step of the options' dynamics, unit 1: alpha lambda for a mutation, alpha for a gradient step,
/// alpha lambda stride for a Langevin step.
double time_of_step(const RunOptions& options, double lambda, double stride);

/// Step 0, the last step, and the records and resets between them that the options ask for.
/// @throws InputError
PlannedSchedule plan_schedule(const RunOptions& options, double time_per_step);

}  // namespace langevo
