// How many steps along the gradient, with noise or without, does langevo make per second, and how far from
// steps that all have a gradient in double do they end? Each way of finding gradients takes the same steps of
// the same replicas, in the same random numbers.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <optional>

#include "langevo/ensemble.hpp"
#include "langevo/quadrature.hpp"
#include "measuring.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Options {
  std::string net = "shallow";
  std::string instruction_set;
  std::string state;
  std::optional<double> beta;
  std::optional<double> alpha;
  double lambda = 0.1;  // 0: without noise
  double time = 0;
  double run_time = 10;
  double tolerance = 1e-5;
  std::uint64_t replicas = 16;
  std::uint64_t compared = 2;
  std::uint64_t steps = 20000;
  int threads = 0;
  bool json = false;
};

struct Way {
  const char* name;
  GradientMethod method;
  bool nodes;
};

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

std::vector<double> start_state(const Options& options, const PaperWorkload& workload) {
  const std::size_t n = workload.problem().network().parameter_count();
  if (!options.state.empty()) return read_parameter_vector(options.state, "initial_parameter", n, "--state");
  return options.time > 0 ? workload.state_at(options.time) : workload.initial_state();
}

Dynamics make_dynamics(const Options& options, const PaperWorkload& workload, std::size_t parameters) {
  Dynamics dynamics{Gradient{workload.alpha}, std::vector<double>(parameters, 1.0)};
  if (options.lambda > 0) {
    dynamics.rule = Langevin{workload.beta, 1 / options.lambda};
    dynamics.sigma.assign(parameters, workload.sigma(options.lambda));
  } else if (std::isinf(workload.beta)) {
    dynamics.rule = NormalizedGradient{workload.alpha};
  }
  return dynamics;
}

void print(const MeasuredError& error, const char* what) {
  if (error.count == 0) return;
  std::printf("; %s %.1e (largest %.1e, of %llu)", what, error.root_mean_square, error.largest,
              static_cast<unsigned long long>(error.count));
}

int run(const Options& options) {
  PaperWorkload workload = workload_named(options.net);
  if (options.beta) workload.beta = *options.beta;
  if (options.alpha) workload.alpha = *options.alpha;
  const Problem problem = workload.problem();
  const std::vector<double> x = start_state(options, workload);
  Dynamics dynamics = make_dynamics(options, workload, x.size());
  dynamics.gradient = {GradientSteps::followed, Precision::float32, options.tolerance};
  const Clock::time_point begin = Clock::now();
  const auto run_steps = static_cast<std::uint64_t>(options.run_time / workload.alpha);
  const Quadrature quadrature = make_quadrature(problem, dynamics, {.replicas = 1000}, x, run_steps);
  const double nodes_seconds = seconds_since(begin);
  const auto evolve = [&](std::uint64_t replicas, double& rate) {
    const BackendOptions machine{
        .kind = BackendKind::cpu, .threads = options.threads, .instruction_set = options.instruction_set};
    auto ensemble = make_ensemble(problem, dynamics, {.replicas = replicas}, machine);
    ensemble->set_all_parameters(x);
    const Clock::time_point start = Clock::now();
    ensemble->advance(options.steps);
    rate = static_cast<double>(options.steps * replicas) / seconds_since(start);
    return ensemble;
  };
  if (!options.json) {
    std::printf("%s, lambda %g, beta %g, alpha %g, %llu steps; %zu nodes (%s%.1e), found in %.2f s\n",
                options.net.c_str(), options.lambda, workload.beta, workload.alpha,
                static_cast<unsigned long long>(options.steps), quadrature.nodes.size(),
                quadrature.remark.c_str(), quadrature.gradient_error, nodes_seconds);
  }
  const Way ways[] = {
      {"exact, double", {}, false},
      {"exact, float", {GradientSteps::exact, Precision::float32, options.tolerance}, false},
      {"followed, all points", {GradientSteps::followed, Precision::float32, options.tolerance}, false},
      {"followed, nodes", {GradientSteps::followed, Precision::float32, options.tolerance}, true}};
  std::vector<double> exact;
  double moved = 0;
  for (const Way& way : ways) {
    dynamics.gradient = way.method;
    dynamics.quadrature = way.nodes ? quadrature : Quadrature{};
    const bool first = exact.empty();
    // the first states of a larger ensemble are those of a smaller one
    const std::uint64_t replicas = first ? options.compared : std::max(options.replicas, options.compared);
    double rate = 0;
    const auto ensemble = evolve(replicas, rate);
    const std::vector<double> states = ensemble->parameters(0, options.compared);
    if (first) {
      exact = states;
      std::vector<double> starts;
      while (starts.size() < exact.size()) starts.insert(starts.end(), x.begin(), x.end());
      moved = distance(exact, starts);
    }
    const StepCounters counters = ensemble->counters();
    // gradients of leaps that are not over are not counted
    const double steps_per_gradient =
        counters.gradients > 0 ? static_cast<double>(counters.steps) / static_cast<double>(counters.gradients)
                               : 0;
    const double off = distance(states, exact) / moved;
    const GradientErrors errors = ensemble->gradient_errors();
    if (options.json) {
      std::printf(
          "{\"way\": \"%s\", \"replicas\": %llu, \"steps_per_second\": %.6g, \"distance\": %.3g, "
          "\"steps_per_gradient\": %.4g, \"nodes\": %zu, \"largest_followed_error\": %.3g, "
          "\"largest_gradient_error\": %.3g}\n",
          way.name, static_cast<unsigned long long>(replicas), rate, off, steps_per_gradient,
          way.nodes ? quadrature.nodes.size() : 0, errors.halves.largest, errors.gradient.largest);
      std::fflush(stdout);
      continue;
    }
    std::printf("  %-20s %9.3e steps/s; distance %.1e of the way moved (%.3g); steps a gradient %.1f",
                way.name, rate, off, moved / std::sqrt(static_cast<double>(options.compared)),
                steps_per_gradient);
    print(errors.gradient, "gradients");
    print(errors.halves, "halves");
    print(errors.steps, "steps");
    if (errors.gradient.count > 0 && errors.replicas_in_double > 0)
      std::printf("; in double %llu", static_cast<unsigned long long>(errors.replicas_in_double));
    std::printf("\n");
  }
  return 0;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  langevo::Options options;
  CLI::App app("Steps along the gradient, and how near they are to exact ones");
  app.add_option("--net", options.net, "which net")->check(CLI::IsMember({"shallow", "wide", "deep"}));
  app.add_option("--lambda", options.lambda, "of the mutations whose noise it is; 0: no noise");
  app.add_option("--beta", options.beta, "inverse temperature, or inf [that of the net's figure]");
  app.add_option("--alpha", options.alpha, "gradient step [that of the net's figure]");
  app.add_option("--time", options.time, "on the gradient path where steps begin");
  app.add_option("--run-time", options.run_time, "of the run that the nodes are for");
  app.add_option("--tolerance", options.tolerance, "of followed steps");
  app.add_option("--replicas", options.replicas, "that rates are measured with")->check(CLI::PositiveNumber);
  app.add_option("--compared", options.compared,
                 "of those, held against exact steps in double, and their rate")
      ->check(CLI::PositiveNumber);
  app.add_option("--steps", options.steps, "of each replica")->check(CLI::PositiveNumber);
  app.add_option("--state", options.state, "start state: text, one number a line [--time]");
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  app.add_option("--instruction-set", options.instruction_set, "generic, avx2 or avx512; empty: the best");
  app.add_flag("--json", options.json, "one line for each way of finding gradients");
  CLI11_PARSE(app, argc, argv);
  return langevo::run(options);
}
