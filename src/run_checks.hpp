#pragma once

#include <string>
#include <vector>

#include "langevo/run_options.hpp"

namespace langevo {

/// Holds what can be said without reading files: ranges, contradictions, sizes that cannot fit.
/// @throws InputError
void check_options(const RunOptions& options);

/// A word that is neither built in nor a file is a misspelling of one or the other.
/// @throws InputError
void require_file(const char* option, const std::string& path, const std::vector<std::string>& built_in);

/// Targets of cross-entropy sum to 1 at every point, but for rounding. (As a library langevo takes other sums
/// too: they are weights of the points.)
/// @throws InputError
void require_distributions(const Dataset& data);

}  // namespace langevo
