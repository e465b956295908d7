#include "reproduce_command.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli.hpp"
#include "langevo/error.hpp"
#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"
#include "presets.hpp"
#include "run_command.hpp"
#include "settings.hpp"
#include "standard_output.hpp"
#include "text.hpp"

namespace langevo {

namespace {

struct Experiments {
  std::vector<std::string> names;
  std::string folder;
  bool quick = false;
  bool dry_run = false;
};

/// Of those settings of `langevo run` that leave an experiment what it is.
bool is_for_experiments(const Setting& setting) {
  return setting.group == "Machine" || setting.name == "replicas";
}

std::vector<std::string> chosen(const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const Preset& preset : presets()) all.push_back(preset.name);
  if (names.empty() || std::find(names.begin(), names.end(), "all") != names.end()) return all;
  for (const std::string& name : names) find_preset(name);
  std::vector<std::string> once;  // in the order of the paper
  for (const std::string& name : all) {
    if (std::find(names.begin(), names.end(), name) != names.end()) once.push_back(name);
  }
  return once;
}

/// The first line that one text has and the other has not.
std::string first_difference(const std::string& text, const std::string& other) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (("\n" + other).find("\n" + line + "\n") == std::string::npos) return line;
    begin = end + 1;
  }
  return "nothing";
}

/// Whether the file of a run is there; it is whole then, as it has its name only at the end.
bool is_finished(const RequestedRun& requested) {
  const std::string& path = requested.options.output;
  if (!std::filesystem::exists(path)) return false;
  const std::string there = configuration_of_run_file(path);
  const std::string here = configuration_text({plan_run(requested.options).resolved});
  if (there == here) return true;
  throw InputError("'" + path + "' is of a run with other settings (it says " +
                   first_difference(there, here) + ", this run " + first_difference(here, there) +
                   "); give another folder with -o, or remove the file");
}

/// All runs of the experiments. Files that runs were writing when they were stopped are written anew.
std::vector<RequestedRun> all_runs(const Experiments& experiments, const Assignments& said) {
  std::vector<RequestedRun> runs;
  for (const std::string& name : chosen(experiments.names)) {
    const Preset& preset = find_preset(name);
    const std::string path = (std::filesystem::path(experiments.folder) / (name + ".nc")).string();
    for (const PresetMember& member : preset.members) {
      RunOptions options = make_options(overlay(preset.settings(member, experiments.quick), said));
      options.output = member_path(path, member.name);
      options.overwrite = true;
      runs.push_back({std::filesystem::path(options.output).stem().string(), std::move(options),
                      preset.title(member, experiments.quick)});
    }
  }
  return runs;
}

/// What each run costs, before hours are spent on the first.
void announce(const std::vector<RequestedRun>& runs) {
  double total = 0;
  for (const RequestedRun& run : runs) {
    const double seconds = expected_seconds(run.options);
    total += seconds;
    std::fprintf(stderr, "langevo: %-20s about %s on two cores\n", run.name.c_str(),
                 duration_in_words(seconds).c_str());
  }
  if (runs.size() > 1) std::fprintf(stderr, "langevo: in all about %s\n", duration_in_words(total).c_str());
}

int reproduce(const Experiments& experiments, const Assignments& said) {
  if (experiments.folder.empty())
    throw InputError("langevo reproduce is not told where to write; give -o DIR");
  RunRequest request;
  request.quick = experiments.quick;
  request.dry_run = experiments.dry_run;
  bool quiet = false;
  for (RequestedRun& run : all_runs(experiments, said)) {
    quiet = run.options.quiet;
    if (!is_finished(run)) {
      request.runs.push_back(std::move(run));
    } else if (!quiet) {
      std::fprintf(stderr, "langevo: %s is finished and kept\n", run.options.output.c_str());
    }
  }
  if (request.runs.empty() || request.dry_run) return run(request);
  std::error_code refused;
  std::filesystem::create_directories(experiments.folder, refused);
  if (refused) {
    throw InputError("the folder '" + experiments.folder + "' cannot be made (" + refused.message() +
                     "); give another with -o");
  }
  if (!quiet) announce(request.runs);
  return run(request);
}

}  // namespace

Command make_reproduce_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "reproduce", "Run the paper's experiments, each with all its runs, and keep those that are finished");
  const auto experiments = std::make_shared<Experiments>();
  app->add_option("NAME", experiments->names, "experiments that `langevo presets` lists, or all [all]");
  app->add_option("-o,--output", experiments->folder, "the folder for their run files")->type_name("DIR");
  app->add_flag("--quick", experiments->quick, "their versions of a minute at most")->disable_flag_override();
  app->add_flag("--dry-run", experiments->dry_run, "say what would run and how long it would take, and stop")
      ->disable_flag_override();
  const auto said = std::make_shared<SettingOptions>(*app, is_for_experiments);
  return {app, [app, experiments, said] {
            refuse_extras(*app);
            return reproduce(*experiments, said->said());
          }};
}

}  // namespace langevo
