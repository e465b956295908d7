#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "settings.hpp"

namespace langevo {

/// A run.
struct RequestedRun {
  std::string name;  ///< what its file is called after, empty where the request is for one run
  RunOptions options;
  std::string title = "langevo run";
};

/// What `langevo run ...` asks for.
struct RunRequest {
  std::vector<RequestedRun> runs;
  std::string preset;         ///< empty without one
  std::string configuration;  ///< the file of --config; empty without one
  bool quick = false;
  bool dry_run = false;
  bool print_config = false;
};

/// Options of a command that say settings. CLI11 keeps pointers into it: it stays where it is.
class SettingOptions {
 public:
  /// @param wanted tells which settings the command has
  SettingOptions(CLI::App& app, const std::function<bool(const Setting&)>& wanted);
  SettingOptions(const SettingOptions&) = delete;
  SettingOptions& operator=(const SettingOptions&) = delete;

  /// What the command line says, after parsing.
  /// @throws InputError
  [[nodiscard]] Assignments said() const;

 private:
  CLI::App& app_;
  std::vector<Setting> settings_;
  std::map<std::string, std::string> values_;
};

/// The options of `langevo run`, as CLI11 sees them. CLI11 keeps pointers into it: it stays where it is.
class RunOptionParser {
 public:
  explicit RunOptionParser(CLI::App& app);
  RunOptionParser(const RunOptionParser&) = delete;
  RunOptionParser& operator=(const RunOptionParser&) = delete;

  /// The options after parsing: defaults, under the preset, under the configuration file, under the command
  /// line.
  /// @throws InputError
  [[nodiscard]] RunRequest request() const;

 private:
  CLI::App& app_;
  std::string preset_;
  std::string config_;
  bool quick_ = false;
  bool dry_run_ = false;
  bool print_config_ = false;
  std::optional<SettingOptions> settings_;  // added last, so that they come last in the help
};

/// RUN.nc for the run called NAME is RUN-NAME.nc.
std::string member_path(const std::string& path, const std::string& name);

/// The text that `--print-config` prints and run files keep: it gives the same runs when read by `--config`.
std::string request_text(const RunRequest& request, const std::vector<RunOptions>& resolved);

/// The words that may follow `langevo`.
std::vector<std::string> command_names(const CLI::App& program);

/// What CLI11 could not place on the command line is an error that names the nearest known option
/// or command.
/// @throws InputError
void refuse_extras(const CLI::App& app);

/// CLI11's complaint as one of ours.
std::string explain(const CLI::ParseError& error);

}  // namespace langevo
