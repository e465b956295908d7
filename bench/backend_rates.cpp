// How many proposals a second does a backend make, by net, precision and number of replicas?
//
// Usage: backend_rates cpu|cuda nets|scaling|fig1 [seconds a measurement]
// Part-way through training at lambda = 1/10. `nets`: the paper's three nets and one that goes layer by layer
// on a GPU, exact in float and double, and screened; `scaling`: the shallow net with 1 to 10^6 replicas,
// exact; a JSON line for each: median, least and most of five runs after a warm-up. `fig1`: the 10^10
// proposals of the paper's Fig. 1, 1000 replicas from t = 0 to 10, or as many of them as the seconds last
// for.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "langevo/backend.hpp"
#include "langevo/error.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

double seconds_for(Backend& backend, std::uint64_t& step, std::uint64_t steps) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  backend.advance(step, steps);
  step += steps;
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

const char* name_of(const Metropolis& rule) {
  if (rule.acceptance != Acceptance::exact) return "screened";
  return rule.precision == Precision::float32 ? "float" : "double";
}

std::unique_ptr<Backend> ensemble(const PaperWorkload& workload, const Metropolis& rule,
                                  const std::vector<double>& x, std::uint64_t replicas,
                                  const BackendOptions& options) {
  const std::vector<double> sigma(x.size(), workload.sigma(0.1));
  auto backend = make_backend(workload.problem(), {rule, sigma}, {replicas, 0, 1}, options);
  backend->set_all_parameters(x);
  return backend;
}

void measure(const PaperWorkload& workload, const std::vector<double>& x, const Metropolis& rule,
             std::uint64_t replicas, const BackendOptions& options, double seconds) {
  constexpr int runs = 5;
  const auto backend = ensemble(workload, rule, x, replicas, options);
  std::uint64_t step = 0;
  // past the steps in which the float rung trusts its worst case alone, and local models are learnt
  const bool learns = rule.acceptance != Acceptance::exact;
  const std::uint64_t warm_up = learns ? 10000 : 64;
  const std::uint64_t block = learns ? 100 : 8;
  double total = 0;
  double last = 0;
  while (step < warm_up && total < 5 * seconds) total += last = seconds_for(*backend, step, block);
  const double steps = std::max(1.0, std::round(static_cast<double>(block) * seconds / runs / last));
  const StepCounters before = backend->counters();
  std::vector<double> rates;
  for (int run = 0; run < runs; ++run) {
    const double taken = seconds_for(*backend, step, static_cast<std::uint64_t>(steps));
    rates.push_back(steps * static_cast<double>(replicas) / taken);
  }
  std::sort(rates.begin(), rates.end());
  const StepCounters counters = backend->counters() - before;
  const double in_double = static_cast<double>(counters.decided_by_double + counters.decided_by_value);
  std::printf(
      "{\"net\": \"%s\", \"device\": \"%s\", \"rule\": \"%s\", \"replicas\": %llu, "
      "\"proposals_per_second\": "
      "%.4g, \"least\": %.4g, \"most\": %.4g, \"decided_in_double\": %.3g}\n",
      workload.name, backend->device().c_str(), name_of(rule), static_cast<unsigned long long>(replicas),
      rates[runs / 2], rates.front(), rates.back(), in_double / static_cast<double>(counters.steps));
  std::fflush(stdout);
}

void measure_nets(const BackendOptions& options, double seconds) {
  struct Extent {
    PaperWorkload workload;
    double time;
    std::uint64_t replicas_on_device;
    std::uint64_t replicas_on_cpu;
  };
  for (const Extent& extent :
       {Extent{shallow_workload(), 1, 16384, 16}, Extent{wide_workload(), 1, 16384, 16},
        Extent{deep_workload(), 1, 2048, 16}, Extent{layered_workload(), 0, 128, 1}}) {
    const std::vector<double> x = extent.workload.state_at(extent.time);
    const std::uint64_t replicas =
        options.kind == BackendKind::cpu ? extent.replicas_on_cpu : extent.replicas_on_device;
    const double beta = extent.workload.beta;
    for (const Precision precision : {Precision::float32, Precision::float64})
      measure(extent.workload, x, {beta, precision}, replicas, options, seconds);
    if (extent.time > 0)
      measure(extent.workload, x, {.beta = beta, .acceptance = Acceptance::screened}, replicas, options,
              seconds);
  }
}

void measure_scaling(const BackendOptions& options, double seconds) {
  const std::vector<double> x = shallow_workload().state_at(1);
  const std::uint64_t most = options.kind == BackendKind::cpu ? 1000 : 1000000;
  for (std::uint64_t replicas = 1; replicas <= most; replicas *= 10)
    measure(shallow_workload(), x, {}, replicas, options, seconds);
}

void measure_fig1(const BackendOptions& options, double seconds) {
  constexpr std::uint64_t replicas = 1000;
  constexpr std::uint64_t steps = 10000000;
  constexpr std::uint64_t block = steps / 100;
  const PaperWorkload workload = shallow_workload();
  const auto backend =
      ensemble(workload, {.acceptance = Acceptance::screened}, workload.initial_state(), replicas, options);
  std::uint64_t step = 0;
  double taken = 0;
  while (step < steps && taken < seconds) taken += seconds_for(*backend, step, block);
  const StepCounters counters = backend->counters();
  const auto proposals = static_cast<double>(counters.steps);
  std::printf(
      "{\"device\": \"%s\", \"replicas\": %llu, \"time\": %.4g, \"proposals\": %.4g, \"seconds\": %.4g, "
      "\"proposals_per_second\": %.4g, \"by_model\": %.6g, \"replays\": %llu}\n",
      backend->device().c_str(), static_cast<unsigned long long>(replicas),
      10 * static_cast<double>(step) / steps, proposals, taken, proposals / taken,
      static_cast<double>(counters.decided_by_model) / proposals,
      static_cast<unsigned long long>(counters.replays));
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) try {
  const auto is = [&](int i, const char* word) { return argc > i && std::strcmp(argv[i], word) == 0; };
  if (argc > 4 || (!is(1, "cpu") && !is(1, "cuda")) ||
      (!is(2, "nets") && !is(2, "scaling") && !is(2, "fig1"))) {
    std::fprintf(stderr, "usage: backend_rates cpu|cuda nets|scaling|fig1 [seconds a measurement]\n");
    return 2;
  }
  langevo::BackendOptions options;
  options.kind = is(1, "cpu") ? langevo::BackendKind::cpu : langevo::BackendKind::cuda;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 3;
  if (is(2, "nets")) {
    langevo::measure_nets(options, seconds);
  } else if (is(2, "fig1")) {
    langevo::measure_fig1(options, seconds);
  } else {
    langevo::measure_scaling(options, seconds);
  }
  return 0;
} catch (const langevo::InputError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
