#include "cli.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "configuration_file.hpp"
#include "langevo/error.hpp"
#include "presets.hpp"
#include "setting_value.hpp"
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

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
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

SettingOptions::SettingOptions(CLI::App& app, const std::function<bool(const Setting&)>& wanted) : app_(app) {
  for (const Setting& setting : settings()) {
    if (!wanted(setting)) continue;
    settings_.push_back(setting);
    const std::string flag = (setting.name == "output" ? "-o,--" : "--") + setting.name;
    if (setting.is_flag()) {
      app.add_flag(flag, setting.help)->disable_flag_override()->group(setting.group);
    } else {
      app.add_option(flag, values_[setting.name], setting.help)
          ->type_name(setting.value_type)
          ->group(setting.group);
    }
  }
}

Assignments SettingOptions::said() const {
  Assignments layer;
  for (const Setting& setting : settings_) {
    if (app_.count("--" + setting.name) == 0) continue;
    const std::string value = setting.is_flag() ? "true" : values_.at(setting.name);
    if (value.rfind("--", 0) == 0) {
      throw InputError("--" + setting.name + " has no value but is followed by " + value +
                       "; give the value");
    }
    layer.push_back({setting.name, value, "--"});
  }
  return layer;
}

RunOptionParser::RunOptionParser(CLI::App& app) : app_(app) {
  app.add_option("--preset", preset_, "an experiment of the paper, see `langevo presets`")
      ->type_name("NAME")
      ->group("Presets and files");
  app.add_flag("--quick", quick_, "the preset's version of a minute at most")
      ->disable_flag_override()
      ->group("Presets and files");
  app.add_option("--config", config_, "settings as --print-config prints them; options override them")
      ->type_name("FILE.toml")
      ->group("Presets and files");
  app.add_flag("--print-config", print_config_, "print all settings as a file for --config, and stop")
      ->disable_flag_override()
      ->group("Presets and files");
  app.add_flag("--dry-run", dry_run_, "say what would run and how long it would take, and stop")
      ->disable_flag_override()
      ->group("Presets and files");
  settings_.emplace(app, [](const Setting&) { return true; });
}

RunRequest RunOptionParser::request() const {
  const Assignments flags = settings_->said();
  refuse_extras(app_);
  Assignments file;
  if (app_.count("--config") > 0) {
    if (config_.empty()) throw InputError("--config is empty; give a file, or leave it out");
    file = read_configuration(config_);
    if (file.empty()) {
      throw InputError("configuration file '" + config_ +
                       "' says nothing; give lines of the form name = value, or leave --config out");
    }
  }
  const std::optional<Assignment> file_preset = take(file, "preset");
  const std::optional<Assignment> file_quick = take(file, "quick");

  RunRequest request;
  request.dry_run = dry_run_;
  request.print_config = print_config_;
  request.quick = quick_;
  request.configuration = config_;
  if (file_quick && !quick_) {
    read_value(file_quick->origin + file_quick->name, file_quick->value, request.quick);
  }
  const bool preset_on_command_line = app_.count("--preset") > 0;
  const Assignments said = overlay(file, flags);
  if (!preset_on_command_line && !file_preset) {
    if (request.quick) {
      throw InputError(
          "--quick is true, but there is no preset to make quick; give --preset, or leave it out");
    }
    require_effect(file, make_options(file));
    request.runs.push_back({.name = "", .options = make_options(said)});
    require_effect(flags, request.runs.back().options);
    return request;
  }
  const Preset& preset = find_preset(preset_on_command_line ? preset_ : file_preset->value);
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

std::string member_path(const std::string& path, const std::string& name) {
  if (name.empty()) return path;
  const std::filesystem::path given(path);
  return (given.parent_path() / (given.stem().string() + "-" + name + given.extension().string())).string();
}

std::string request_text(const RunRequest& request, const std::vector<RunOptions>& resolved) {
  if (resolved.size() == 1) return configuration_text(resolved);
  return "preset = " + toml_value(request.preset) + "\nquick = " + toml_value(request.quick) + "\n\n" +
         configuration_text(resolved);
}

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

void refuse_extras(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining();
  if (extras.empty()) return;
  const auto option = std::find_if(extras.begin(), extras.end(),
                                   [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
  if (option != extras.end()) {
    const std::string word = option->substr(0, option->find('='));
    throw InputError("there is no option " + word + "; did you mean " + nearest(word, option_names(app)) +
                     "?");
  }
  const std::vector<std::string> commands = command_names(app);
  if (commands.empty()) {
    throw InputError("'" + extras.front() + "' is one word too many; see langevo " + app.get_name() +
                     " --help");
  }
  throw InputError("there is no command '" + extras.front() + "'; did you mean '" +
                   nearest(extras.front(), commands) + "'?");
}

std::string explain(const CLI::ParseError& error) {
  const std::string what = error.what();
  const std::string option = what.substr(0, what.find(':'));
  if (what.find(" required but received") != std::string::npos) {
    return option + " is given more than once; give it once";
  }
  if (what.find("missing") != std::string::npos) return option + " has no value; give one after it";
  if (const std::size_t at = what.find(" was given a disallowed flag override"); at != std::string::npos) {
    return "--" + what.substr(0, at) + " takes no value; give it alone or leave it out";
  }
  return what + "; see langevo --help";
}

}  // namespace langevo
