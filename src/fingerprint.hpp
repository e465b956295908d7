#pragma once

#include <cstdint>

#include "langevo/dynamics.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// A number that is another one, but for a chance of 2^-64, where network, data, loss, rule or sigma are
/// others.
std::uint64_t fingerprint(const Problem& problem, const Dynamics& dynamics);

}  // namespace langevo
