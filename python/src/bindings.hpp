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

/// The dynamics of a rule and of sigma, one number or [parameters], without a quadrature.
/// @throws InputError where sigma is no array of numbers
Dynamics read_dynamics(const AnyRule& rule, nb::handle sigma, std::size_t parameters);

/// Each adds its classes and functions to the module.
void bind_problem(nb::module_& module);
void bind_rules(nb::module_& module);
void bind_quadrature(nb::module_& module);
void bind_saved_ensemble(nb::module_& module);
void bind_ensemble(nb::module_& module);
void bind_simulation(nb::module_& module);
void bind_run(nb::module_& module);

}  // namespace langevo::python
