#pragma once

#include "cli.hpp"

namespace langevo {

/// Does what `langevo run` was asked for, run by run; the result is the program's exit code.
/// @throws InputError before anything is computed, RunError, std::bad_alloc
int run(const RunCommandRequest& request);

}  // namespace langevo
