#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>

#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/parallel_for.hpp"
#include "kernels/cpu/quadrature/choose_nodes.hpp"
#include "kernels/cpu/quadrature/mutated_losses.hpp"
#include "kernels/cpu/quadrature/node_problem.hpp"
#include "kernels/cpu/quadrature/pilot.hpp"
#include "kernels/quadrature/defect.hpp"
#include "kernels/rules/kernel_rules.hpp"
#include "langevo/error.hpp"
#include "langevo/quadrature.hpp"

namespace langevo {

namespace {

/// Points that pilots evaluate the loss on.
constexpr std::size_t pilot_points = 64;
/// Points that may become nodes.
constexpr std::size_t most_candidates = 8192;
/// Gradients for each pilot.
constexpr std::uint64_t most_gradients = 1000;
/// Mutations at each state, at first, and how much more where they choose too few nodes.
constexpr std::size_t mutations_at_first = 3;
constexpr std::size_t more_mutations = 3;
constexpr int most_attempts = 3;
/// Columns for each node that may be chosen.
constexpr std::size_t columns_per_node = 2;
/// Largest share of the run's time for all this, both by count.
constexpr double share_of_run = 0.05;
/// Nodes are taken where proposals cost at most so much of what they do on all points.
constexpr double worthwhile_cost = 0.25;
/// Share of the proposals that are evaluated beside those that models decide, for the number of nodes.
constexpr double usually_evaluated = 0.05;
/// A smaller error than this asks for no more nodes: float arithmetic errs more.
constexpr double least_error = DefectPolicy::least / DefectPolicy::margin_of_run;
/// Where so small an error is not to be had, replicas are taken to show so many times the error at the
/// pilots' states at some time.
constexpr double margin_of_choice = 256;
/// An evaluation on all points in double, in evaluations in float.
constexpr double cost_in_double = 3;

/// The noise of pilots of rules that have none, in that of mutations: so that there are states to check by.
constexpr double little_noise = 0.05;

/// The mutations that go where a rule goes.
struct Mutations {
  Metropolis rule;
  std::vector<double> sigma;
  double each_step;  ///< of them
  double noise;      ///< relative to theirs
};

std::vector<double> times(double factor, std::vector<double> values) {
  for (double& value : values) value *= factor;
  return values;
}

Mutations mutations_like(const Metropolis& rule, const std::vector<double>& sigma) {
  return {rule, sigma, 1, 1};
}
Mutations mutations_like(const Langevin& rule, const std::vector<double>& sigma) {
  return {Metropolis{.beta = rule.beta}, sigma, rule.stride, 1};
}
/// At beta = 1 the drift is sigma^2 g/2,
Mutations mutations_like(const Gradient& rule, const std::vector<double>& sigma) {
  return {Metropolis{.beta = 1}, times(std::sqrt(2 * rule.alpha), sigma), 1, little_noise};
}
/// and at beta = inf sigma G / (sqrt(2 pi) |G|).
Mutations mutations_like(const NormalizedGradient& rule, const std::vector<double>& sigma) {
  return {Metropolis{}, times(sigma_from_lambda(1, rule.alpha, Metropolis{}.beta), sigma), 1, little_noise};
}

/// Why there are to be none; empty where there may be.
std::string why_no_nodes(const Dynamics& dynamics) {
  const auto* const metropolis = std::get_if<Metropolis>(&dynamics.rule);
  if (metropolis != nullptr)
    return metropolis->acceptance == Acceptance::exact ? "exact acceptance evaluates all points" : "";
  return dynamics.gradient.steps == GradientSteps::exact ? "exact gradient steps take all points" : "";
}

Quadrature none(std::string why) {
  Quadrature quadrature;
  quadrature.remark = std::move(why);
  return quadrature;
}

std::string in_digits(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.0e", value);
  return digits;
}

/// Numbers of the points whose weight is not 0.
std::vector<std::uint64_t> counted_points(const Dataset& data) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t p = 0; p < data.points; ++p) {
    if (data.weights.empty() || data.weights[p] != 0) numbers.push_back(p);
  }
  return numbers;
}

