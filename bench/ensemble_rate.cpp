// How many proposals per second does langevo make of an ensemble, and how many are decided wrongly? One line
// of JSON, with the keys that the peers in bench/peers print; bench/compare puts them side by side.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>

#include "langevo/ensemble.hpp"
#include "langevo/quadrature.hpp"
#include "measuring.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Options {
  std::string net = "shallow";
  std::string acceptance = "exact";
  std::string state;
  std::string write_state;
  std::string quadrature = "off";
  std::string write_nodes;
  std::string device = "cpu";
  std::string instruction_set;
  std::uint64_t replicas = 16;
  std::uint64_t decisions = 0;
  double seconds = 2;
  double lambda = 0.1;
  std::optional<double> beta;
  double time = 1;
  double run_time = 9;
  int threads = 0;
};

PaperWorkload workload_of(const Options& options) {
  PaperWorkload workload = workload_named(options.net);
  if (options.beta) workload.beta = *options.beta;
  return workload;
}

/// Where --decisions does not say how many: what double takes seconds for.
std::uint64_t decisions_to_check(const Options& options) {
  if (options.decisions > 0) return options.decisions;
  return options.net == "shallow" ? 100'000 : options.net == "wide" ? 20'000 : 5'000;
}

/// The state in the file, or on the normalized-gradient path from the preset's start.
std::vector<double> start_state(const Options& options, const PaperWorkload& workload,
                                const Problem& problem) {
  const std::size_t n = problem.network().parameter_count();
  if (!options.state.empty()) return read_parameter_vector(options.state, "initial_parameter", n, "--state");
  return workload.state_at(options.time);
}

/// The nodes of the run, one line each of its number and weight, for a peer.
bool write_nodes(const Quadrature& quadrature, const std::string& path) {
  std::ofstream file(path);
  file.precision(17);
  for (std::size_t k = 0; k < quadrature.nodes.size(); ++k) {
    file << quadrature.nodes[k] << ' ' << quadrature.weights[k] << '\n';
  }
  return file.good();
}

/// 0 where a run of the same proposals, every one decided on all points in double, ends in the same states
/// bit for bit; else a lower bound that only says that decisions were wrong.
double wrong_decisions(const Problem& problem, const std::vector<double>& x, const Dynamics& dynamics,
                       const BackendOptions& machine, std::uint64_t proposals) {
  const EnsembleShape shape{.replicas = 4};
  const auto evolve = [&](const Dynamics& with) {
    const auto backend = make_ensemble(problem, with, shape, machine);
    backend->set_all_parameters(x);
    backend->advance(proposals / shape.replicas);
    return std::pair(backend->parameters(0, shape.replicas), backend->counters());
  };
  const auto [states, counters] = evolve(dynamics);
  const double beta = std::get<Metropolis>(dynamics.rule).beta;
  const auto [expected, expected_counters] =
      evolve({Metropolis{beta, Precision::float64, Acceptance::exact}, dynamics.sigma});
  if (states == expected) return 0;
  const auto accepted = static_cast<double>(counters.accepted);
  const auto expected_accepted = static_cast<double>(expected_counters.accepted);
  return std::max(1.0, std::abs(accepted - expected_accepted)) / static_cast<double>(counters.steps);
}

