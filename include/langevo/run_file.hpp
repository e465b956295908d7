#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "langevo/problem.hpp"
#include "langevo/simulation.hpp"

namespace langevo {

/// What a run file says of a run before it starts.
struct RunDescription {
  std::string title;
  std::string configuration;  ///< the full TOML that reproduces the run
  std::string backend;
  std::string device;
  std::uint64_t seed = 0;
  std::uint64_t replicas = 0;
  std::uint64_t traced_replicas = 0;
  bool store_replica_loss = true;
  bool store_parameter_mean = true;
  bool store_parameter_variance = true;
  std::vector<double> initial_parameter;
  Quadrature quadrature = {};
  std::vector<std::string> scores = {};  ///< names of a Scorer
  Dataset test_data = {};                ///< held-out data; no points: there are none
};

/// What it says after it.
struct RunSummary {
  double wall_seconds = 0;
  StepCounters counters;
  GradientErrors gradient_errors = {};
};

/// The distance of the ensemble from the reference trajectory.
struct Correspondence {
  std::vector<double> delta;                     ///< at the record times
  std::vector<std::uint64_t> replicas_averaged;  ///< m
  std::vector<double> delta_by_replicas;  ///< Delta of the mean of the first m replicas, at the last time
};

/// What becomes of a file that is there already, whole or left by a run that was stopped.
enum class ExistingOutput { refuse, overwrite };

/// The right to write a run file, which one process at a time has: taken before anything is computed, given
/// back when the object ends or the process does. Two names of one file, through links or folders, are one.
class OutputClaim {
 public:
  /// @throws InputError where the path cannot be written, another process has it, or there is a file already
  explicit OutputClaim(std::string path, ExistingOutput existing = ExistingOutput::refuse);
  OutputClaim(OutputClaim&&) noexcept;
  OutputClaim& operator=(OutputClaim&&) noexcept;
  ~OutputClaim();

  [[nodiscard]] const std::string& path() const { return path_; }      ///< as given
  [[nodiscard]] const std::string& target() const { return target_; }  ///< where its links lead
  [[nodiscard]] const std::string& partial_path() const { return partial_path_; }

 private:
  friend class RunFile;
  struct Lock;

  void create_partial();
  [[nodiscard]] bool has_own_partial() const;
  /// @throws RunError where the partial file is not the one that create_partial() made
  void require_own_partial() const;

  std::string path_;
  std::string target_;
  std::string partial_path_;
  std::unique_ptr<Lock> lock_;
};

/// Writes a run (netCDF-4): groups `ensemble`, `reference`, `correspondence`.
///
/// Everything goes to `PATH.partial`, which is opened, extended and closed per batch of records, so it is
/// readable whenever the process ends; finish() syncs it and renames it to PATH.
class RunFile {
 public:
  /// Creates PATH.partial with the description, names, data and reference.
  /// @throws InputError where the path cannot be written
  RunFile(OutputClaim claim, const RunDescription& description, const Problem& problem,
          const ReferenceTrajectory* reference);
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;

  /// Without finish(): removes PATH.partial if it holds no record.
  ~RunFile();

  /// @throws RunError where writing fails
  void append(EnsembleRecord record);

  /// Writes what is still buffered.
  void flush();

  void finish(const RunSummary& summary, const Correspondence* correspondence);

  [[nodiscard]] const std::string& partial_path() const { return claim_.partial_path(); }

  /// Whether the file holds records.
  [[nodiscard]] bool has_records() const { return written_ > 0; }

 private:
  /// Opens the partial file, lets `write` extend it to so many records and closes it.
  template <class Write>
  void extend(std::size_t records, const Write& write);

  OutputClaim claim_;
  RunDescription description_;
  std::size_t data_numbers_ = 0;  ///< of inputs and targets
  std::size_t reference_records_ = 0;
  std::vector<EnsembleRecord> buffer_;
  std::size_t buffered_bytes_ = 0;
  std::size_t written_ = 0;
  bool finished_ = false;
};

/// What `langevo show` prints of a run file.
/// @throws InputError where it is not a readable run file
std::string describe_run_file(const std::string& path);

/// The settings that a run file says it was made with, as a configuration file has them.
/// @throws InputError where it is not a readable run file
std::string configuration_of_run_file(const std::string& path);

}  // namespace langevo