std::vector<double> weights_of(const Dataset& data, const std::vector<std::uint64_t>& numbers) {
  std::vector<double> weights;
  for (const std::uint64_t p : numbers) {
    if (!data.weights.empty()) weights.push_back(data.weights[p]);
  }
  return weights;
}

/// So many numbers evenly among those below `all`, or all.
std::vector<std::uint64_t> evenly(std::size_t count, std::size_t all) {
  count = std::min(count, all);
  std::vector<std::uint64_t> numbers;
  for (std::size_t k = 0; k < count; ++k) numbers.push_back((2 * k + 1) * all / (2 * count));
  return numbers;
}

/// The points of pilots.
Dataset some_points(const Dataset& data) {
  const std::vector<std::uint64_t> points = evenly(pilot_points, data.points);
  std::vector<double> weights = weights_of(data, points);
  double sum = 0;
  for (const double w : weights) sum += w;
  for (double& w : weights) w /= sum;
  return dataset_of_points(data, points, weights);
}

/// What a proposal costs on so many nodes of so many points with this error of their change, in evaluations
/// on all points; where `evaluated` is the share of proposals that models leave to an evaluation.
double cost_of_proposal(std::size_t nodes, std::size_t points, double error, double evaluated) {
  const auto worked_on = static_cast<double>(padded_row(nodes));
  const double bound = DefectPolicy::deviations * std::max(DefectPolicy::least, margin_of_choice * error);
  // Changes are Normal(0, 1) in units of their root mean square: so many lie within the bound of 0.
  const double left_open = std::min(1.0, 0.8 * bound);
  return evaluated * worked_on / static_cast<double>(points) + cost_in_double * left_open;
}

struct Choice {
  std::vector<std::size_t> nodes;
  std::vector<double> weights;
  double error = 0;
  double cost = 0;
};

/// As few nodes as err less than float arithmetic or, where those are too many, as make proposals cheapest
/// but for 2 %; or as many as are asked for.
Choice choose(const PointChanges& chooses, const PointChanges& checks, std::size_t points, std::size_t most,
              std::optional<std::size_t> asked) {
  const NodeChoice order(chooses, most);
  std::vector<Choice> choices;
  for (std::size_t m = asked ? order.points().size() : 1; m <= order.points().size(); ++m) {
    Choice choice;
    choice.nodes.assign(order.points().begin(), order.points().begin() + static_cast<std::ptrdiff_t>(m));
    choice.weights = order.weights(m);
    choice.error = largest_error(checks, choice.nodes, choice.weights);
    choice.cost = cost_of_proposal(m, points, choice.error, usually_evaluated);
    choices.push_back(std::move(choice));
  }
  if (choices.empty()) return {{}, {}, 1, 1};
  const auto enough = std::find_if(choices.begin(), choices.end(), [points](const Choice& choice) {
    return choice.error <= least_error && static_cast<double>(padded_row(choice.nodes.size())) <=
                                              worthwhile_cost * static_cast<double>(points);
  });
  if (enough != choices.end()) return *enough;
  const double least = std::min_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
                         return a.cost < b.cost;
                       })->cost;
  return *std::find_if(choices.begin(), choices.end(),
                       [least](const Choice& choice) { return choice.cost <= 1.02 * least; });
}

double scaled_norm(std::span<const double> sigma, const std::vector<double>& v) {
  double squares = 0;
  for (std::size_t i = 0; i < v.size(); ++i) squares += sigma[i] * v[i] * sigma[i] * v[i];
  return std::sqrt(squares);
}

