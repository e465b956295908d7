#include "langevo/problem.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "arrays.hpp"
#include "bindings.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"

namespace langevo::python {

namespace {

bool has_output_bias(const Network& network) {
  return network.layers().back().has_bias;
}

std::string in_words(const Network& network) {
  std::string text = "Network([";
  for (std::size_t i = 0; i < network.widths().size(); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(network.widths()[i]);
  return text + "], activation='" + word_of(network.activation(), activation_words()) +
         "', output_bias=" + (has_output_bias(network) ? "True)" : "False)");
}

/// Rows of `width` numbers; one number a point may come without its second dimension.
std::vector<double> read_rows(const char* name, const Numbers& numbers, int width) {
  const bool is_column = numbers.ndim() == 1 && width == 1;
  if (!is_column && (numbers.ndim() != 2 || numbers.shape(1) != static_cast<std::size_t>(width))) {
    throw InputError(std::string(name) + " have the shape " + shape_in_words(numbers) +
                     ", but the network wants [points, " + std::to_string(width) + "]; give that");
  }
  const std::span<const double> values = span_of(numbers);
  return {values.begin(), values.end()};
}

/// Class numbers as a probability of 1 for the class.
std::vector<double> read_labels(const Numbers& numbers, int classes) {
  std::vector<double> targets(numbers.size() * static_cast<std::size_t>(classes));
  for (std::size_t point = 0; point < numbers.size(); ++point) {
    const double label = numbers.data()[point];
    if (!(label >= 0 && label < classes && std::floor(label) == label)) {
      throw InputError("the label of point " + std::to_string(point) + " is " + std::to_string(label) +
                       ", but the network has the classes 0 to " + std::to_string(classes - 1) +
                       "; give whole numbers among these, or probabilities [points, " +
                       std::to_string(classes) + "]");
    }
    targets[point * static_cast<std::size_t>(classes) + static_cast<std::size_t>(label)] = 1;
  }
  return targets;
}

Problem make_problem(const Network& network, nb::handle inputs, nb::handle targets,
                     const std::string& loss_word, nb::handle weights) {
  const Loss loss = read_word("loss", loss_word, loss_words());
  const Numbers x = read_numbers("inputs", inputs);
  const Numbers y = read_numbers("targets", targets);
  Dataset data;
  data.points = x.ndim() > 0 ? x.shape(0) : 0;
  data.input_dim = network.input_dim();
  data.target_dim = network.output_dim();
  data.inputs = read_rows("inputs", x, data.input_dim);
  const bool are_labels = loss == Loss::cross_entropy && y.ndim() == 1 && data.target_dim > 1;
  data.targets = are_labels ? read_labels(y, data.target_dim) : read_rows("targets", y, data.target_dim);
  if (!weights.is_none()) {
    const Numbers w = read_numbers("weights", weights);
    data.weights.assign(w.data(), w.data() + w.size());
    if (data.weights.empty()) throw InputError("weights are empty; give one for each point, or None");
  }
  return {network, std::move(data), loss};
}

NumpyArray initial_state(const Network& network, const std::string& init, std::uint64_t seed,
                         std::uint64_t replica, double std) {
  enum class Init { gaussian, pytorch };
  if (read_word<Init>("init", init, {{"gaussian", Init::gaussian}, {"pytorch", Init::pytorch}}) ==
      Init::pytorch)
    return give_away(draw_initial_state(network, PytorchInit{}, seed, replica));
  return give_away(draw_initial_state(network, GaussianInit{std}, seed, replica));
}

ConstNumpyArray rows_of(const Problem& problem, const std::vector<double>& values, int columns) {
  return look_at(values, {problem.data().points, static_cast<std::size_t>(columns)}, nb::find(problem));
}

}  // namespace

void bind_problem(nb::module_& module) {
  nb::class_<Network>(module, "Network",
                      "A fully connected network whose last layer is linear.\n\n"
                      "Its parameters are a vector [N] in PyTorch's order: the weights of the first layer,\n"
                      "row by row, its biases, those of the second layer and so on.")
      .def(
          "__init__",
          [](Network* place, std::vector<int> widths, const std::string& activation, bool output_bias) {
            new (place) Network(std::move(widths), read_word("activation", activation, activation_words()),
                                output_bias);
          },
          nb::arg("widths"), nb::arg("activation") = "tanh", nb::arg("output_bias") = true,
          "Layers of these widths, [input_dim, hidden, ..., output_dim]; two of them are a linear map.\n\n"
          "activation: of the hidden units, tanh, relu, sigmoid, identity, softplus or gelu.\n"
          "output_bias: whether the last layer has biases.\n"
          "Raises ValueError for widths that make no network and for words that are not known.")
      .def_prop_ro(
          "widths", [](const Network& n) { return std::vector<int>(n.widths().begin(), n.widths().end()); },
          "Widths of the layers from input to output.")
      .def_prop_ro(
          "activation", [](const Network& n) { return word_of(n.activation(), activation_words()); },
          "The word for the activation of the hidden units.")
      .def_prop_ro("output_bias", &has_output_bias, "Whether the last layer has biases.")
      .def_prop_ro("parameter_count", &Network::parameter_count, "N, the number of parameters.")
      .def_prop_ro("parameter_names", &Network::parameter_names,
                   "Names of the N parameters, such as 'layers.0.weight[3,0]'.")
      .def("__repr__", &in_words);

  nb::class_<Problem>(module, "Problem",
                      "What is learned: the loss U(x) of a network with parameters x on data.")
      .def(
          "__init__",
          [](Problem* place, const Network& network, nb::handle inputs, nb::handle targets,
             const std::string& loss, nb::handle weights) {
            new (place) Problem(make_problem(network, inputs, targets, loss, weights));
          },
          nb::arg("network"), nb::arg("inputs"), nb::arg("targets"), nb::arg("loss") = "mse",
          nb::arg("weights") = nb::none(),
          nb::sig("def __init__(self, network: Network, inputs: numpy.typing.ArrayLike, targets: "
                  "numpy.typing.ArrayLike, loss: str = 'mse', weights: numpy.typing.ArrayLike | None = None) "
                  "-> None"),
          "The data are copied.\n\n"
          "inputs: [points, input_dim], finite.\n"
          "targets: [points, output_dim]; with loss 'cross-entropy' probabilities of the classes, or class\n"
          "labels 0, 1, ... [points]. Where there is a single column, it may be of shape [points].\n"
          "loss: mse, cross-entropy or huber, a mean over points (mse and huber: and over outputs).\n"
          "weights: [points], at least 0, of the points in that mean; only their ratios matter.\n"
          "Raises ValueError where the data do not fit the network or are not finite.")
      .def_prop_ro("network", &Problem::network, nb::rv_policy::reference_internal, "The network.")
      .def_prop_ro(
          "loss", [](const Problem& p) { return word_of(p.loss(), loss_words()); }, "The word for the loss.")
      .def_prop_ro(
          "points", [](const Problem& p) { return p.data().points; }, "The number of points.")
      .def_prop_ro(
          "inputs", [](const Problem& p) { return rows_of(p, p.data().inputs, p.data().input_dim); },
          "The inputs [points, input_dim], to be read only.")
      .def_prop_ro(
          "targets", [](const Problem& p) { return rows_of(p, p.data().targets, p.data().target_dim); },
          "The targets [points, output_dim], to be read only.");

  module.def("draw_initial_state", &initial_state, nb::arg("network"), nb::arg("init") = "gaussian",
             nb::arg("seed") = 1, nb::arg("replica") = 0, nb::arg("std") = 0.01,
             "The initial state [N] of one replica, as the command line draws it.\n\n"
             "init: 'gaussian' with the standard deviation std, or 'pytorch', uniform within\n"
             "1/sqrt(fan_in). A state depends on seed and replica alone.");
}

}  // namespace langevo::python
