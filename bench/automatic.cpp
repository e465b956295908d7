// Is `--acceptance auto` ever slower than evaluating every proposal? Runs of 1, 10, 100 ... steps per replica
// from a cold start, so that what the local models cost before they pay is in the time, on workloads that
// suit them and on workloads that do not.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

#include "langevo/ensemble.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Case {
  std::string name;
  Problem problem;
  std::vector<double> x;
  double lambda;
  double beta;
  double alpha;
};

Case paper_case(const PaperWorkload& workload, double time, double lambda) {
  char name[64];
  std::snprintf(name, sizeof name, "%s t=%g", workload.name, time);
  return {name, workload.problem(), workload.state_at(time), lambda, workload.beta, workload.alpha};
}

Case sized_case(const std::vector<int>& widths, std::size_t points, double lambda) {
  std::string name = std::to_string(points) + " points";
  if (widths.size() > 3) name = "depth " + std::to_string(widths.size() - 2);
  if (widths[1] != 30) name = "width " + std::to_string(widths[1]);
  Problem problem(Network(widths, Activation::tanh, false), make_sin_unit(points), Loss::mse);
  std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 1, 0);
  return {name, std::move(problem), std::move(x), lambda, std::numeric_limits<double>::infinity(), 1e-5};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const double lambda : {0.1, 10.0, 1000.0}) {
    for (const double time : {0.0, 9.0}) all.push_back(paper_case(shallow_workload(), time, lambda));
  }
  all.push_back(paper_case(wide_workload(), 1, 0.1));
  all.push_back(paper_case(wide_workload(), 1, 1000));
  all.push_back(paper_case(deep_workload(), 0, 0.1));
  all.push_back(paper_case(deep_workload(), 2, 0.1));
  all.push_back(paper_case(deep_workload(), 2, 10));
  all.push_back(sized_case({1, 30, 1}, 32, 0.1));
  all.push_back(sized_case({1, 30, 1}, 32, 100));
  all.push_back(sized_case({1, 4, 1}, 1000, 0.1));
  all.push_back(sized_case({1, 4, 1}, 1000, 100));
  all.push_back(sized_case({1, 1024, 1}, 1000, 0.1));
  std::vector<int> deep(18, 30);
  deep.front() = deep.back() = 1;
  all.push_back(sized_case(deep, 1000, 0.1));
  return all;
}

double seconds_of(const Case& c, Acceptance acceptance, std::uint64_t steps, const EnsembleShape& shape,
                  const BackendOptions& options, double& by_model) {
  using Clock = std::chrono::steady_clock;
  const double sigma = sigma_from_lambda(c.lambda, c.alpha, c.beta);
  const auto backend = make_ensemble(
      c.problem, {Metropolis{c.beta, Precision::float32, acceptance}, std::vector<double>(c.x.size(), sigma)},
      shape, options);
  backend->set_all_parameters(c.x);
  const Clock::time_point begin = Clock::now();
  backend->advance(steps);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const StepCounters counters = backend->counters();
  by_model = static_cast<double>(counters.decided_by_model) / static_cast<double>(counters.steps);
  return seconds;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  using namespace langevo;
  CLI::App app{"Automatic against exact acceptance, from a cold start"};
  EnsembleShape shape{.replicas = 16};
  BackendOptions options;
  options.kind = BackendKind::cpu;
  double seconds = 2;
  std::string only;
  app.add_option("--replicas", shape.replicas, "size of the ensemble")->check(CLI::PositiveNumber);
  app.add_option("--seconds", seconds, "longest exact run")->check(CLI::PositiveNumber);
  app.add_option("--only", only, "cases whose name contains this");
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  CLI11_PARSE(app, argc, argv);
  std::printf("%-16s %7s %9s %10s %10s %6s %9s\n", "", "lambda", "steps", "exact/s", "auto/s", "ratio",
              "by model%");
  for (const Case& c : cases()) {
    if (c.name.find(only) == std::string::npos) continue;
    for (std::uint64_t steps = 1;; steps *= 10) {
      // the machine's speed drifts: the best of alternating runs
      double exact = 1e300;
      double automatic = 1e300;
      double by_model = 0;
      double spent = 0;
      for (int k = 0; k < 2 || (k < 20 && spent < seconds / 10); ++k) {
        const double one = seconds_of(c, Acceptance::exact, steps, shape, options, by_model);
        exact = std::min(exact, one);
        automatic =
            std::min(automatic, seconds_of(c, Acceptance::automatic, steps, shape, options, by_model));
        spent += one;
      }
      const double proposals = static_cast<double>(steps * shape.replicas);
      std::printf("%-16s %7g %9llu %10.3g %10.3g %6.2f %9.4f\n", c.name.c_str(), c.lambda,
                  static_cast<unsigned long long>(steps), proposals / exact, proposals / automatic,
                  exact / automatic, 100 * by_model);
      std::fflush(stdout);
      if (exact * 10 > seconds) break;
    }
  }
  return 0;
}
