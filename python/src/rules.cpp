#include <nanobind/stl/string.h>

#include "arrays.hpp"
#include "bindings.hpp"

namespace langevo::python {

namespace {

const std::vector<std::pair<std::string, Precision>>& precision_words() {
  static const std::vector<std::pair<std::string, Precision>> words{{"float", Precision::float32},
                                                                    {"double", Precision::float64}};
  return words;
}

const std::vector<std::pair<std::string, Acceptance>>& acceptance_words() {
  static const std::vector<std::pair<std::string, Acceptance>> words{
      {"auto", Acceptance::automatic}, {"exact", Acceptance::exact}, {"screened", Acceptance::screened}};
  return words;
}

const std::vector<std::pair<std::string, GradientSteps>>& gradient_words() {
  static const std::vector<std::pair<std::string, GradientSteps>> words{
      {"auto", GradientSteps::automatic},
      {"exact", GradientSteps::exact},
      {"followed", GradientSteps::followed}};
  return words;
}

GradientMethod read_method(const std::string& gradient, const std::string& precision, double tolerance) {
  return {read_word("gradient", gradient, gradient_words()),
          read_word("precision", precision, precision_words()), tolerance};
}

#define LANGEVO_METHOD_ARGUMENTS \
  nb::arg("gradient") = "exact", nb::arg("precision") = "double", nb::arg("gradient_tolerance") = 1e-5

constexpr const char* method_in_words =
    "gradient: 'exact' finds one for each step, 'followed' takes several steps for one gradient at the mean\n"
    "of their path, with the measured error below gradient_tolerance; 'auto' is followed on the CPU.\n"
    "precision: 'double', or 'float' with measured errors.";

template <class RuleType>
void bind_step_along_gradient(nb::module_& module, const char* name, const char* formula) {
  using Bound = GradientRule<RuleType>;
  nb::class_<Bound>(module, name, formula)
      .def(
          "__init__",
          [](Bound* place, double alpha, const std::string& gradient, const std::string& precision,
             double tolerance) {
            new (place) Bound{RuleType{alpha}, read_method(gradient, precision, tolerance)};
          },
          nb::arg("alpha"), nb::kw_only(), LANGEVO_METHOD_ARGUMENTS, method_in_words)
      .def_prop_ro(
          "alpha", [](const Bound& bound) { return bound.rule.alpha; }, "Time of one step, unit 1.")
      .def("__repr__", [name = std::string(name)](const Bound& bound) {
        return nb::str("{}(alpha={})").format(name, bound.rule.alpha);
      });
}

struct DynamicsOf {
  Dynamics operator()(const Metropolis& rule) const { return {rule, sigma}; }
  template <class RuleType>
  Dynamics operator()(const GradientRule<RuleType>& rule) const {
    return {rule.rule, sigma, {}, rule.method};
  }
  const std::vector<double>& sigma;
};

}  // namespace

Dynamics read_dynamics(const AnyRule& rule, nb::handle sigma, std::size_t parameters) {
  const Numbers numbers = read_numbers("sigma", sigma);
  const std::vector<double> widths =
      numbers.ndim() == 0 ? std::vector<double>(parameters, *numbers.data())
                          : std::vector<double>(numbers.data(), numbers.data() + numbers.size());
  return std::visit(DynamicsOf{widths}, rule);
}

void bind_rules(nb::module_& module) {
  nb::class_<Metropolis>(module, "Metropolis",
                         "A mutation of all parameters, x' = x + sigma z with normal z, accepted with\n"
                         "probability min(1, exp(-beta (U(x') - U(x)))).")
      .def(
          "__init__",
          [](Metropolis* place, double beta, const std::string& acceptance, const std::string& precision) {
            new (place) Metropolis{beta, read_word("precision", precision, precision_words()),
                                   read_word("acceptance", acceptance, acceptance_words())};
          },
          nb::arg("beta") = std::numeric_limits<double>::infinity(), nb::kw_only(),
          nb::arg("acceptance") = "auto", nb::arg("precision") = "float",
          nb::sig(
              "def __init__(self, beta: float = float('inf'), *, acceptance: str = 'auto', precision: str "
              "= 'float') -> None"),
          "beta: inverse temperature, unit 1/loss; inf accepts no increase of the loss.\n"
          "acceptance: 'exact' evaluates every proposal, 'screened' lets a local model decide the clear "
          "ones,\n"
          "'auto' does so where it pays; precision: of the first evaluation, 'float' or 'double'. The\n"
          "decisions are the same with all of them.")
      .def_ro("beta", &Metropolis::beta, "Inverse temperature, unit 1/loss.")
      .def("__repr__",
           [](const Metropolis& rule) { return nb::str("Metropolis(beta={})").format(rule.beta); });

  bind_step_along_gradient<Gradient>(module, "Gradient",
                                     "One step of gradient descent: x_i -= alpha sigma_i^2 dU/dx_i.");
  bind_step_along_gradient<NormalizedGradient>(
      module, "NormalizedGradient",
      "One step along the direction of the gradient g = dU/dx: x_i -= alpha sigma_i^2 g_i / |sigma.g|.");

  using Noisy = GradientRule<Langevin>;
  nb::class_<Noisy>(module, "Langevin",
                    "The noisy gradient step that stands for `stride` mutations of the width sigma.")
      .def(
          "__init__",
          [](Noisy* place, double beta, double stride, const std::string& gradient,
             const std::string& precision, double tolerance) {
            new (place) Noisy{Langevin{beta, stride}, read_method(gradient, precision, tolerance)};
          },
          nb::arg("beta") = std::numeric_limits<double>::infinity(), nb::arg("stride") = 1.0, nb::kw_only(),
          LANGEVO_METHOD_ARGUMENTS,
          nb::sig("def __init__(self, beta: float = float('inf'), stride: float = 1.0, *, gradient: str = "
                  "'exact', precision: str = 'double', gradient_tolerance: float = 1e-05) -> None"),
          method_in_words)
      .def_prop_ro(
          "beta", [](const Noisy& noisy) { return noisy.rule.beta; }, "Inverse temperature, unit 1/loss.")
      .def_prop_ro(
          "stride", [](const Noisy& noisy) { return noisy.rule.stride; },
          "Mutations that one step stands for.")
      .def("__repr__", [](const Noisy& noisy) {
        return nb::str("Langevin(beta={}, stride={})").format(noisy.rule.beta, noisy.rule.stride);
      });
}

#undef LANGEVO_METHOD_ARGUMENTS

}  // namespace langevo::python
