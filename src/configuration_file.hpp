#pragma once

#include <string>

#include "settings.hpp"

namespace langevo {

/// Reads "name = value" lines (TOML without tables). Beside settings, `preset` and `quick` are known.
/// @throws InputError for what cannot be read, unknown names (with the nearest known one), names given twice
Assignments read_configuration(const std::string& path);

}  // namespace langevo
