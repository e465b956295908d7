#pragma once

#include <string>

#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"

namespace langevo {

/// Nodes and what they leave out, or why there are none; empty where nobody would ask.
std::string quadrature_in_words(const Quadrature& quadrature);

/// A reference, and where it takes more steps than all replicas together, which is seldom what was meant; or
/// why there is none.
std::string reference_in_words(const RunPlan& plan);

/// What can be said of a run's file before there is an ensemble.
RunDescription describe_run(const RunPlan& plan);

/// What its run file takes on disk, at the most.
double output_bytes(const RunPlan& plan);

}  // namespace langevo
