#pragma once

#include <nanobind/nanobind.h>

#include "langevo/simulation.hpp"

namespace langevo::python {

/// A record as Python gets it, with the sizes that its arrays have.
struct Record {
  EnsembleRecord values;

  [[nodiscard]] std::size_t parameters() const { return values.parameter_mean.size(); }
};

/// Calls `take` with a record; whether it asked to stop.
bool take_record(const nanobind::object& take, const EnsembleRecord& record);

}  // namespace langevo::python
