#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "langevo/dynamics.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/problem.hpp"
#include "langevo/simulation.hpp"

namespace langevo {

enum class DynamicsKind { metropolis, gradient, normalized_gradient, langevin };
enum class InitKind { gaussian, pytorch, file };
enum class ReferenceKind { automatic, none };
enum class RecordParameters { none, mean, all };

/// Everything a user can say about a run, as said; defaults are the paper's Fig. 1 but for the
/// bias of the output. Unset optionals are derived.
struct RunOptions {
  // problem
  std::vector<int> widths{1, 30, 1};
  Activation activation = Activation::tanh;
  bool output_bias = true;
  std::string data = "sin-unit";      ///< sin-unit, sin-symmetric or a file
  std::optional<std::size_t> points;  ///< built-in data only; 1000 for sin-unit, 1001 for sin-symmetric
  std::string test_data;              ///< held-out data, a file like data; empty: none
  HeaderLine header = HeaderLine::automatic;  ///< of CSV files
  Loss loss = Loss::mse;

  // dynamics
  DynamicsKind dynamics = DynamicsKind::metropolis;
  double beta = std::numeric_limits<double>::infinity();
  double alpha = 1e-5;
  std::optional<double> lambda;  ///< 0.1 where neither sigma nor sigma_file is given
  std::optional<double> sigma;
  std::string sigma_file;
  std::optional<double> stride;  ///< langevin; 1/lambda, or 1 when sigma is given
  Acceptance acceptance = Acceptance::automatic;
  Precision precision = Precision::float32;
  GradientSteps gradient = GradientSteps::automatic;
  double gradient_tolerance = GradientMethod{}.tolerance;
  std::optional<std::uint64_t> quadrature;  ///< nodes, 0: none; unset: as many as pay, or none

  // schedule
  std::optional<double> time;  ///< 10 where neither time nor steps is given
  std::optional<std::uint64_t> steps;
  std::optional<double> record_every;
  std::optional<std::uint64_t> records;  ///< number of intervals between records; 100 where nothing is given
  std::optional<double> reset_every;     ///< every replica is set to the reference at these times

  // ensemble
  std::uint64_t replicas = 1000;
  std::uint64_t first_replica = 0;
  std::uint64_t seed = 1;
  InitKind init = InitKind::gaussian;
  std::string init_file;
  /// Of a run file: the time of a record to start from, infinity for the last; unset: from its initial state.
  std::optional<double> init_at;
  double init_std = 0.01;
  bool init_per_replica = false;

  // output
  ReferenceKind reference = ReferenceKind::automatic;
  std::optional<std::uint64_t> trace;  ///< replicas recorded in full; 25, or all where there are fewer
  bool replica_loss = true;
  RecordParameters record_parameters = RecordParameters::all;
  std::string output;
  bool overwrite = false;  ///< a file of that name, whole or partial, may be lost

  // machine
  BackendOptions backend;
  bool quiet = false;
};

/// A run as it will be done: every number derived, every file read, everything checked.
struct RunPlan {
  Problem problem;
  std::optional<Problem> held_out = {};  ///< the same network and loss with held-out data
  std::string data_note;  ///< how a data file was taken, for the user; empty where there is nothing to say
  Dynamics dynamics;
  Schedule schedule;
  SimulationOptions simulation;
  EnsembleShape shape;
  double lambda = 0;                      ///< mutation steps times lambda times alpha is time
  std::vector<double> initial_parameter;  ///< [N]: the common state, or replica 0's with init_per_replica
  std::optional<Dynamics> reference;      ///< the matching gradient rule
  double reference_time_per_step = 0;
  std::string why_no_reference;      ///< for the user; empty where there is one
  std::vector<std::string> remarks;  ///< for the user: what is done otherwise than one may think
  std::uint64_t memory_bytes = 0;    ///< of ensemble, reference and records, estimated
  RunOptions resolved;               ///< the options with every unset one filled in: they give the same run
};

/// Derives and checks.
/// @throws InputError: one sentence with the option, its value and what to do
RunPlan plan_run(const RunOptions& options);

/// Where the run goes: where its options say, and on the CPU where only that can take its steps.
BackendChoice choose_backend(const RunPlan& plan);

/// The run's dynamics as a backend takes them, with a quadrature or a remark why there is none.
Dynamics dynamics_on(const RunPlan& plan, BackendKind backend);

/// Gradient steps that the reference takes; 0 where there is none.
std::uint64_t reference_steps(const RunPlan& plan);

/// Initial state of one replica under the options' choice.
std::vector<double> initial_state(const RunOptions& options, const Network& network, std::uint64_t replica);

}  // namespace langevo
