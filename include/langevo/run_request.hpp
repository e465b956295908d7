#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"

namespace langevo {

/// What a user says of a run, in the words of the command line and of configuration files.
struct RunWords {
  std::vector<std::pair<std::string, std::string>>
      settings;  ///< name without dashes, value; a flag's is true
  std::optional<std::string> preset;
  bool quick = false;                        ///< the preset's version of a minute at most
  std::optional<std::string> configuration;  ///< a file of settings, which those above override
};

/// A run.
struct RequestedRun {
  std::string name;  ///< what its file is called after, empty where the request is for one run
  RunOptions options;
  std::string title = "langevo run";
};

/// The runs that were asked for: several where a preset has several.
struct RunRequest {
  std::vector<RequestedRun> runs;
  std::string preset;         ///< empty without one
  std::string configuration;  ///< empty without a file
  bool quick = false;
};

/// The options of every run: defaults, under the preset, under the configuration file, under the settings.
/// @throws InputError for names and values that are not known, and for settings that would change nothing
RunRequest make_request(const RunWords& words);

/// The text that run files keep as their configuration: it gives the same runs when read as a configuration
/// file.
std::string request_text(const RunRequest& request, const std::vector<RunOptions>& resolved);

/// What a part of a run counts: the steps of its reference or of its ensemble.
struct Workload {
  std::string name;  ///< the run file, and "reference"
  double steps = 0;
  double replicas = 1;
  std::string unit = "proposals";  ///< what one step of one replica is called
};

/// Who hears of runs while they go, on the thread that carries them out.
class RunListener {
 public:
  virtual ~RunListener() = default;

  /// What matters of a run, as a sentence or a clause: what is done otherwise than one may think, an early
  /// end.
  virtual void say(const std::string& sentence) = 0;

  /// What is good to know; not said of quiet runs.
  virtual void mention(const std::string& sentence) = 0;

  /// Long work begins. What is returned is asked now and then until it is destroyed.
  virtual Progress watch(const Workload& workload, bool quiet) = 0;

  /// A record was taken, and is in the file or about to be.
  virtual void take(const EnsembleRecord& record) = 0;

  /// The run file is whole; `table` is a short summary.
  virtual void finished(const std::string& output, const std::string& table) = 0;
};

enum class RunEnd { whole, stopped };

/// Simulates every run and writes its file. A run that is stopped or fails leaves its records in
/// OUTPUT.partial.
/// @throws InputError before anything is computed, RunError, std::bad_alloc
RunEnd carry_out(const RunRequest& request, RunListener& listener);

}  // namespace langevo
