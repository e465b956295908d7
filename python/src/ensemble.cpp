#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include <algorithm>

#include "arrays.hpp"
#include "counters.hpp"
#include "saved_ensemble.hpp"
#include "shared_ensemble.hpp"

namespace langevo::python {

namespace {

const std::vector<std::pair<std::string, BackendKind>>& backend_words() {
  static const std::vector<std::pair<std::string, BackendKind>> words{
      {"auto", BackendKind::automatic}, {"cpu", BackendKind::cpu}, {"cuda", BackendKind::cuda}};
  return words;
}

using Use = SharedEnsemble::Use;

ConstNumpyArray states_of(const SharedEnsemble& shared) {
  const Ensemble& ensemble = shared.quiet();
  return look_at(ensemble.view_parameters(), {ensemble.shape().replicas, ensemble.parameter_count()},
                 nb::find(shared));
}

/// DLPack before version 1 cannot say that an array is to be read only; who asks for that gets a copy.
nb::object to_dlpack(const SharedEnsemble& shared, const nb::kwargs& keywords) {
  const nb::object version =
      keywords.contains("max_version") ? nb::object(keywords["max_version"]) : nb::none();
  const bool can_be_read_only =
      nb::isinstance<nb::tuple>(version) && nb::cast<int>(nb::object(version[nb::int_(0)])) >= 1;
  const Ensemble& ensemble = shared.quiet();
  const std::size_t shape[] = {ensemble.shape().replicas, ensemble.parameter_count()};
  if (can_be_read_only) {
    const nb::ndarray<nb::array_api, const double> view(ensemble.view_parameters().data(), 2, shape,
                                                        nb::find(shared));
    return nb::cast(view).attr("__dlpack__")(**keywords);
  }
  const std::span<const double> states = ensemble.view_parameters();
  const NumpyArray copy = give_away({states.begin(), states.end()}, {shape[0], shape[1]});
  return nb::cast(copy).attr("__dlpack__")();
}

nb::dict counters_of(const StepCounters& counters) {
  nb::dict all;
  for (const auto& [name, member] : counter_names) all[name] = counters.*member;
  return all;
}

}  // namespace

void bind_ensemble(nb::module_& module) {
  nb::class_<Moments>(module, "Moments", "Mean and variance of every parameter over replicas.")
      .def_ro("count", &Moments::count, "The number of replicas.")
      .def_prop_ro(
          "mean", [](const Moments& m) { return look_at(m.mean, {m.mean.size()}, nb::find(m)); },
          "The mean [N].")
      .def_prop_ro(
          "variance", [](const Moments& m) { return give_away(m.variance()); }, nb::rv_policy::automatic,
          "The variance [N], n - 1 in the denominator; NaN for one replica.");

  nb::class_<SharedEnsemble>(
      module, "Ensemble",
      "Replicas of one network that learn side by side; their states are 0 until they are set.\n\n"
      "A trajectory depends on seed, number of the replica, problem, rule and sigma alone. N is the number\n"
      "of parameters. One call at a time may use an ensemble.")
      .def(
          "__init__",
          [](SharedEnsemble* place, const Problem& problem, const AnyRule& rule, nb::handle sigma,
             std::uint64_t replicas, const std::optional<Quadrature>& quadrature, std::uint64_t seed,
             int threads, const std::string& backend, const std::string& instruction_set,
             std::uint64_t first_replica, std::uint64_t first_step, int device) {
            const EnsembleArguments arguments{
                {replicas, first_replica, seed, first_step},
                {read_word("backend", backend, backend_words()), threads, device, instruction_set}};
            Dynamics dynamics = read_dynamics(rule, sigma, problem.network().parameter_count());
            if (quadrature) dynamics.quadrature = *quadrature;
            const nb::gil_scoped_release without_lock;
            new (place) SharedEnsemble(problem, dynamics, arguments);
          },
          nb::arg("problem"), nb::arg("rule"), nb::arg("sigma"), nb::arg("replicas"), nb::kw_only(),
          nb::arg("quadrature") = nb::none(), nb::arg("seed") = 1, nb::arg("threads") = 0,
          nb::arg("backend") = "auto", nb::arg("instruction_set") = "", nb::arg("first_replica") = 0,
          nb::arg("first_step") = 0, nb::arg("device") = 0,
          nb::sig(
              "def __init__(self, problem: Problem, rule: Metropolis | Gradient | NormalizedGradient | "
              "Langevin, sigma: numpy.typing.ArrayLike, replicas: int, *, quadrature: Quadrature | None = "
              "None, seed: int = 1, threads: int = 0, backend: str = 'auto', instruction_set: str = '', "
              "first_replica: int = 0, first_step: "
              "int = 0, device: int = 0) -> None"),
          "sigma: width of the mutation of a parameter, one number or [N]; for Gradient and\n"
          "NormalizedGradient a relative step, 1 for the ordinary one.\n"
          "quadrature: a few points that stand for all where that changes no decision, by make_quadrature.\n"
          "threads: of the CPU, 0 for all that the process may use. backend: 'auto', 'cpu' or 'cuda'.\n"
          "instruction_set: of the CPU's code, '' for the best one. device: number of the CUDA device.\n"
          "first_replica, first_step: numbers on which the random numbers depend.\n"
          "Raises ValueError for arguments that make no ensemble.")
      .def_prop_ro(
          "replicas", [](const SharedEnsemble& e) { return e.quiet().shape().replicas; },
          "The number of replicas.")
      .def_prop_ro(
          "parameter_count", [](const SharedEnsemble& e) { return e.quiet().parameter_count(); },
          "N, the number of parameters of each.")
      .def_prop_ro(
          "seed", [](const SharedEnsemble& e) { return e.quiet().shape().seed; },
          "Key of all random numbers.")
      .def_prop_ro(
          "step", [](const SharedEnsemble& e) { return e.quiet().step(); }, "The step that comes next.")
      .def_prop_ro(
          "time_per_step", &SharedEnsemble::time_per_step,
          "Time t of one step, unit 1: alpha of a gradient step, alpha lambda of a mutation, which is\n"
          "sigma/sqrt(2 pi) at beta = inf and beta sigma^2/2 at finite beta.")
      .def_prop_ro(
          "device", [](const SharedEnsemble& e) { return e.quiet().device(); }, "The device in words.")
      .def_prop_ro(
          "parameters", &states_of,
          "The states [replicas, N] where they lie, to be read only: no copy, they change with every\n"
          "step. Raises ValueError where they are on a CUDA device; see copy_parameters.")
      .def(
          "copy_parameters",
          [](const SharedEnsemble& e, std::uint64_t first, const nb::object& count) {
            const Use ensemble(e);
            const std::uint64_t all = ensemble->shape().replicas;
            const std::uint64_t asked =
                count.is_none() ? all - std::min(first, all) : nb::cast<std::uint64_t>(count);
            return give_away(ensemble->parameters(first, asked), {asked, ensemble->parameter_count()});
          },
          nb::arg("first") = 0, nb::arg("count") = nb::none(),
          nb::sig("def copy_parameters(self, first: int = 0, count: int | None = None) -> "
                  "numpy.typing.NDArray[numpy.float64]"),
          "States [count, N] of the replicas from `first` on, from any device; None: of all that follow.")
      .def(
          "set_all_parameters",
          [](SharedEnsemble& e, nb::handle x) {
            const Numbers state = read_numbers("parameters", x);
            Use(e)->set_all_parameters(span_of(state));
          },
          nb::arg("x"), nb::sig("def set_all_parameters(self, x: numpy.typing.ArrayLike) -> None"),
          "Gives every replica the state x [N]. Raises ValueError for another size or where x is not finite.")
      .def(
          "set_parameters",
          [](SharedEnsemble& e, nb::handle x, std::uint64_t first) {
            const Numbers states = read_numbers("parameters", x);
            Use(e)->set_parameters(first, span_of(states));
          },
          nb::arg("x"), nb::arg("first") = 0,
          nb::sig("def set_parameters(self, x: numpy.typing.ArrayLike, first: int = 0) -> None"),
          "Sets the replicas from `first` on from x [count, N]. Raises ValueError where x is not finite, no\n"
          "whole number of states, or for replicas that do not exist.")
      .def("advance", &SharedEnsemble::advance, nb::arg("steps"),
           "Takes so many more steps with every replica. Other threads of Python run meanwhile; Ctrl-C ends "
           "it\n"
           "after a whole step, `step` tells which. Raises RuntimeError where a gradient step leaves the\n"
           "finite numbers.")
      .def(
          "save", [](const SharedEnsemble& e) { return save(e); },
          "All that an ensemble of the same replicas needs to go on from here to the same bits; it can be\n"
          "pickled. Raises ValueError after a step that failed.")
      .def(
          "restore", [](SharedEnsemble& e, const SavedEnsemble& saved) { restore(saved, e); },
          nb::arg("saved"),
          "Goes on from what was saved; as fast as before where problem, rule, sigma and machine are the\n"
          "same. Raises ValueError where it is of other replicas, of another seed or another network.")
      .def(
          "moments", [](const SharedEnsemble& e) { return Use(e)->parameter_moments(); },
          "Mean and variance of every parameter over the replicas.")
      .def(
          "losses", [](const SharedEnsemble& e) { return give_away(Use(e)->losses()); },
          "U of every replica [replicas], in double.")
      .def(
          "loss",
          [](const SharedEnsemble& e, nb::handle x) {
            const Numbers state = read_numbers("parameters", x);
            return Use(e)->loss(span_of(state));
          },
          nb::arg("x"), nb::sig("def loss(self, x: numpy.typing.ArrayLike) -> float"),
          "U(x) of the state x [N], in double.")
      .def(
          "gradient",
          [](const SharedEnsemble& e, nb::handle x) {
            const Numbers state = read_numbers("parameters", x);
            std::vector<double> gradient(e.quiet().parameter_count());
            Use(e)->gradient(span_of(state), gradient);
            return give_away(std::move(gradient));
          },
          nb::arg("x"),
          nb::sig("def gradient(self, x: numpy.typing.ArrayLike) -> numpy.typing.NDArray[numpy.float64]"),
          "dU/dx [N] at the state x [N], by backpropagation in double.")
      .def_prop_ro(
          "counters", [](const SharedEnsemble& e) { return counters_of(Use(e)->counters()); },
          nb::sig("def counters(self) -> dict[str, int]"),
          "What happened to proposals or steps since the beginning, by name: steps (replicas times steps),\n"
          "accepted, what decided them, gradients and others.")
      .def("__dlpack__", &to_dlpack, nb::sig("def __dlpack__(self, **keywords: object) -> object"),
           "The states [replicas, N] for other libraries: no copy where they can be told to read only "
           "(DLPack\n"
           "1.0 and newer), and else a copy.")
      .def(
          "__dlpack_device__", [](const SharedEnsemble&) { return nb::make_tuple(1, 0); },
          nb::sig("def __dlpack_device__(self) -> tuple[int, int]"), "The memory of this process.");
}

}  // namespace langevo::python
