// docs/options.md says of every option what the program's own help says of it: the page is made here.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "src/commands.hpp"
#include "src/moments_command.hpp"
#include "src/presets.hpp"
#include "src/settings.hpp"

namespace langevo {
namespace {

constexpr const char* renew = "LANGEVO_RENEW_OPTIONS_PAGE";

constexpr const char* head = R"(# Options

<!-- Made by tests/test_options_page.cpp from the settings table (src/settings.cpp) and the command line.
     To renew it: LANGEVO_RENEW_OPTIONS_PAGE=docs/options.md build/release/tests/test_options_page -->

`langevo run [--preset NAME] [--config FILE.toml] [options] -o RUN.nc`. An option is a line of a configuration file
without its dashes: `--beta 1e3` is `beta = 1e3`. What is said last holds: the defaults, then the preset, then the
file, then the command line. Numbers may be written as `1e6`, `beta` and times of no end as `inf`.

)";

constexpr const char* between = R"(
An option that would change nothing, as `--beta` with `--dynamics gradient`, is refused where it is said together with
what makes it idle; in a preset or a file under it, it is passed over. An option replaces those that say the same in other words:

)";

constexpr const char* foot = R"(
## Data files

One row is one point: its inputs first, then its targets, as many as the first and the last of the widths.

- CSV: columns separated by commas, decimals with a point; double quotes around fields, comments from `#` on and blank
  lines are allowed. `--header` says whether the first line names the columns.
- netCDF: `input(point,input_dim)` and `target(point,output_dim)`, of any numeric type. `scale_factor` and `add_offset`
  are applied; a number that `_FillValue`, `missing_value`, `valid_min`, `valid_max` or `valid_range` exclude is refused.
  With `weight(point)`, at least 0 each, the loss is a weighted mean over the points; only ratios of weights matter,
  and a point of weight 0 is left out.
- With `--loss cross-entropy` the targets of a point are a probability for each class, which sum to 1, or all points
  have one column of class labels 0, 1, ... instead (in netCDF `target(point,1)`).

The run says how many points it read, whether there was a header, and whether it took labels or weights.

The options of the group Machine say where to compute and `--output` where to write; neither `--print-config` nor the
`configuration` in a run file has them. No number depends on the CPU's threads and instruction set
(tests/test_determinism.cpp), and no decision on a mutation on the backend (tests/test_backends.cpp); the gradient rules
depend on it by rounding alone, because a GPU adds up in another order.

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 stopped by Ctrl-C, SIGTERM, SIGHUP or a
broken pipe (what was recorded is in `RUN.nc.partial`).

## Other commands

)";

/// `text`, its "[default]" at the end cut off.
std::string without_default(const std::string& text) {
  const std::size_t at = text.rfind(" [");
  return text.back() == ']' && at != std::string::npos ? text.substr(0, at) : text;
}

std::string default_of(const std::string& help, bool is_flag) {
  const std::size_t at = help.rfind(" [");
  if (help.back() == ']' && at != std::string::npos) return help.substr(at + 2, help.size() - at - 3);
  return is_flag ? "no" : "none";
}

/// Bars would end a cell.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '|') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string row(const std::string& name, const std::string& value, const std::string& help) {
  const bool is_flag = value.empty();
  return "| `" + name + "` | " + (is_flag ? "" : "`" + cell(value) + "`") + " | " +
         cell(default_of(help, is_flag)) + " | " + cell(without_default(help)) + " |\n";
}

constexpr const char* header = "| option | value | default | meaning |\n|---|---|---|---|\n";

