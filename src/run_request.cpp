#include "langevo/run_request.hpp"

#include <algorithm>

#include "configuration_file.hpp"
#include "langevo/error.hpp"
#include "presets.hpp"
#include "setting_value.hpp"
#include "settings.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Takes the assignment to `name` out of `layer`.
std::optional<Assignment> take(Assignments& layer, const std::string& name) {
  const auto found =
      std::find_if(layer.begin(), layer.end(), [&](const Assignment& a) { return a.name == name; });
  if (found == layer.end()) return std::nullopt;
  Assignment taken = *found;
  layer.erase(found);
  return taken;
}

Assignments assignments_of(const RunWords& words) {
  std::vector<std::string> known;
  for (const Setting& setting : settings()) known.push_back(setting.name);
  Assignments layer;
  for (const auto& [name, value] : words.settings) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw InputError("there is no setting '" + name + "'; did you mean '" + nearest(name, known) + "'?");
    }
    layer.push_back({name, value, "--"});
  }
  return layer;
}

Assignments read_file(const std::optional<std::string>& configuration) {
  if (!configuration) return {};
  if (configuration->empty()) throw InputError("--config is empty; give a file, or leave it out");
  Assignments file = read_configuration(*configuration);
  if (file.empty()) {
    throw InputError("configuration file '" + *configuration +
                     "' says nothing; give lines of the form name = value, or leave --config out");
  }
  return file;
}

/// An override applies to every run of a preset, so it cannot be of what makes them different.
void refuse_override_of(const Preset& preset, const Assignments& layer) {
  if (preset.varies.empty()) return;
  const std::vector<std::string> decided = replaced_by(preset.varies);
  for (const Assignment& assignment : layer) {
    if (std::find(decided.begin(), decided.end(), assignment.name) == decided.end()) continue;
    throw InputError(assignment.origin + assignment.name + " is what the runs of preset " + preset.name +
                     " differ in; leave it out, or start from one run that `langevo presets " + preset.name +
                     "` prints");
  }
}

}  // namespace

RunRequest make_request(const RunWords& words) {
  const Assignments flags = assignments_of(words);
  Assignments file = read_file(words.configuration);
  const std::optional<Assignment> file_preset = take(file, "preset");
  const std::optional<Assignment> file_quick = take(file, "quick");

  RunRequest request;
  request.quick = words.quick;
  request.configuration = words.configuration.value_or("");
  if (file_quick && !words.quick) {
    read_value(file_quick->origin + file_quick->name, file_quick->value, request.quick);
  }
  const Assignments said = overlay(file, flags);
  if (!words.preset && !file_preset) {
    if (request.quick) {
      throw InputError(
          "--quick is true, but there is no preset to make quick; give --preset, or leave it out");
    }
    require_effect(file, make_options(file));
    request.runs.push_back({.name = "", .options = make_options(said)});
    require_effect(flags, request.runs.back().options);
    return request;
  }
  const Preset& preset = find_preset(words.preset ? *words.preset : file_preset->value);
  refuse_override_of(preset, said);
  request.preset = preset.name;
  const Assignments base = preset.settings(preset.members.front(), request.quick);
  require_effect(file, make_options(overlay(base, file)));
  require_effect(flags, make_options(overlay(base, said)));
  for (const PresetMember& member : preset.members) {
    RunOptions options = make_options(overlay(preset.settings(member, request.quick), said));
    if (!options.output.empty()) options.output = member_path(options.output, member.name);
    request.runs.push_back({member.name, std::move(options), preset.title(member, request.quick)});
  }
  return request;
}

std::string request_text(const RunRequest& request, const std::vector<RunOptions>& resolved) {
  if (resolved.size() == 1) return configuration_text(resolved);
  return "preset = " + toml_value(request.preset) + "\nquick = " + toml_value(request.quick) + "\n\n" +
         configuration_text(resolved);
}

}  // namespace langevo
