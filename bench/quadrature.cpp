// How few of the points stand for all of them, how exactly, how soon are they found, and what do proposals
// gain by them? The nodes of a run, then proposals per second with them and on all points, in turn, and
// whether states are equal.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>

#include "langevo/ensemble.hpp"
#include "langevo/quadrature.hpp"
#include "measuring.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

struct Options {
  std::string net = "shallow";
  std::string acceptance = "auto";
  std::string instruction_set;
  double lambda = 0.1;
  std::optional<double> beta;
  double time = 1;      ///< where on the gradient path proposals begin
  double run_time = 9;  ///< of the run that the nodes are for
  std::uint64_t replicas = 16;
  double seconds = 10;
  std::optional<std::size_t> nodes;
  int threads = 0;
  bool alone = false;
  bool against_exact = false;
};

/// One ensemble, and the time it has taken.
struct Contestant {
  const char* name;
  std::unique_ptr<Ensemble> ensemble;
  double seconds = 0;

  void take(std::uint64_t steps) {
    const Clock::time_point begin = Clock::now();
    ensemble->advance(steps);
    seconds += seconds_since(begin);
  }
};

int run(const Options& options) {
  PaperWorkload workload = workload_named(options.net);
  if (options.beta) workload.beta = *options.beta;
  const Problem problem = workload.problem();
  const std::vector<double> x = workload.state_at(options.time);
  const double sigma = workload.sigma(options.lambda);
  Dynamics dynamics{Metropolis{.beta = workload.beta, .acceptance = acceptance_named(options.acceptance)},
                    std::vector<double>(x.size(), sigma)};
  const EnsembleShape shape{.replicas = options.replicas};
  const auto steps = static_cast<std::uint64_t>(options.run_time / (workload.alpha * options.lambda));
  const Clock::time_point begin = Clock::now();
  EnsembleShape large = shape;
  large.replicas = std::max<std::uint64_t>(large.replicas, 1000);  // as the paper's
  const Quadrature quadrature = make_quadrature(problem, dynamics, large, x, steps, options.nodes);
  std::printf(
      "%s, lambda %g, beta %g: %zu nodes of %zu points, least squares leave %.1e, the gradient's error %.1e, "
      "a "
      "change's %.1e, found in %.2f s%s%s\n",
      options.net.c_str(), options.lambda, workload.beta, quadrature.nodes.size(), problem.data().points,
      quadrature.least_squares_error, quadrature.gradient_error, quadrature.change_error,
      seconds_since(begin), quadrature.remark.empty() ? "" : ": ", quadrature.remark.c_str());
  if (quadrature.empty()) return 0;
  double least = 1, most = -1;
  for (const double w : quadrature.weights) least = std::min(least, w), most = std::max(most, w);
  std::printf("  weights %.2g to %.2g\n", least, most);
  BackendOptions machine{.kind = BackendKind::cpu, .threads = options.threads};
  machine.instruction_set = options.instruction_set;
  Dynamics on_all = dynamics;
  if (options.against_exact) on_all.rule = Metropolis{.beta = workload.beta, .precision = Precision::float64};
  Contestant all{options.against_exact ? "double" : "all points",
                 make_ensemble(problem, on_all, shape, machine)};
  dynamics.quadrature = quadrature;
  Contestant nodes{"nodes", make_ensemble(problem, dynamics, shape, machine)};
  for (Contestant* each : {&all, &nodes}) each->ensemble->set_all_parameters(x);
  // in turn, in blocks that grow, as the speed of a machine that others use changes
  std::uint64_t block = 1;
  double spent = 0;
  for (std::uint64_t done = 0; done < steps && spent < options.seconds; done += block) {
    if (done > 0 && spent < 0.02 * options.seconds) block *= 2;
    block = std::min(block, steps - done);
    if (!options.alone) all.take(block);
    nodes.take(block);
    spent = all.seconds + nodes.seconds;
  }
  for (Contestant* each : {&all, &nodes}) {
    const StepCounters c = each->ensemble->counters();
    if (c.steps == 0) continue;
    std::printf("  %-10s %.3e proposals/s; ", each->name, static_cast<double>(c.steps) / each->seconds);
    print_decisions(c);
  }
  if (options.alone) return 0;
  const bool equal =
      all.ensemble->parameters(0, shape.replicas) == nodes.ensemble->parameters(0, shape.replicas);
  std::printf("  %.3g x; states after %llu steps of each replica: %s\n", all.seconds / nodes.seconds,
              static_cast<unsigned long long>(nodes.ensemble->step()), equal ? "equal" : "DIFFERENT");
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  langevo::Options options;
  CLI::App app{"Nodes of a run, and what proposals gain by them"};
  app.add_option("--net", options.net, "which net")->check(CLI::IsMember({"shallow", "wide", "deep"}));
  app.add_option("--acceptance", options.acceptance, "how proposals are decided")
      ->check(CLI::IsMember({"auto", "screened"}));
  app.add_option("--lambda", options.lambda, "gradient steps that a mutation stands for")
      ->check(CLI::PositiveNumber);
  app.add_option("--beta", options.beta, "inverse temperature [that of the net's figure]")
      ->check(CLI::PositiveNumber);
  app.add_option("--time", options.time, "where on the gradient path proposals begin");
  app.add_option("--run-time", options.run_time, "of the run that the nodes are for");
  app.add_option("--replicas", options.replicas, "size of the ensemble")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "to measure for, if the run is not over before")
      ->check(CLI::PositiveNumber);
  app.add_option("--nodes", options.nodes, "as many; unset: as many as pay");
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  app.add_option("--instruction-set", options.instruction_set, "generic, avx2 or avx512");
  app.add_flag("--alone", options.alone, "with nodes only");
  app.add_flag("--against-exact", options.against_exact,
               "the others evaluate every proposal on all points in double");
  CLI11_PARSE(app, argc, argv);
  try {
    return langevo::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
