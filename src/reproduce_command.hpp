#pragma once

#include "commands.hpp"

namespace langevo {

/// `langevo reproduce`: the paper's experiments, each with all its runs, into one folder. Runs whose files
/// are there are kept.
Command make_reproduce_command(CLI::App& program);

}  // namespace langevo