/// What the nodes leave out at one state: of the gradient, and of the change under a mutation of the run.
DefectError defect_at(ProblemKernels& all, ProblemKernels& nodes, int thread, std::span<const double> sigma,
                      const std::vector<double>& x, const std::vector<float>& z) {
  const std::size_t n = sigma.size();
  std::vector<double> gradient(n);
  std::vector<double> defect(n);
  std::vector<double> proposed(n);
  all.loss_and_gradient(thread, x.data(), gradient.data());
  nodes.loss_and_gradient(thread, x.data(), defect.data());
  double by_gradient = 0;
  for (std::size_t i = 0; i < n; ++i) {
    defect[i] = gradient[i] - defect[i];
    proposed[i] = x[i] + sigma[i] * static_cast<double>(z[i]);
    by_gradient += defect[i] * (proposed[i] - x[i]);
  }
  const LossChange on_all = all.loss_change(thread, x.data(), proposed.data());
  const LossChange on_nodes = nodes.loss_change(thread, x.data(), proposed.data());
  const double error = std::abs(on_all.change - on_nodes.change - by_gradient);
  const double known_to = on_all.error_bound + on_nodes.error_bound;
  const double norm = scaled_norm(sigma, gradient);
  return {relative_error(scaled_norm(sigma, defect), norm),
          relative_error(error <= known_to ? 0.0 : error, norm)};
}

/// The largest of these at the states that check, and at some of those that chose.
void measure_defect(ProblemKernels& all, ProblemKernels& nodes, std::span<const double> sigma,
                    const std::vector<PilotState>& states, std::uint64_t seed, Quadrature& quadrature) {
  constexpr std::uint64_t step = 1u << 20;  // above the numbers of mutations
  std::vector<std::size_t> measured;
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (!states[s].chooses || s % 6 == 0) measured.push_back(s);
  }
  std::vector<DefectError> errors(measured.size());
  parallel_for(errors.size(), all.threads(), 1, [&](int thread, std::uint64_t k) {
    const std::vector<float> z = pilot_normals(seed, step, static_cast<std::uint32_t>(k), sigma.size());
    errors[k] = defect_at(all, nodes, thread, sigma, states[measured[k]].x, z);
  });
  // an error of z.(sigma.dD/dx) is as large as |sigma.dD/dx| in the root mean square, the largest of some
  // dozens twice as large
  quadrature.gradient_error = 0.5 * quadrature.least_squares_error;
  for (const DefectError& error : errors) {
    quadrature.gradient_error = std::max(quadrature.gradient_error, error.gradient);
    quadrature.change_error = std::max(quadrature.change_error, error.change);
  }
}

/// Nanoseconds of evaluations of the loss on so many points, roughly.
double time_of(const Network& network, std::size_t points, double evaluations) {
  double units = 0;
  for (const Layer& layer : network.layers()) units += layer.fan_out;
  return evaluations * static_cast<double>(points) *
         (3 * units + 0.1 * static_cast<double>(network.parameter_count()));
}

/// And of a run whose proposals models and nodes decide: draws and a few products.
double time_of_run(const Network& network, const EnsembleShape& shape, std::uint64_t steps) {
  return static_cast<double>(shape.replicas) * static_cast<double>(steps) *
         (100 + 2.5 * static_cast<double>(network.parameter_count()));
}

void require_states(const Problem& problem, std::span<const double> initial_states) {
  const std::size_t n = problem.network().parameter_count();
  if (initial_states.empty() || initial_states.size() % n != 0) {
    throw InputError("pilot trajectories have " + std::to_string(initial_states.size()) +
                     " numbers to start from, not a multiple of the network's " + std::to_string(n) +
                     " parameters; give one whole state or more");
  }
}

}  // namespace

void require_nodes(std::uint64_t nodes, std::size_t points) {
  if (nodes > 0 && nodes <= points) return;
  throw InputError("--quadrature " + std::to_string(nodes) + " asks for nodes among " +
                   std::to_string(points) + " points; give 1 to as many, auto or off");
}

