#pragma once

#include <string>

#include "langevo/run_options.hpp"

namespace langevo {

/// What `--dry-run` prints of a run: its numbers, and its time from a short burst of steps on the backend.
std::string describe_plan(const RunPlan& plan);

}  // namespace langevo
