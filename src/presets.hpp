#pragma once

#include <string>
#include <vector>

#include "settings.hpp"

namespace langevo {

/// One of the runs that a preset stands for.
struct PresetMember {
  std::string name;  ///< goes into the name of its run file; empty where the preset is one run
  Assignments settings;
};

/// An experiment of the paper.
struct Preset {
  std::string name;
  std::string shows;
  Assignments common;
  Assignments quick;   ///< put over `common` for a minute at most on two cores
  std::string varies;  ///< the setting in which the members differ; empty for one member
  std::vector<PresetMember> members;

  [[nodiscard]] Assignments settings(const PresetMember& member, bool is_quick) const;
  /// Of a run file.
  [[nodiscard]] std::string title(const PresetMember& member, bool is_quick) const;
};

const std::vector<Preset>& presets();

/// @throws InputError naming the nearest known preset
const Preset& find_preset(const std::string& name);

/// Seconds a run takes on two cores with its reference, from the rates measured for the paper's networks.
double expected_seconds(const RunOptions& options);

/// What `langevo presets` prints: a table of all of them.
std::string preset_table();

/// What `langevo presets NAME` prints: the settings of each member, as configuration files.
std::string preset_text(const Preset& preset, bool is_quick);

}  // namespace langevo