Quadrature make_quadrature(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape,
                           std::span<const double> initial_states, std::uint64_t steps,
                           std::optional<std::size_t> nodes) {
  check_ensemble(problem, dynamics, shape, {});
  require_states(problem, initial_states);
  if (nodes) require_nodes(*nodes, problem.data().points);
  if (std::string why = why_no_nodes(dynamics); !why.empty()) return none(std::move(why));
  const Mutations mutations_of_run =
      std::visit([&](const auto& rule) { return mutations_like(rule, dynamics.sigma); }, dynamics.rule);
  const std::vector<double>& sigma = mutations_of_run.sigma;
  const Network& network = problem.network();
  const std::vector<std::uint64_t> numbers = counted_points(problem.data());
  if (!nodes && numbers.size() < 32) return none("the points are few enough");
  const double affordable = share_of_run * time_of_run(network, shape, steps);
  constexpr double evaluations_at_first = 250;
  if (!nodes && time_of(network, numbers.size(), evaluations_at_first) > affordable)
    return none("the run is too short for them to pay");

  const Dataset data = dataset_of_points(problem.data(), numbers, weights_of(problem.data(), numbers));
  if (nodes) nodes = std::min(*nodes, data.points);
  const int threads = cpu_threads(0);
  ProblemKernels all(network, data, problem.loss(), threads);
  if (!model_may_decide(all.view()))
    return none("the loss has kinks, where mutations are decided on all points");
  const Dataset some = some_points(data);
  ProblemKernels pilot(network, some, problem.loss(), threads);
  const PilotPlan plan{static_cast<double>(steps) * mutations_of_run.each_step, shape.seed, most_gradients,
                       mutations_of_run.noise};
  const std::vector<PilotState> states =
      follow_pilots(pilot, mutations_of_run.rule, sigma, initial_states, plan);
  const std::vector<double> weights = weights_of_points(data);
  const std::vector<std::uint64_t> candidates = evenly(most_candidates, data.points);
  const MutatedLosses losses(all, sigma, weights, candidates, shape.seed);
  const PointChanges checks = losses.changes(states, false, mutations_at_first);
  if (checks.columns == 0) return none("the pilot trajectories leave the finite numbers");

  const auto chooses = static_cast<std::size_t>(
      std::count_if(states.begin(), states.end(), [](const PilotState& state) { return state.chooses; }));
  std::size_t mutations = mutations_at_first;
  if (nodes) mutations = std::max(mutations, (columns_per_node * *nodes + chooses - 1) / chooses);
  Choice choice;
  for (int attempt = 1;; ++attempt, mutations *= more_mutations) {
    const std::size_t most =
        nodes.value_or(std::min(data.points / 2, chooses * mutations / columns_per_node));
    choice = choose(losses.changes(states, true, mutations), checks, data.points, most, nodes);
    const double next = static_cast<double>(chooses * mutations * more_mutations);
    if (nodes || attempt == most_attempts || choice.nodes.size() + choice.nodes.size() / 8 < most) break;
    if (most == data.points / 2 || time_of(network, data.points, next) > affordable) break;
  }
  if (!nodes && !(cost_of_proposal(choice.nodes.size(), data.points, choice.error, 1) <= worthwhile_cost)) {
    return none(std::to_string(choice.nodes.size()) + " of " + std::to_string(data.points) +
                " points, the best of what was tried, leave " + in_digits(choice.error) +
                " of a change of the loss");
  }
  Quadrature quadrature;
  std::vector<std::size_t> order(choice.nodes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return choice.nodes[a] < choice.nodes[b]; });
  for (const std::size_t k : order) {
    quadrature.nodes.push_back(numbers[candidates[choice.nodes[k]]]);
    quadrature.weights.push_back(choice.weights[k]);
  }
  quadrature.least_squares_error = choice.error;
  ProblemKernels on_nodes(network, dataset_of_points(problem.data(), quadrature.nodes, quadrature.weights),
                          problem.loss(), threads);
  measure_defect(all, on_nodes, sigma, states, shape.seed, quadrature);
  return quadrature;
}

}  // namespace langevo
