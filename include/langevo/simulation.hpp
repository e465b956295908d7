#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "langevo/ensemble.hpp"
#include "langevo/scorer.hpp"

namespace langevo {

/// Steps at which an ensemble is recorded (ascending) and the time of one step, unit 1. The first one of a
/// new ensemble is 0, for its initial state.
struct Schedule {
  std::vector<std::uint64_t> record_steps;
  double time_per_step = 0;

  [[nodiscard]] std::uint64_t last_step() const { return record_steps.back(); }
};

/// One score of a Scorer over an ensemble.
struct ScoreSummary {
  double mean = 0;
  double variance = 0;           ///< NaN for one replica
  double of_mean = 0;            ///< of the network with the mean parameters
  std::vector<double> replicas;  ///< [replicas]
};

/// The reduced ensemble at one record time.
struct EnsembleRecord {
  std::uint64_t step = 0;
  double time = 0;
  std::vector<double> parameter_mean;      ///< [N]
  std::vector<double> parameter_variance;  ///< [N], n - 1 in the denominator
  LossSummary loss;
  double loss_of_mean = 0;           ///< U(<x>)
  double accepted_fraction = 0;      ///< since the last record; NaN without any, 1 for rules without a test
  std::vector<double> replica_loss;  ///< [replicas]
  std::vector<double> trace_parameter;    ///< [traced][N]: replicas 0 .. traced - 1
  std::vector<ScoreSummary> scores = {};  ///< in the order of the scorer's names
};

/// The deterministic trajectory that an ensemble is compared with, at the ensemble's record times.
struct ReferenceTrajectory {
  std::vector<std::uint64_t> step;  ///< whole steps until then
  std::vector<double> time;
  std::vector<std::vector<double>> parameter;  ///< [time][N]
  std::vector<double> loss;
  std::vector<double> gradient_norm;
  std::vector<std::vector<double>> scores = {};  ///< [names of a scorer][time], where there is one
};

/// How a reference finds its gradients: its steps are followed, and end within a relative 1e-9 of the way it
/// has moved from exact ones.
inline constexpr GradientMethod reference_method{GradientSteps::followed, Precision::float64, 1e-9};

/// Called between blocks of steps with the share of the work done, 0 .. 1; returns whether to go on.
using Progress = std::function<bool(double fraction)>;

/// The run was asked to stop before its end; what was recorded stands.
struct Stopped {};

/// Follows `dynamics` (gradient or normalized gradient) from x, recording at each of `times`: states
/// between two steps are interpolated linearly, loss and gradient are those of the state.
/// @throws Stopped, RunError, and InputError for times that do not ascend from 0 on and what Ensemble refuses
ReferenceTrajectory follow_reference(const Problem& problem, const Dynamics& dynamics, double time_per_step,
                                     std::span<const double> x, std::span<const double> times,
                                     const Progress& progress);

struct SimulationOptions {
  std::uint64_t traced_replicas = 0;
  std::vector<std::uint64_t> reset_steps;  ///< record steps after which every replica is set to the reference
  Scorer* scorer = nullptr;                ///< scores replicas and their mean at each record
};

/// Evolves an ensemble along a schedule and hands each record to a sink.
class Simulation {
 public:
  /// @throws InputError for record steps that do not ascend from the ensemble's step on, resets at other
  /// steps, or more traced replicas than there are
  Simulation(std::shared_ptr<Ensemble> ensemble, Schedule schedule, SimulationOptions options = {});

  /// Evolves to the end of the schedule. `sink` gets each record while the next interval is already under
  /// way on another thread; all records that were taken have gone there when this returns or throws.
  /// `reference` is needed where the options ask for resets. Blocks of steps are sized so that `progress` is
  /// asked every few seconds; their size changes no result. Both are called on the calling thread.
  /// @throws Stopped where progress says so, RunError, and InputError where it is run again or lacks the
  /// reference
  void run(const std::function<void(const EnsembleRecord&)>& sink, const ReferenceTrajectory* reference,
           const Progress& progress);

  [[nodiscard]] Ensemble& ensemble() { return *ensemble_; }

 private:
  [[nodiscard]] EnsembleRecord record(std::uint64_t step, const StepCounters& since,
                                      EnsembleSnapshot snapshot,
                                      std::vector<std::vector<double>> scores) const;

  std::shared_ptr<Ensemble> ensemble_;
  Schedule schedule_;
  SimulationOptions options_;
};

}  // namespace langevo
