#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace langevo {

/// One word after `langevo` and what it does; the result is the program's exit code.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> act;
};

Command make_run_command(CLI::App& program);
Command make_presets_command(CLI::App& program);
Command make_show_command(CLI::App& program);
Command make_devices_command(CLI::App& program);

}  // namespace langevo
