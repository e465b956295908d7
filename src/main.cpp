#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "cli.hpp"
#include "commands.hpp"
#include "langevo/error.hpp"
#include "moments_command.hpp"
#include "reproduce_command.hpp"
#include "standard_output.hpp"
#include "text.hpp"

namespace {

constexpr int failed = 1;
constexpr int wrong_usage = 2;

int run_program(int argc, char** argv) {
  CLI::App program("langevo: ensembles of learning neural networks, by mutation and by gradient", "langevo");
  program.set_version_flag("--version", "langevo " LANGEVO_VERSION);
  program.require_subcommand(0, 1);
  program.allow_extras();
  const std::vector<langevo::Command> commands{
      langevo::make_run_command(program),     langevo::make_reproduce_command(program),
      langevo::make_presets_command(program), langevo::make_show_command(program),
      langevo::make_moments_command(program), langevo::make_devices_command(program),
  };
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& asked_for_text) {
    std::ostringstream text;
    const int exit_code = program.exit(asked_for_text, text, text);
    langevo::print(text.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    throw langevo::InputError(langevo::explain(error));
  }
  langevo::refuse_extras(program);
  for (const langevo::Command& command : commands) {
    if (command.app->parsed()) return command.act();
  }
  throw langevo::InputError("there is no command; give one of " +
                            langevo::joined(langevo::command_names(program)));
}

/// Ends the program without exit handlers: after a failed write HDF5's own handler crashes in its clean-up.
[[noreturn]] void fail(const std::string& sentence, int exit_code) {
  std::fprintf(stderr, "langevo: %s\n", sentence.c_str());
  std::fflush(nullptr);
  std::_Exit(exit_code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const langevo::InputError& error) {
    fail(error.what(), wrong_usage);
  } catch (const std::bad_alloc&) {
    fail("memory ran out; give fewer --replicas, --points or --records, or smaller --widths", failed);
  } catch (const std::exception& error) {
    fail(error.what(), failed);
  }
}
