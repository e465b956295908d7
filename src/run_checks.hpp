#pragma once

#include <string>
#include <vector>

#include "langevo/run_options.hpp"

namespace langevo {

/// Holds what can be said without reading files: ranges, contradictions, sizes that cannot fit.
/// @throws InputError
void check_options(const RunOptions& options);

/// @throws InputError unless the value is positive and finite
void require_positive(const char* option, double value);

/// A word that is neither built in nor a file is a misspelling of one or the other.
/// @throws InputError
void require_file(const char* option, const std::string& path, const std::vector<std::string>& built_in);

/// @throws InputError where the machine has less memory than `what` needs
void require_memory(double bytes, const std::string& what);

}  // namespace langevo
