#pragma once

#include <functional>
#include <string>
#include <vector>

#include "langevo/run_options.hpp"

namespace langevo {

/// One thing a user can say about a run: --NAME on the command line, NAME in a configuration file or preset.
struct Setting {
  std::string name;
  std::string group;
  std::string value_type;  ///< for the help; empty for a flag
  std::string help;
  /// Reads a value into the options; the first string is the name for messages.
  std::function<void(RunOptions&, const std::string&, const std::string&)> set;
  /// The value in TOML; empty where it is unset.
  std::function<std::string(const RunOptions&)> toml;

  [[nodiscard]] bool is_flag() const { return value_type.empty(); }
  /// What changes no result is no part of a configuration: it would tie it to one machine.
  [[nodiscard]] bool in_configuration() const {
    return group != "Machine" && name != "output" && name != "overwrite";
  }
};

/// All of them, in the order of the help.
const std::vector<Setting>& settings();

/// NAME = value, from where.
struct Assignment {
  std::string name;
  std::string value;
  std::string origin;  ///< what messages put before the name: "--", or "run.toml: "
};
using Assignments = std::vector<Assignment>;

/// The names that an assignment to `name` replaces: itself, and what says the same in other words.
std::vector<std::string> replaced_by(const std::string& name);

/// `lower` with what `upper` says put in its place.
Assignments overlay(Assignments lower, const Assignments& upper);

/// Defaults and assignments. Names must be known.
/// @throws InputError for values that cannot be read
RunOptions make_options(const Assignments& assignments);

/// What a setting belongs to, e.g. "--dynamics langevin", where it changes nothing with these options; else
/// empty.
std::string belongs_to(const std::string& name, const RunOptions& options);

/// What a user has just said must have an effect.
/// @throws InputError naming what it belongs to
void require_effect(const Assignments& said, const RunOptions& options);

/// "name = value" lines under a comment for each group: what every one of `runs` has in common
/// and what has an effect.
std::string configuration_text(const std::vector<RunOptions>& runs);

}  // namespace langevo
