// Are the decisions of screened acceptance those of the exact evaluation, and how much faster do they come?
//
// Every workload is run twice from the same state with the same seed: every proposal evaluated, and screened
// by the local model. Prints the replicas whose states differ in any bit (there must be none), both speeds,
// what the model decided, and how often it was renewed, replayed and audited. Fails where a bit differs.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "langevo/ensemble.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Comparison {
  PaperWorkload workload;
  double time;  ///< on the gradient path from the initial state, where the replicas start
  double lambda;
  double beta;
  bool uneven;  ///< sigma differs from parameter to parameter, by a factor of 4
  std::uint64_t replicas;
  std::uint64_t steps;
};

struct Outcome {
  std::vector<double> states;
  StepCounters counters;
  double proposals_per_second;
};

Outcome evolve(const Comparison& comparison, const Problem& problem, const std::vector<double>& x,
               Acceptance acceptance, const BackendOptions& options) {
  using Clock = std::chrono::steady_clock;
  const double sigma = sigma_from_lambda(comparison.lambda, comparison.workload.alpha, comparison.beta);
  Dynamics dynamics{Metropolis{comparison.beta, Precision::float32, acceptance},
                    std::vector<double>(x.size(), sigma)};
  if (comparison.uneven) {
    for (std::size_t i = 0; i < x.size(); ++i)
      dynamics.sigma[i] *= std::exp2(static_cast<double>(i % 5) / 2 - 1);
  }
  const auto backend = make_ensemble(problem, dynamics, {.replicas = comparison.replicas}, options);
  backend->set_all_parameters(x);
  const Clock::time_point begin = Clock::now();
  backend->advance(comparison.steps);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const StepCounters counters = backend->counters();
  return {backend->parameters(0, comparison.replicas), counters,
          static_cast<double>(counters.steps) / seconds};
}

bool run(const Comparison& comparison, const BackendOptions& options) {
  const Problem problem = comparison.workload.problem();
  const std::vector<double> x = comparison.workload.state_at(comparison.time);
  const Outcome screened = evolve(comparison, problem, x, Acceptance::screened, options);
  const Outcome exact = evolve(comparison, problem, x, Acceptance::exact, options);
  const std::size_t n = x.size();
  std::uint64_t different = 0;
  for (std::uint64_t r = 0; r < comparison.replicas; ++r) {
    different +=
        std::memcmp(screened.states.data() + r * n, exact.states.data() + r * n, n * sizeof(double)) != 0;
  }
  const StepCounters& c = screened.counters;
  const auto share = [&](std::uint64_t part) {
    return 100 * static_cast<double>(part) / static_cast<double>(c.steps);
  };
  std::printf("%-8s %5.1f %6.3g %8.3g %6s %6llu x %-8llu %9llu %10.3g %10.3g %9.4f %9.0f %8llu %8llu %6llu\n",
              comparison.workload.name, comparison.time, comparison.lambda, comparison.beta,
              comparison.uneven ? "uneven" : "one", static_cast<unsigned long long>(comparison.replicas),
              static_cast<unsigned long long>(comparison.steps), static_cast<unsigned long long>(different),
              exact.proposals_per_second, screened.proposals_per_second, share(c.decided_by_model),
              static_cast<double>(c.steps) / static_cast<double>(std::max<std::uint64_t>(1, c.anchors)),
              static_cast<unsigned long long>(c.replays), static_cast<unsigned long long>(c.model_audits),
              static_cast<unsigned long long>(c.model_failures));
  std::fflush(stdout);
  return different == 0;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  using namespace langevo;
  CLI::App app{"Screened against exact acceptance: the same trajectories, bit for bit"};
  BackendOptions options;
  options.kind = BackendKind::cpu;
  double scale = 1;
  std::string net = "all";
  app.add_option("--scale", scale, "share of the steps of the full table")->check(CLI::PositiveNumber);
  app.add_option("--net", net, "which net")->check(CLI::IsMember({"all", "shallow", "wide", "deep"}));
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  CLI11_PARSE(app, argc, argv);
  const double inf = std::numeric_limits<double>::infinity();
  const std::pair<const char*, Comparison> comparisons[] = {
      {"shallow", {shallow_workload(), 0, 0.1, inf, false, 32, 1000000}},
      {"shallow", {shallow_workload(), 9, 0.1, inf, false, 32, 1000000}},
      {"shallow", {shallow_workload(), 5, 1, inf, false, 32, 1000000}},
      {"shallow", {shallow_workload(), 5, 10, inf, false, 32, 1000000}},
      {"shallow", {shallow_workload(), 5, 1, 1e5, false, 32, 100000}},
      {"shallow", {shallow_workload(), 5, 1, inf, true, 32, 100000}},
      {"wide", {wide_workload(), 1, 0.1, 1e3, false, 4, 20000}},
      {"deep", {deep_workload(), 0, 0.1, inf, false, 4, 5000}},
      {"deep", {deep_workload(), 2, 0.1, inf, false, 4, 5000}}};
  std::printf("%-8s %5s %6s %8s %6s %17s %9s %10s %10s %9s %9s %8s %8s %6s\n", "net", "t", "lambda", "beta",
              "sigma", "replicas x steps", "different", "exact/s", "screened/s", "by model%", "stretch",
              "replays", "audits", "above");
  bool good = true;
  for (auto [name, comparison] : comparisons) {
    if (net != "all" && net != name) continue;
    comparison.steps =
        static_cast<std::uint64_t>(std::llround(scale * static_cast<double>(comparison.steps)));
    good = run(comparison, options) && good;
  }
  std::puts(good ? "every state is the exact one" : "FAILED: see the column 'different'");
  return good ? 0 : 1;
}