std::string quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`--" : ", `--") + name + "`";
  return text;
}

/// Rows of a command's options in a group.
std::string rows_of(const CLI::App& app, const std::string& group) {
  std::string rows;
  for (const CLI::Option* option : app.get_options()) {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.empty() || option->get_group() != group) continue;
    const std::string value = option->get_expected_min() == 0 ? "" : option->get_type_name();
    rows += row("--" + names.front(), value, option->get_description());
  }
  return rows;
}

std::string options_page() {
  CLI::App program;
  const Command run = make_run_command(program);
  const Command presets_command = make_presets_command(program);
  const Command moments = make_moments_command(program);
  std::string page = head;
  const std::string files = "Presets and files";
  const std::string own_group = "One step";
  page += "## " + files + "\n\n" + header;
  page += rows_of(*run.app, files);
  std::string group;
  for (const Setting& setting : settings()) {
    if (setting.group != group) page += "\n## " + setting.group + "\n\n" + header;
    group = setting.group;
    page +=
        row((setting.name == "output" ? "-o, --" : "--") + setting.name, setting.value_type, setting.help);
  }
  page += between;
  page += "| option | replaces |\n|---|---|\n";
  for (const Setting& setting : settings()) {
    std::vector<std::string> names = replaced_by(setting.name);
    names.erase(names.begin());
    if (!names.empty()) page += "| `--" + setting.name + "` | " + quoted(names) + " |\n";
  }
  page += foot;
  page +=
      "`langevo presets [NAME] [--quick]` lists the paper's experiments or prints the settings of one:\n\n";
  page += "| preset | shows |\n|---|---|\n";
  for (const Preset& preset : presets()) page += "| `" + preset.name + "` | " + preset.shows + " |\n";
  page +=
      "\n`langevo reproduce [NAME...|all] [--quick] [--dry-run] [--replicas R] -o DIR` runs them with all "
      "their "
      "members into one\nfolder, `DIR/fig2-lambda-0.1.nc` and so on, and takes the options of the group "
      "Machine. "
      "The same command again keeps runs\nthat are finished, does those again that were stopped, and refuses "
      "a "
      "folder with runs of other settings.\n";
  page +=
      "\n`langevo show RUN.nc` says what a run file holds. `langevo devices` lists what there is to compute "
      "on.\n";
  page +=
      "`langevo moments` makes one mutation many times and holds its moments against the closed forms of\n";
  page += "[theory.md](theory.md), at the state and for the problem that these options of `run` give:\n\n";
  std::size_t width = 0;
  for (const Setting& setting : settings()) {
    const CLI::Option* option = moments.app->get_option_no_throw("--" + setting.name);
    if (option == nullptr || option->get_group() == own_group) continue;
    const std::string name = "`--" + setting.name + "`";
    page += width == 0 ? "" : width + name.size() > 110 ? ",\n" : ", ";
    width = width + name.size() > 110 ? name.size() : width + name.size() + 2;
    page += name;
  }
  page += ".\n\nIts own options:\n\n";
  page += header;
  page += rows_of(*moments.app, own_group);
  return page;
}

TEST(OptionsPage, IsThatOfTheProgram) {
  const std::string page = options_page();
  if (const char* path = std::getenv(renew)) {
    std::ofstream file(path);
    file << page;
    ASSERT_TRUE(file.flush()) << path << " cannot be written";
    return;
  }
  std::ifstream file(LANGEVO_OPTIONS_PAGE);
  std::ostringstream found;
  found << file.rdbuf();
  EXPECT_TRUE(found.str() == page)
      << "docs/options.md is not what the program's options are; renew it with\n  " << renew << "="
      << LANGEVO_OPTIONS_PAGE << " test_options_page";
}

TEST(OptionsPage, HasEveryOptionOfARun) {
  CLI::App program;
  const Command run = make_run_command(program);
  const std::string page = options_page();
  for (const CLI::Option* option : run.app->get_options()) {
    if (option->get_lnames().empty() || option->get_lnames().front() == "help") continue;
    EXPECT_NE(page.find("--" + option->get_lnames().front() + "` |"), std::string::npos)
        << option->get_lnames().front();
  }
}

}  // namespace
}  // namespace langevo
