// How fast are exact Metropolis and gradient steps on the paper's nets?
//
// Proposals per second of an ensemble part-way through training, decisions exact (see bench/decisions for the
// share of wrong ones: none), starting the ladder in float and in double; gradient steps per second. Median
// of five runs. `of peak`: the multiply-adds of the affine maps alone, as a share of what this machine can do
// in the same precision: for a proposal one for each weight and point where forward passes decide, else two
// above the first layer, for a gradient step three (two in the first layer). For followed steps (noise of
// lambda = 0.1, tolerance 1e-4, on nodes, for a time of 0.2 from t = 1 on) it is the share of the normal
// numbers per second that can be drawn and summed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "fma_peak.hpp"
#include "kernels/cpu/cpu_machine.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/quadrature.hpp"
#include "normals_peak.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

/// Replica steps per second: median, least and most of five runs of about a second.
struct Rate {
  double median;
  double least;
  double most;
  StepCounters counters;  ///< of these runs
};

Rate measure(Ensemble& backend, std::uint64_t replicas) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_for = [&](std::uint64_t steps) {
    const Clock::time_point begin = Clock::now();
    backend.advance(steps);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  constexpr std::uint64_t warm_up =
      64;  // past the steps in which the float rung's bound is still the worst case
  const double seconds = seconds_for(warm_up);
  const auto steps = static_cast<std::uint64_t>(std::max(1.0, std::round(warm_up / seconds)));
  const StepCounters before = backend.counters();
  std::vector<double> rates;
  for (int run = 0; run < 5; ++run)
    rates.push_back(static_cast<double>(steps * replicas) / seconds_for(steps));
  std::sort(rates.begin(), rates.end());
  return {rates[2], rates.front(), rates.back(), backend.counters() - before};
}

/// Likewise, of five runs of `steps` steps from x on.
Rate measure_from(Ensemble& backend, const std::vector<double>& x, std::uint64_t steps,
                  std::uint64_t replicas) {
  const StepCounters before = backend.counters();
  std::vector<double> rates;
  for (int run = 0; run < 5; ++run) {
    backend.set_all_parameters(x);
    const Clock::time_point begin = Clock::now();
    backend.advance(steps);
    rates.push_back(static_cast<double>(steps * replicas) / seconds_since(begin));
  }
  std::sort(rates.begin(), rates.end());
  return {rates[2], rates.front(), rates.back(), backend.counters() - before};
}

void run(PaperWorkload workload, std::size_t points, const BackendOptions& options, std::uint64_t replicas,
         double float_peak, double normals_peak) {
  if (points > 0) workload.points = points;
  const Problem problem = workload.problem();
  const std::size_t n = problem.network().parameter_count();
  const std::vector<double> x = workload.state_at(1);
  const EnsembleShape shape{replicas, 0, 1};
  const double sigma = workload.sigma(0.1);
  const double proposal = exact_step_multiply_adds(problem);
  const auto print = [&](const char* what, const Dynamics& dynamics, double work, double peak) {
    const auto backend = make_ensemble(problem, dynamics, shape, options);
    backend->set_all_parameters(x);
    const bool leaps = dynamics.gradient.steps == GradientSteps::followed;  // whose rate depends on the state
    const auto steps = static_cast<std::uint64_t>(0.2 / workload.alpha);
    const Rate rate = leaps ? measure_from(*backend, x, steps, replicas) : measure(*backend, replicas);
    const StepCounters& counters = rate.counters;
    const double exact = static_cast<double>(counters.decided_by_double + counters.decided_by_value) /
                         static_cast<double>(counters.steps);
    std::printf("%-8s %-20s %10.3g  (%.3g .. %.3g)   %6.1f %%  %6.2f %%\n", workload.name, what, rate.median,
                rate.least, rate.most, 100 * rate.median * work / peak, 100 * exact);
    std::fflush(stdout);
  };
  const std::vector<double> widths(n, sigma);
  print("metropolis, float", {Metropolis{workload.beta, Precision::float32}, widths}, proposal, float_peak);
  print("metropolis, double", {Metropolis{workload.beta, Precision::float64}, widths}, proposal,
        float_peak / 2);
  const double gradient = affine_multiply_adds(problem, 2, 3);
  Dynamics descent{NormalizedGradient{workload.alpha}, std::vector<double>(n, 1.0)};
  print("gradient, double", descent, gradient, float_peak / 2);
  descent.gradient.precision = Precision::float32;
  print("gradient, float", descent, gradient, float_peak);
  constexpr double lambda = 0.1;
  Dynamics followed{Langevin{workload.beta, 1 / lambda}, widths};
  followed.gradient = {GradientSteps::followed, Precision::float32, 1e-4};
  const auto run_steps = static_cast<std::uint64_t>(9 / workload.alpha);
  followed.quadrature = make_quadrature(problem, followed, {.replicas = 1000}, x, run_steps);
  print("langevin, followed", followed, static_cast<double>(n), normals_peak);
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  CLI::App app{"Replica steps per second on the paper's nets"};
  langevo::BackendOptions options;
  options.kind = langevo::BackendKind::cpu;
  std::uint64_t replicas = 16;
  std::size_t points = 0;
  bool peak_only = false;
  app.add_option("--threads", options.threads, "CPU threads; 0: all");
  app.add_option("--instruction-set", options.instruction_set, "generic, avx2 or avx512; empty: the best");
  app.add_option("--replicas", replicas, "size of the ensemble")->check(CLI::PositiveNumber);
  app.add_option("--points", points, "data points; 0: those of the paper")->check(CLI::NonNegativeNumber);
  app.add_flag("--peak-only", peak_only, "print the multiply-adds/s in float and stop");
  CLI11_PARSE(app, argc, argv);
  const int threads = langevo::cpu_threads(options.threads);
  const double peak = langevo::measure_fma_peak(threads);
  if (peak_only) {
    std::printf("%.6g\n", peak);
    return 0;
  }
  std::printf("%d threads: at most %.3g multiply-adds/s in float, half of that in double\n", threads, peak);
  const double normals = langevo::measure_normals_peak(threads);
  std::printf("at most %.3g normal numbers/s drawn and summed\n", normals);
  std::printf("%-8s %-20s %10s  %-23s %8s  %s\n", "net", "rule", "steps/s", "(of five runs)", "of peak",
              "decided in double");
  for (const langevo::PaperWorkload& workload :
       {langevo::shallow_workload(), langevo::wide_workload(), langevo::deep_workload()}) {
    langevo::run(workload, points, options, replicas, peak, normals);
  }
  return 0;
}
