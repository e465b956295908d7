// What does a proposal cost in many replicas of few steps each, beside few replicas of many, and how many
// bytes does a replica take? Every row begins at one state and counts all that is spent on its steps.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <string>

#include "langevo/ensemble.hpp"
#include "langevo/quadrature.hpp"
#include "measuring.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Options {
  std::string net = "shallow";
  std::string acceptance = "auto";
  double lambda = 0.1;
  double time = 1;
  std::uint64_t many = 1000000;
  std::uint64_t few_steps = 20;
  std::uint64_t few = 1000;
  std::uint64_t many_steps = 20000;
  std::uint64_t repeats = 1;
  int threads = 0;
  bool all_points = false;
  bool check = false;
};

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  file >> pages >> pages;
  return 4096 * pages;
}

/// Nanoseconds a proposal.
double run_row(const Problem& problem, const Dynamics& dynamics, const std::vector<double>& x,
               std::uint64_t replicas, std::uint64_t steps, const Options& options) {
  const BackendOptions machine{.kind = BackendKind::cpu, .threads = options.threads};
  const double before = resident_bytes();
  const auto ensemble = make_ensemble(problem, dynamics, {.replicas = replicas}, machine);
  ensemble->set_all_parameters(x);
  const double bytes = (resident_bytes() - before) / static_cast<double>(replicas);
  double least = 0;
  for (std::uint64_t k = 0; k < options.repeats; ++k) {
    if (k > 0) ensemble->set_all_parameters(x);
    const Clock::time_point begin = Clock::now();
    ensemble->advance(steps);
    const double spent = seconds_since(begin);
    least = k == 0 ? spent : std::min(least, spent);
  }
  const double price = 1e9 * least / (static_cast<double>(replicas) * static_cast<double>(steps));
  std::printf("  %9llu x %6llu: %8.1f ns a proposal, %5.0f bytes a replica; ",
              static_cast<unsigned long long>(replicas), static_cast<unsigned long long>(steps), price,
              bytes);
  print_decisions(ensemble->counters());
  std::fflush(stdout);
  if (!options.check) return price;
  const auto exact = make_ensemble(
      problem,
      {Metropolis{.beta = std::get<Metropolis>(dynamics.rule).beta, .acceptance = Acceptance::exact},
       dynamics.sigma},
      {.replicas = replicas}, machine);
  exact->set_all_parameters(x);
  for (std::uint64_t k = 0; k < options.repeats; ++k) {
    if (k > 0) exact->set_all_parameters(x);
    exact->advance(steps);
  }
  const bool equal = exact->parameters(0, replicas) == ensemble->parameters(0, replicas);
  std::printf("    states are %s those of exact steps\n", equal ? "equal to" : "DIFFERENT from");
  return equal ? price : -1;
}

int run(const Options& options) {
  const PaperWorkload workload = workload_named(options.net);
  const Problem problem = workload.problem();
  const std::vector<double> x = workload.state_at(options.time);
  Dynamics dynamics{Metropolis{.beta = workload.beta, .acceptance = acceptance_named(options.acceptance)},
                    std::vector<double>(x.size(), workload.sigma(options.lambda))};
  if (!options.all_points && options.acceptance != "exact") {
    dynamics.quadrature =
        make_quadrature(problem, dynamics, {.replicas = options.many}, x, options.many_steps);
  }
  std::printf("%s, lambda %g, %s, %zu nodes; memory is estimated as %.0f bytes a replica without nodes\n",
              options.net.c_str(), options.lambda, options.acceptance.c_str(),
              dynamics.quadrature.nodes.size(),
              static_cast<double>(estimate_memory(problem, dynamics, 2000000, 1) -
                                  estimate_memory(problem, dynamics, 1000000, 1)) /
                  1e6);
  const double of_few = run_row(problem, dynamics, x, options.few, options.many_steps, options);
  const double of_many = run_row(problem, dynamics, x, options.many, options.few_steps, options);
  std::printf("  ratio %.2f\n", of_many / of_few);
  return of_few > 0 && of_many > 0 ? 0 : 1;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  langevo::Options options;
  CLI::App app{"What a proposal costs in large ensembles"};
  app.add_option("--net", options.net, "which net")->check(CLI::IsMember({"shallow", "wide", "deep"}));
  app.add_option("--acceptance", options.acceptance, "how proposals are decided")
      ->check(CLI::IsMember({"exact", "auto", "screened"}));
  app.add_option("--lambda", options.lambda, "gradient steps that a mutation stands for")
      ->check(CLI::PositiveNumber);
  app.add_option("--time", options.time, "where on the gradient path replicas begin");
  app.add_option("--many", options.many, "replicas of the large ensemble")->check(CLI::PositiveNumber);
  app.add_option("--few-steps", options.few_steps, "that it takes")->check(CLI::PositiveNumber);
  app.add_option("--few", options.few, "replicas of the small one")->check(CLI::PositiveNumber);
  app.add_option("--many-steps", options.many_steps, "that it takes")->check(CLI::PositiveNumber);
  app.add_option("--repeats", options.repeats, "from the beginning, of which the fastest counts")
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  app.add_flag("--all-points", options.all_points, "without nodes");
  app.add_flag("--check", options.check, "compare states with those of exact steps");
  CLI11_PARSE(app, argc, argv);
  try {
    return langevo::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
