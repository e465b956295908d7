#include "commands.hpp"

#include <iomanip>
#include <memory>
#include <sstream>
#include <string>

#include "langevo/ensemble.hpp"
#include "langevo/run_file.hpp"
#include "presets.hpp"
#include "run_command.hpp"
#include "standard_output.hpp"
#include "text.hpp"

namespace langevo {

namespace {

std::string device_table() {
  std::ostringstream out;
  out << std::left;
  for (const DeviceInfo& device : list_devices()) {
    const std::string place =
        device.kind == BackendKind::cuda ? "cuda " + std::to_string(device.index) : "cpu";
    out << std::setw(8) << place << device.name;
    if (!device.capability.empty()) out << ", " << device.capability;
    if (device.memory_bytes > 0) out << ", " << bytes_in_words(static_cast<double>(device.memory_bytes));
    if (!device.usable) out << " (not usable: " << device.why_not << ")";
    out << '\n';
  }
  return out.str();
}

}  // namespace

Command make_run_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("run", "Simulate an ensemble and write a run file");
  const auto parser = std::make_shared<RunOptionParser>(*app);
  return {app, [parser] { return run(parser->request()); }};
}

Command make_presets_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("presets", "List the paper's experiments, or print one's settings");
  const auto name = std::make_shared<std::string>();
  const auto quick = std::make_shared<bool>(false);
  app->add_option("NAME", *name, "which one");
  app->add_flag("--quick", *quick, "its version of a minute at most")->disable_flag_override();
  return {app, [app, name, quick] {
            refuse_extras(*app);
            print(name->empty() ? preset_table() : preset_text(find_preset(*name), *quick));
            return 0;
          }};
}

Command make_show_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("show", "Say what a run file holds");
  const auto path = std::make_shared<std::string>();
  app->add_option("RUN.nc", *path, "the run file")->required();
  return {app, [app, path] {
            refuse_extras(*app);
            print(describe_run_file(*path));
            return 0;
          }};
}

Command make_devices_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("devices", "List what langevo can compute on here");
  return {app, [app] {
            refuse_extras(*app);
            print(device_table());
            return 0;
          }};
}

}  // namespace langevo
