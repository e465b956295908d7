#pragma once

#include <nanobind/nanobind.h>

#include "langevo/dynamics.hpp"

namespace langevo::python {

namespace nb = nanobind;

/// A gradient rule and how it finds its gradients.
template <class RuleType>
struct GradientRule {
  RuleType rule;
  GradientMethod method;
};

using AnyRule = std::variant<Metropolis, GradientRule<Gradient>, GradientRule<NormalizedGradient>,
                             GradientRule<Langevin>>;

/// Each adds its classes and functions to the module.
void bind_problem(nb::module_& module);
void bind_rules(nb::module_& module);
void bind_ensemble(nb::module_& module);
void bind_simulation(nb::module_& module);
void bind_run(nb::module_& module);

}  // namespace langevo::python
