#include "cli.hpp"

#include <algorithm>

#include "langevo/error.hpp"
#include "settings.hpp"
#include "text.hpp"

namespace langevo {

namespace {

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
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

RunWords RunOptionParser::words() const {
  RunWords words;
  for (const Assignment& said : settings_->said()) words.settings.emplace_back(said.name, said.value);
  if (app_.count("--preset") > 0) words.preset = preset_;
  if (app_.count("--config") > 0) words.configuration = config_;
  words.quick = quick_;
  return words;
}

RunCommandRequest RunOptionParser::request() const {
  const RunWords said = words();
  refuse_extras(app_);
  return {make_request(said), dry_run_, print_config_};
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
