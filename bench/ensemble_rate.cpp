// How many proposals per second does langevo make of an ensemble, and how many are decided wrongly? One line
// of JSON, with the keys that the peers in bench/peers print; bench/compare puts them side by side.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "langevo/ensemble.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Options {
  std::string net = "shallow";
  std::string acceptance = "exact";
  std::string state;
  std::string write_state;
  std::string device = "cpu";
  std::string instruction_set;
  std::uint64_t replicas = 16;
  double seconds = 2;
  double lambda = 0.1;
  double time = 1;
  int threads = 0;
};

PaperWorkload workload_named(const std::string& name) {
  return name == "shallow" ? shallow_workload() : name == "wide" ? wide_workload() : deep_workload();
}

Acceptance acceptance_named(const std::string& name) {
  return name == "exact"      ? Acceptance::exact
         : name == "screened" ? Acceptance::screened
                              : Acceptance::automatic;
}

/// The state in the file, or on the normalized-gradient path from the preset's start.
std::vector<double> start_state(const Options& options, const PaperWorkload& workload,
                                const Problem& problem) {
  const std::size_t n = problem.network().parameter_count();
  if (!options.state.empty()) return read_parameter_vector(options.state, "initial_parameter", n, "--state");
  return workload.state_at(options.time);
}

/// 0 where a run of the same proposals, every one decided in double, ends in the same states bit for bit;
/// else a lower bound that only says that decisions were wrong.
double wrong_decisions(const Problem& problem, const std::vector<double>& x, Metropolis rule, double sigma,
                       const BackendOptions& machine, std::uint64_t steps) {
  const EnsembleShape shape{.replicas = 4};
  const std::vector<double> widths(x.size(), sigma);
  const auto evolve = [&](const Metropolis& with) {
    const auto backend = make_ensemble(problem, {with, widths}, shape, machine);
    backend->set_all_parameters(x);
    backend->advance(steps);
    return std::pair(backend->parameters(0, shape.replicas), backend->counters());
  };
  const auto [states, counters] = evolve(rule);
  const auto [expected, expected_counters] = evolve({rule.beta, Precision::float64, Acceptance::exact});
  if (states == expected) return 0;
  const auto accepted = static_cast<double>(counters.accepted);
  const auto expected_accepted = static_cast<double>(expected_counters.accepted);
  return std::max(1.0, std::abs(accepted - expected_accepted)) / static_cast<double>(counters.steps);
}

int run(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const PaperWorkload workload = workload_named(options.net);
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
  const double sigma = workload.sigma(options.lambda);
  const Metropolis rule{workload.beta, Precision::float32, acceptance_named(options.acceptance)};
  const auto backend = make_ensemble(problem, {rule, std::vector<double>(x.size(), sigma)},
                                     {.replicas = options.replicas}, machine);
  backend->set_all_parameters(x);
  const auto seconds_for = [&](std::uint64_t steps) {
    const Clock::time_point begin = Clock::now();
    backend->advance(steps);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  // as long again before: bounds and local models are learnt on the way
  std::uint64_t block = 1;
  double spent = 0;
  for (double last = 0; spent < options.seconds || last < options.seconds / 4; spent += last) {
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
  const double wrong = wrong_decisions(problem, x, rule, sigma, machine,
                                       options.net == "shallow" ? 2000
                                       : options.net == "wide"  ? 300
                                                                : 60);
  std::printf(
      "{\"library\": \"langevo\", \"acceptance\": \"%s\", \"dtype\": \"ladder\", \"device\": \"%s\", "
      "\"net\": "
      "\"%s\", \"replicas\": %llu, \"proposals\": %llu, \"proposals_per_second\": %.6g, "
      "\"wrong_decision_fraction\": %.6g, \"by_model\": %.6g, \"by_float\": %.6g, \"by_double\": %.6g, "
      "\"anchors\": %llu, \"replays\": %llu, \"audits\": %llu, \"multiply_adds\": %.6g}\n",
      options.acceptance.c_str(), backend->device().c_str(), options.net.c_str(),
      static_cast<unsigned long long>(options.replicas), static_cast<unsigned long long>(c.steps), rates[1],
      wrong, share(c.decided_by_model), share(c.decided_by_float),
      share(c.decided_by_double + c.decided_by_value), static_cast<unsigned long long>(c.anchors),
      static_cast<unsigned long long>(c.replays), static_cast<unsigned long long>(c.model_audits),
      exact_step_multiply_adds(problem));
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
  app.add_option("--lambda", options.lambda, "mutations per gradient step, inverse")
      ->check(CLI::PositiveNumber);
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
