#pragma once

#include <string>

namespace langevo {

/// Writes to standard output, at once.
/// @throws RunError where it cannot be written
void print(const std::string& text);

}  // namespace langevo
