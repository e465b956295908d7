#pragma once

#include <string>

#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"

namespace langevo {

/// Nodes and what they leave out, or why there are none; empty where nobody would ask.
std::string quadrature_in_words(const Quadrature& quadrature);

/// What `--dry-run` prints of a run: its numbers, and its time from a short burst of steps on the backend.
std::string describe_plan(const RunPlan& plan);

/// What can be said of a run's file before there is an ensemble.
RunDescription describe_run(const RunPlan& plan);

/// What its run file takes on disk, at the most.
double output_bytes(const RunPlan& plan);

}  // namespace langevo
