#include <algorithm>
#include <cmath>
#include <string>

#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "langevo/quadrature.hpp"
#include "langevo/run_options.hpp"
#include "last_place.hpp"
#include "recorded_state.hpp"
#include "run_checks.hpp"
#include "schedule.hpp"
#include "text.hpp"

namespace langevo {

namespace {

constexpr std::uint64_t default_trace = 25;
constexpr double default_lambda = 0.1;
/// A mutation that stands for more gradient steps than this is no noisy gradient step in any sense.
constexpr double largest_comparable_lambda = 1000;

DataFile read_data(const std::string& path, const RunOptions& options, const Network& network) {
  return read_data_file(path, network.input_dim(), network.output_dim(),
                        {.header = options.header, .class_labels = options.loss == Loss::cross_entropy});
}

DataFile make_dataset(const RunOptions& options, const Network& network) {
  const bool unit = options.data == "sin-unit";
  if (!unit && options.data != "sin-symmetric") {
    require_file("--data", options.data, {"sin-unit", "sin-symmetric"});
    if (options.points) {
      throw InputError("--points " + std::to_string(*options.points) +
                       " is for built-in data, but --data is '" + options.data + "'; leave it out");
    }
    return read_data(options.data, options, network);
  }
  if (options.header != HeaderLine::automatic && options.test_data.empty()) {
    throw InputError("--header says how a CSV file begins, but --data " + options.data +
                     " is built in; leave it out");
  }
  if (network.input_dim() != 1 || network.output_dim() != 1) {
    throw InputError("--data " + options.data + " has 1 input and 1 target, but --widths has " +
                     std::to_string(network.input_dim()) + " and " + std::to_string(network.output_dim()) +
                     "; let the widths begin and end with 1");
  }
  return {.data = unit ? make_sin_unit(options.points.value_or(1000))
                       : make_sin_symmetric(options.points.value_or(1001)),
          .has_header = {}};
}

std::optional<Problem> make_held_out(const RunOptions& options, const Network& network) {
  if (options.test_data.empty()) return std::nullopt;
  Problem held_out(network, read_data(options.test_data, options, network).data, options.loss);
  if (options.loss == Loss::cross_entropy) require_distributions(held_out.data());
  return held_out;
}

std::string note_of(const DataFile& file) {
  std::vector<std::string> notes;
  if (file.has_header) notes.push_back(std::string("header line: ") + (*file.has_header ? "yes" : "no"));
  if (file.has_class_labels) {
    notes.push_back("one column of class labels 0 to " + std::to_string(file.data.target_dim - 1));
  }
  if (!file.data.weights.empty()) notes.emplace_back("with weights");
  return joined(notes);
}

bool is_gradient_rule(const RunOptions& options) {
  return options.dynamics == DynamicsKind::gradient || options.dynamics == DynamicsKind::normalized_gradient;
}

bool sigma_is_given(const RunOptions& options) {
  return options.sigma || !options.sigma_file.empty();
}

struct Mutation {
  std::vector<double> sigma;
  double lambda = 0;
};

Mutation make_mutation(const RunOptions& options, std::size_t parameters) {
  Mutation mutation;
  double strength = 0;
  if (!options.sigma_file.empty()) {
    mutation.sigma = read_parameter_vector(options.sigma_file, "sigma", parameters, "--sigma-file");
    const auto bad =
        std::find_if(mutation.sigma.begin(), mutation.sigma.end(), [](double s) { return s <= 0; });
    if (bad != mutation.sigma.end()) {
      throw InputError("--sigma-file '" + options.sigma_file + "' has sigma " + shortest(*bad) +
                       " for parameter " + std::to_string(bad - mutation.sigma.begin()) +
                       "; give positive numbers");
    }
    strength = root_mean_square(mutation.sigma);
  } else {
    strength = options.sigma.value_or(
        sigma_from_lambda(options.lambda.value_or(default_lambda), options.alpha, options.beta));
    mutation.sigma.assign(parameters, strength);
  }
  // Far outside these bounds products of sigma leave the numbers; inside them nothing useful is lost.
  const auto [least, most] = std::minmax_element(mutation.sigma.begin(), mutation.sigma.end());
  if (!(*least >= 1e-30 && *most <= 1e30)) {
    throw InputError("mutations of width sigma = " + rounded(*least >= 1e-30 ? *most : *least, 3) +
                     " cannot be computed with; give --alpha, --lambda, --beta or --sigma for a sigma within "
                     "1e-30 to 1e30");
  }
  mutation.lambda = sigma_is_given(options) ? lambda_from_sigma(strength, options.alpha, options.beta)
                                            : options.lambda.value_or(default_lambda);
  if (!(mutation.lambda > 0) || !std::isfinite(mutation.lambda)) {
    throw InputError("--alpha " + shortest(options.alpha) + " makes lambda " + shortest(mutation.lambda) +
                     " of sigma " + rounded(strength, 3) + "; give an alpha nearer to sigma");
  }
  if (is_gradient_rule(options)) {
    for (double& s : mutation.sigma) s = options.sigma_file.empty() ? 1 : s / strength;
  }
  return mutation;
}

Rule make_rule(const RunOptions& options, double stride) {
  switch (options.dynamics) {
    case DynamicsKind::metropolis:
      return Metropolis{
          .beta = options.beta, .precision = options.precision, .acceptance = options.acceptance};
    case DynamicsKind::langevin:
      return Langevin{.beta = options.beta, .stride = stride};
    case DynamicsKind::normalized_gradient:
      return NormalizedGradient{options.alpha};
    case DynamicsKind::gradient:
      break;
  }
  return Gradient{options.alpha};
}

std::string why_no_reference(const RunOptions& options, double lambda, double end) {
  if (options.reference == ReferenceKind::none) return "--reference is none";
  if (is_gradient_rule(options)) return "the run follows the gradient itself";
  if (options.init_per_replica) return "the replicas have no common start";
  if (lambda > largest_comparable_lambda) {
    return "one mutation would stand for " + rounded(lambda, 3) + " gradient steps";
  }
  if (!(end / options.alpha < 1e15)) return "it would take " + rounded(end / options.alpha, 3) + " steps";
  return {};
}

Dynamics make_reference(const RunOptions& options, const Mutation& mutation) {
  Dynamics reference;
  if (options.gradient != GradientSteps::exact) reference.gradient = reference_method;
  if (std::isinf(options.beta)) {
    reference.rule = NormalizedGradient{options.alpha};
  } else {
    reference.rule = Gradient{options.alpha};
  }
  // Exactly 1 where all are equal: a rounded root mean square would leave 1 +- 2^-53.
  reference.sigma.assign(mutation.sigma.size(), 1.0);
  if (!options.sigma_file.empty()) {
    const double strength = root_mean_square(mutation.sigma);
    for (std::size_t i = 0; i < mutation.sigma.size(); ++i) reference.sigma[i] = mutation.sigma[i] / strength;
  }
  return reference;
}

std::uint64_t memory_of(const RunPlan& plan, int threads) {
  const std::uint64_t parameters = plan.problem.network().parameter_count();
  const std::uint64_t state_bytes = parameters * sizeof(double);
  std::uint64_t bytes = estimate_memory(plan.problem, plan.dynamics, plan.shape.replicas, threads);
  if (plan.reference) bytes += plan.schedule.record_steps.size() * state_bytes;
  return bytes + plan.simulation.traced_replicas * state_bytes + plan.shape.replicas * sizeof(double);
}

RunOptions resolve(RunOptions options, const RunPlan& plan, double stride) {
  if (!sigma_is_given(options)) options.lambda = plan.lambda;
  if (options.dynamics == DynamicsKind::langevin) options.stride = stride;
  if (!options.steps) options.time = options.time.value_or(default_time);
  if (!options.record_every && !options.records) {
    options.records = std::min(default_records, plan.schedule.last_step());
  }
  if (options.data == "sin-unit" || options.data == "sin-symmetric") {
    options.points = plan.problem.data().points;
  }
  options.trace = plan.simulation.traced_replicas;
  return options;
}

/// Mutations far below the spacing of numbers at a weight's size are lost when they are added to it.
void weigh_mutations(const RunOptions& options, RunPlan& plan) {
  if (is_gradient_rule(options)) return;
  constexpr double largest_draw = 8;  // no normal number in a run is larger
  const std::size_t parameters = plan.initial_parameter.size();
  std::size_t lost = 0;
  std::size_t coarse = 0;
  for (std::size_t i = 0; i < parameters; ++i) {
    const double spacing = last_place<double>(plan.initial_parameter[i]);
    if (largest_draw * plan.dynamics.sigma[i] < spacing / 2) ++lost;
    if (plan.dynamics.sigma[i] < spacing) ++coarse;
  }
  const std::string sigma =
      rounded(*std::min_element(plan.dynamics.sigma.begin(), plan.dynamics.sigma.end()), 3);
  if (lost == parameters && options.dynamics == DynamicsKind::metropolis) {
    throw InputError(
        "mutations of sigma = " + sigma +
        " change no parameter, as numbers of their size lie further apart; give a larger sigma or "
        "smaller initial weights");
  }
  if (coarse == 0) return;
  plan.remarks.push_back("mutations of sigma = " + sigma +
                         " are below the spacing of numbers at the size of " + counted(coarse, "parameter") +
                         " of " + std::to_string(parameters) +
                         " and mostly lost there; a larger sigma or smaller initial weights would keep them");
}

}  // namespace

std::uint64_t reference_steps(const RunPlan& plan) {
  if (!plan.reference) return 0;
  const double end = static_cast<double>(plan.schedule.last_step()) * plan.schedule.time_per_step;
  return steps_in(end, plan.reference_time_per_step).until();
}

BackendChoice choose_backend(const RunPlan& plan) {
  const BackendOptions& machine = plan.resolved.backend;
  Dynamics dynamics = plan.dynamics;
  if (dynamics.gradient.steps == GradientSteps::automatic) dynamics.gradient.steps = GradientSteps::followed;
  if (machine.kind == BackendKind::automatic && !why_not_on_cuda(dynamics).empty())
    return {BackendKind::cpu, machine.device};
  return choose_backend(machine);
}

Dynamics dynamics_on(const RunPlan& plan, BackendKind backend) {
  Dynamics dynamics = plan.dynamics;
  if (backend == BackendKind::cuda && dynamics.gradient.steps != GradientSteps::followed)
    dynamics.gradient = {GradientSteps::exact, Precision::float64, dynamics.gradient.tolerance};
  const auto* const metropolis = std::get_if<Metropolis>(&dynamics.rule);
  const bool exact = metropolis != nullptr ? metropolis->acceptance == Acceptance::exact
                                           : dynamics.gradient.steps == GradientSteps::exact;
  if (exact || plan.resolved.quadrature == std::uint64_t{0}) return dynamics;
  if (backend == BackendKind::cuda) {
    dynamics.quadrature.remark = "there are nodes on the CPU only";
    return dynamics;
  }
  constexpr std::uint64_t pilots = 3;
  std::vector<double> states = plan.initial_parameter;
  for (std::uint64_t r = 1; plan.resolved.init_per_replica && r < std::min(pilots, plan.shape.replicas);
       ++r) {
    const std::vector<double> state =
        initial_state(plan.resolved, plan.problem.network(), plan.shape.first_replica + r);
    states.insert(states.end(), state.begin(), state.end());
  }
  std::optional<std::size_t> nodes;
  if (plan.resolved.quadrature) nodes = *plan.resolved.quadrature;
  dynamics.quadrature =
      make_quadrature(plan.problem, dynamics, plan.shape, states, plan.schedule.last_step(), nodes);
  return dynamics;
}

std::vector<double> initial_state(const RunOptions& options, const Network& network, std::uint64_t replica) {
  switch (options.init) {
    case InitKind::gaussian:
      return draw_initial_state(network, GaussianInit{options.init_std}, options.seed, replica);
    case InitKind::pytorch:
      return draw_initial_state(network, PytorchInit{}, options.seed, replica);
    case InitKind::file:
      break;
  }
  require_file("--init", options.init_file, {"gaussian", "pytorch"});
  if (options.init_at) {
    const std::size_t parameters = network.parameter_count();
    return options.init_per_replica
               ? read_recorded_state(options.init_file, *options.init_at, parameters, replica)
               : read_recorded_mean(options.init_file, *options.init_at, parameters);
  }
  return read_parameter_vector(options.init_file, "initial_parameter", network.parameter_count(), "--init");
}

RunPlan plan_run(const RunOptions& options) {
  check_options(options);
  const Network network(options.widths, options.activation, options.output_bias);
  DataFile data = make_dataset(options, network);
  std::string data_note = note_of(data);
  Problem problem(network, std::move(data.data), options.loss);
  if (options.loss == Loss::cross_entropy) require_distributions(problem.data());
  if (options.quadrature.value_or(0) > 0) require_nodes(*options.quadrature, problem.data().points);
  Mutation mutation = make_mutation(options, network.parameter_count());
  const double stride = options.stride.value_or(sigma_is_given(options) ? 1 : 1 / mutation.lambda);
  const double time_per_step = time_of_step(options, mutation.lambda, stride);
  if (!(time_per_step > 0) || !std::isfinite(time_per_step)) {
    throw InputError("one step would take the time " + shortest(time_per_step) +
                     "; give --alpha, --lambda or --stride nearer to 1");
  }
  PlannedSchedule planned = plan_schedule(options, time_per_step);
  const double end = static_cast<double>(planned.schedule.last_step()) * time_per_step;

  RunPlan plan{
      .problem = std::move(problem),
      .held_out = make_held_out(options, network),
      .data_note = std::move(data_note),
      .dynamics = {.rule = make_rule(options, stride), .sigma = {}},
      .schedule = std::move(planned.schedule),
      .simulation = {.traced_replicas = options.trace.value_or(std::min(default_trace, options.replicas)),
                     .reset_steps = std::move(planned.reset_steps)},
      .shape = {.replicas = options.replicas, .first_replica = options.first_replica, .seed = options.seed},
      .lambda = mutation.lambda,
      .initial_parameter = {},
      .reference = {},
      .reference_time_per_step = options.alpha,
      .why_no_reference = why_no_reference(options, mutation.lambda, end),
      .remarks = std::move(planned.remarks),
      .memory_bytes = 0,
      .resolved = {}};
  if (plan.why_no_reference.empty()) plan.reference = make_reference(options, mutation);
  if (options.reset_every && !plan.reference) {
    throw InputError("--reset-every " + shortest(*options.reset_every) +
                     " sets replicas to the reference trajectory, but there is none because " +
                     plan.why_no_reference + "; leave it out");
  }
  plan.dynamics.sigma = std::move(mutation.sigma);
  if (options.dynamics != DynamicsKind::metropolis)
    plan.dynamics.gradient = {options.gradient, options.precision, options.gradient_tolerance};
  plan.memory_bytes = memory_of(plan, options.backend.threads);
  require_memory(static_cast<double>(plan.memory_bytes), "the ensemble and its reference");
  // Replica 0 is drawn in every shard of an ensemble, but only those of a run were traced by it.
  const bool of_a_run = options.init_at && options.init_per_replica;
  plan.initial_parameter = initial_state(options, network, of_a_run ? options.first_replica : 0);
  weigh_mutations(options, plan);
  plan.resolved = resolve(options, plan, stride);
  return plan;
}

}  // namespace langevo
