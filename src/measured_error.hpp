#pragma once

#include <string>

#include "langevo/statistics.hpp"

namespace langevo {

/// ", error 1.2e-07 (root mean square of 10, largest 3e-07)"; empty where none was measured.
std::string in_words(const MeasuredError& error);

}  // namespace langevo
