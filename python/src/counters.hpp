#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "langevo/statistics.hpp"

namespace langevo::python {

/// Every counter and its name.
inline constexpr std::array<std::pair<const char*, std::uint64_t StepCounters::*>, 17> counter_names{{
    {"steps", &StepCounters::steps},
    {"accepted", &StepCounters::accepted},
    {"decided_by_model", &StepCounters::decided_by_model},
    {"decided_on_nodes", &StepCounters::decided_on_nodes},
    {"decided_by_float", &StepCounters::decided_by_float},
    {"decided_by_double", &StepCounters::decided_by_double},
    {"decided_by_value", &StepCounters::decided_by_value},
    {"not_finite", &StepCounters::not_finite},
    {"audits", &StepCounters::audits},
    {"audit_failures", &StepCounters::audit_failures},
    {"anchors", &StepCounters::anchors},
    {"replays", &StepCounters::replays},
    {"model_audits", &StepCounters::model_audits},
    {"model_failures", &StepCounters::model_failures},
    {"spans", &StepCounters::spans},
    {"repeated_spans", &StepCounters::repeated_spans},
    {"gradients", &StepCounters::gradients},
}};
static_assert(sizeof(StepCounters) == counter_names.size() * sizeof(std::uint64_t));

}  // namespace langevo::python
