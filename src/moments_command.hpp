#pragma once

#include "commands.hpp"

namespace langevo {

/// `langevo moments`: one mutation from a fixed x, over many replicas, beside the closed form.
Command make_moments_command(CLI::App& program);

}  // namespace langevo