int run(const Options& options) {
  const PaperWorkload workload = workload_of(options);
  const Problem problem = workload.problem();
  BackendOptions machine;
  machine.kind = options.device == "cuda" ? BackendKind::cuda : BackendKind::cpu;
  machine.threads = options.threads;
  machine.instruction_set = options.instruction_set;
  const std::vector<double> x = start_state(options, workload, problem);
  if (!options.write_state.empty()) {
    std::ofstream file(options.write_state);
    file.precision(17);
    for (const double value : x) file << value << '\n';
    return file ? 0 : 1;
  }
  Dynamics dynamics{Metropolis{workload.beta, Precision::float32, acceptance_named(options.acceptance)},
                    std::vector<double>(x.size(), workload.sigma(options.lambda))};
  const auto run_steps = static_cast<std::uint64_t>(options.run_time / (workload.alpha * options.lambda));
  const Clock::time_point begin = Clock::now();
  if (options.quadrature != "off") {
    std::optional<std::size_t> nodes;
    if (options.quadrature != "auto") nodes = std::stoul(options.quadrature);
    const EnsembleShape shape{.replicas = std::max<std::uint64_t>(options.replicas, 1000)};
    dynamics.quadrature = make_quadrature(problem, dynamics, shape, x, run_steps, nodes);
  }
  const double nodes_seconds = seconds_since(begin);
  if (!options.write_nodes.empty() && !write_nodes(dynamics.quadrature, options.write_nodes)) {
    throw std::runtime_error("Nodes cannot be written to " + options.write_nodes + ": give another name.");
  }
  const auto backend = make_ensemble(problem, dynamics, {.replicas = options.replicas}, machine);
  backend->set_all_parameters(x);
  // no replica leaves the run that the nodes are for: at its end it begins again, and learns again
  std::uint64_t taken = 0;
  const auto seconds_for = [&](std::uint64_t steps) {
    const Clock::time_point start = Clock::now();
    while (steps > 0) {
      if (taken == run_steps) {
        backend->set_all_parameters(x);
        taken = 0;
      }
      const std::uint64_t part = std::min(steps, run_steps - taken);
      backend->advance(part);
      taken += part;
      steps -= part;
    }
    return seconds_since(start);
  };
  // as long again before, and 10^4 steps: bounds and local models are learnt on the way
  const std::uint64_t warm = options.acceptance == "exact" ? 0 : 10'000;
  std::uint64_t block = 1;
  double spent = 0;
  for (double last = 0; spent < options.seconds || last < options.seconds / 4 || backend->step() < warm;
       spent += last) {
    last = seconds_for(block);
    if (last < options.seconds / 4) block *= 2;
  }
  const StepCounters before = backend->counters();
  std::vector<double> rates;
  for (int k = 0; k < 3; ++k) {
    rates.push_back(static_cast<double>(block * options.replicas) / seconds_for(block));
  }
  std::sort(rates.begin(), rates.end());
  const StepCounters c = backend->counters() - before;
  const auto share = [&](std::uint64_t part) {
    return static_cast<double>(part) / static_cast<double>(c.steps);
  };
  const double wrong = wrong_decisions(problem, x, dynamics, machine, decisions_to_check(options));
  std::printf(
      "{\"library\": \"langevo\", \"acceptance\": \"%s\", \"dtype\": \"ladder\", \"device\": \"%s\", "
      "\"net\": \"%s\", \"replicas\": %llu, \"proposals\": %llu, \"proposals_per_second\": %.6g, "
      "\"wrong_decision_fraction\": %.6g, \"by_model\": %.6g, \"by_nodes\": %.6g, \"by_float\": %.6g, "
      "\"by_double\": %.6g, \"anchors\": %llu, \"replays\": %llu, \"audits\": %llu, \"multiply_adds\": %.6g, "
      "\"nodes\": %zu, \"nodes_seconds\": %.3g, \"nodes_remark\": \"%s\"}\n",
      options.acceptance.c_str(), backend->device().c_str(), options.net.c_str(),
      static_cast<unsigned long long>(options.replicas), static_cast<unsigned long long>(c.steps), rates[1],
      wrong, share(c.decided_by_model), share(c.decided_on_nodes), share(c.decided_by_float),
      share(c.decided_by_double + c.decided_by_value), static_cast<unsigned long long>(c.anchors),
      static_cast<unsigned long long>(c.replays), static_cast<unsigned long long>(c.model_audits),
      exact_step_multiply_adds(problem), dynamics.quadrature.nodes.size(), nodes_seconds,
      dynamics.quadrature.remark.c_str());
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  langevo::Options options;
  CLI::App app{"Proposals per second of one ensemble, as JSON"};
  app.add_option("--net", options.net, "which net")->check(CLI::IsMember({"shallow", "wide", "deep"}));
  app.add_option("--acceptance", options.acceptance, "how proposals are decided")
      ->check(CLI::IsMember({"exact", "auto", "screened"}));
  app.add_option("--replicas", options.replicas, "size of the ensemble")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "to measure for, and to warm up for")
      ->check(CLI::PositiveNumber);
  app.add_option("--lambda", options.lambda, "gradient steps that a mutation stands for")
      ->check(CLI::PositiveNumber);
  app.add_option("--beta", options.beta, "inverse temperature, or inf [that of the net's figure]");
  app.add_option("--quadrature", options.quadrature, "nodes in place of all points: auto, off, or how many")
      ->check(CLI::IsMember({"auto", "off"}) | CLI::Range(1, 100'000));
  app.add_option("--write-nodes", options.write_nodes, "write their numbers and weights there, as well");
  app.add_option("--run-time", options.run_time, "of the runs that are measured, and that the nodes are for")
      ->check(CLI::PositiveNumber);
  app.add_option("--decisions", options.decisions, "proposals held against double; 0: for some seconds");
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  app.add_option("--instruction-set", options.instruction_set, "generic, avx2 or avx512; empty: the best");
  app.add_option("--device", options.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--state", options.state, "start state: text, one number a line");
  app.add_option("--time", options.time, "without --state: on the gradient path at this time");
  app.add_option("--write-state", options.write_state, "write the start state there and stop");
  CLI11_PARSE(app, argc, argv);
  try {
    return langevo::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
