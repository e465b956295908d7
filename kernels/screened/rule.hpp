#pragma once

#include "langevo/dynamics.hpp"

namespace langevo {

/// A Metropolis rule whose acceptance test begins with a local model of the loss.
struct ScreenedMetropolis : Metropolis {};

}  // namespace langevo
