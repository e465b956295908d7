#include "langevo/quadrature.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include "arrays.hpp"
#include "bindings.hpp"

namespace langevo::python {

namespace {

Quadrature find_quadrature(const Problem& problem, const AnyRule& rule, nb::handle sigma, nb::handle states,
                           std::uint64_t steps, std::uint64_t replicas, std::optional<std::size_t> nodes,
                           std::uint64_t seed) {
  const Dynamics dynamics = read_dynamics(rule, sigma, problem.network().parameter_count());
  const Numbers initial_states = read_numbers("initial_states", states);
  const nb::gil_scoped_release without_lock;
  return make_quadrature(problem, dynamics, {.replicas = replicas, .seed = seed}, span_of(initial_states),
                         steps, nodes);
}

}  // namespace

void bind_quadrature(nb::module_& module) {
  nb::class_<Quadrature>(
      module, "Quadrature",
      "A weighted few of a problem's points, the nodes, whose loss changes nearly as the loss\n"
      "does where a run goes. It saves time and changes no decision. Falsy where there are none.")
      .def_prop_ro(
          "nodes",
          [](const Quadrature& q) {
            return nb::ndarray<nb::numpy, const std::uint64_t>(q.nodes.data(), {q.nodes.size()}, nb::find(q));
          },
          "Numbers of the points, ascending.")
      .def_prop_ro(
          "weights", [](const Quadrature& q) { return look_at(q.weights, {q.weights.size()}, nb::find(q)); },
          "Their weights; some may be negative.")
      .def_ro("gradient_error", &Quadrature::gradient_error,
              "Largest part of the gradient that the nodes left out at states of the pilot trajectories.")
      .def_ro("change_error", &Quadrature::change_error,
              "Largest part of a loss change there that they left out beyond that, relative to the gradient.")
      .def_ro("least_squares_error", &Quadrature::least_squares_error,
              "Largest error of loss changes that did not choose them, relative to their root mean square.")
      .def_ro("remark", &Quadrature::remark, "A clause: why there are no nodes, or what is to know of them.")
      .def("__len__", [](const Quadrature& q) { return q.nodes.size(); })
      .def("__repr__", [](const Quadrature& q) {
        return nb::str("Quadrature(nodes={}, gradient_error={})").format(q.nodes.size(), q.gradient_error);
      });

  module.def(
      "make_quadrature", &find_quadrature, nb::arg("problem"), nb::arg("rule"), nb::arg("sigma"),
      nb::arg("initial_states"), nb::arg("steps"), nb::kw_only(), nb::arg("replicas") = 1,
      nb::arg("nodes") = nb::none(), nb::arg("seed") = 1,
      nb::sig(
          "def make_quadrature(problem: Problem, rule: Metropolis | Gradient | NormalizedGradient | "
          "Langevin, "
          "sigma: numpy.typing.ArrayLike, initial_states: numpy.typing.ArrayLike, steps: int, *, replicas: "
          "int = 1, nodes: int | None = None, seed: int = 1) -> Quadrature"),
      "A quadrature for an ensemble of so many replicas and steps, or none with a remark why.\n\n"
      "Pilot trajectories from initial_states, [N] or [count, N], say where a run goes; nodes and weights "
      "have\n"
      "the loss changes of all points there. nodes: how many; None: as many as pay.\n"
      "Raises ValueError where the arguments make no run, or for more nodes than points.");
}

}  // namespace langevo::python
