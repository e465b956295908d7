#pragma once

#include "kernels/cpu/memory/learnt_states.hpp"
#include "kernels/rules/kernel_rules.hpp"

namespace langevo {

/// What a rule keeps of a replica of this network; `nodes`: those of a quadrature may stand for all points.
inline LearntStates::Use learnt_use(const KernelRule& rule, const NetworkView& network, bool nodes) {
  if (!is_screened(rule)) return {false, false, false, 0};
  return {true, learns_curvature(network, rule), nodes, directions_size(network)};
}

}  // namespace langevo
