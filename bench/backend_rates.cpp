// How many proposals a second does a backend make, by net, precision and number of replicas?
//
// Usage: backend_rates cpu|cuda device|nets|scaling|fig1 [seconds a measurement] [tiny]
// Part-way through training at lambda = 1/10. `nets`: the paper's three nets and one that goes layer by layer
// on a GPU, exact in float and double, and screened; `scaling`: the shallow net with 1 to 10^6 replicas,
// exact; a JSON line for each: median, least and most of five runs after a warm-up. `fig1`: the 10^10
// proposals of the paper's Fig. 1, 1000 replicas from t = 0 to 10, or as many of them as the seconds last
// for; a JSON line now and then of all up to there, so that the last one counts. `device`: what the backend
// would run on, and whether it can. `tiny`: a few replicas, points and steps of each, for an emulated device.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "paper_workloads.hpp"

namespace langevo {
namespace {

double seconds_for(Ensemble& backend, std::uint64_t steps) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  backend.advance(steps);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

const char* name_of(const Metropolis& rule) {
  if (rule.acceptance != Acceptance::exact) return "screened";
  return rule.precision == Precision::float32 ? "float" : "double";
}

std::unique_ptr<Ensemble> ensemble(const PaperWorkload& workload, const Metropolis& rule,
                                   const std::vector<double>& x, std::uint64_t replicas,
                                   const BackendOptions& options) {
  const std::vector<double> sigma(x.size(), workload.sigma(0.1));
  auto backend = make_ensemble(workload.problem(), {rule, sigma}, {replicas, 0, 1}, options);
  backend->set_all_parameters(x);
  return backend;
}

/// How much of everything, and where.
struct Effort {
  BackendOptions options;
  double seconds;
  Extent extent;
};

void measure(const PaperWorkload& workload, const std::vector<double>& x, const Metropolis& rule,
             std::uint64_t replicas, const Effort& effort) {
  constexpr int runs = 5;
  const auto backend = ensemble(workload, rule, x, replicas, effort.options);
  // past the steps in which the float rung trusts its worst case alone, and local models are learnt
  const bool learns = rule.acceptance != Acceptance::exact;
  const bool tiny = effort.extent == Extent::tiny;
  const std::uint64_t warm_up = (learns ? 10000 : 64) / (tiny ? 32 : 1);
  const std::uint64_t block = (learns ? 100 : 8) / (tiny ? 4 : 1);
  double total = 0;
  double last = 0;
  while (backend->step() < warm_up && total < 5 * effort.seconds)
    total += last = seconds_for(*backend, block);
  const double steps = std::max(1.0, std::round(static_cast<double>(block) * effort.seconds / runs / last));
  const StepCounters before = backend->counters();
  std::vector<double> rates;
  for (int run = 0; run < runs; ++run) {
    const double taken = seconds_for(*backend, static_cast<std::uint64_t>(steps));
    rates.push_back(steps * static_cast<double>(replicas) / taken);
  }
  std::sort(rates.begin(), rates.end());
  const StepCounters counters = backend->counters() - before;
  const double in_double = static_cast<double>(counters.decided_by_double + counters.decided_by_value);
  std::printf(
      "{\"net\": \"%s\", \"device\": \"%s\", \"rule\": \"%s\", \"points\": %zu, \"replicas\": %llu, "
      "\"proposals_per_second\": "
      "%.4g, \"least\": %.4g, \"most\": %.4g, \"decided_in_double\": %.3g}\n",
      workload.name, backend->device().c_str(), name_of(rule), workload.points,
      static_cast<unsigned long long>(replicas), rates[runs / 2], rates.front(), rates.back(),
      in_double / static_cast<double>(counters.steps));
  std::fflush(stdout);
}

/// Whether all could be measured.
bool measure_nets(const Effort& effort) {
  bool good = true;
  struct Case {
    PaperWorkload workload;
    double time;
    std::uint64_t replicas_on_device;
    std::uint64_t replicas_on_cpu;
  };
  const Extent extent = effort.extent;
  for (const Case& c :
       {Case{with_extent(shallow_workload(), extent), 1, 16384, 16},
        Case{with_extent(wide_workload(), extent), 1, 16384, 16},
        Case{with_extent(deep_workload(), extent), 1, 2048, 16}, Case{layered_workload(extent), 0, 128, 1}}) {
    const std::vector<double> x = c.workload.state_at(c.time);
    std::uint64_t replicas =
        effort.options.kind == BackendKind::cpu ? c.replicas_on_cpu : c.replicas_on_device;
    if (extent == Extent::tiny) replicas = c.time > 0 ? 2 : tiny_layered_replicas;
    const double beta = c.workload.beta;
    std::vector<Metropolis> rules{{beta, Precision::float32}, {beta, Precision::float64}};
    if (c.time > 0) rules.push_back({.beta = beta, .acceptance = Acceptance::screened});
    for (const Metropolis& rule : rules) {
      try {
        measure(c.workload, x, rule, replicas, effort);
      } catch (const RunError& error) {  // the other nets may do without what this one lacks
        std::printf("{\"net\": \"%s\", \"rule\": \"%s\", \"error\": \"%s\"}\n", c.workload.name,
                    name_of(rule), error.what());
        std::fflush(stdout);
        good = false;
      }
    }
  }
  return good;
}

void measure_scaling(const Effort& effort) {
  const PaperWorkload workload = with_extent(shallow_workload(), effort.extent);
  const std::vector<double> x = workload.state_at(1);
  std::uint64_t most = effort.options.kind == BackendKind::cpu ? 1000 : 1000000;
  if (effort.extent == Extent::tiny) most = 10;
  for (std::uint64_t replicas = 1; replicas <= most; replicas *= 10)
    measure(workload, x, {}, replicas, effort);
}

void print_fig1(const Ensemble& backend, std::uint64_t replicas, double time, double taken) {
  const StepCounters counters = backend.counters();
  const auto proposals = static_cast<double>(counters.steps);
  std::printf(
      "{\"device\": \"%s\", \"replicas\": %llu, \"time\": %.4g, \"proposals\": %.4g, \"seconds\": %.4g, "
      "\"proposals_per_second\": %.4g, \"by_model\": %.6g, \"replays\": %llu}\n",
      backend.device().c_str(), static_cast<unsigned long long>(replicas), time, proposals, taken,
      proposals / taken, static_cast<double>(counters.decided_by_model) / proposals,
      static_cast<unsigned long long>(counters.replays));
  std::fflush(stdout);
}

/// Blocks begin short, so that a slow device has something to say.
void measure_fig1(const Effort& effort) {
  const bool tiny = effort.extent == Extent::tiny;
  const std::uint64_t replicas = tiny ? 4 : 1000;
  const std::uint64_t steps = tiny ? 1000 : 10000000;
  const std::uint64_t longest = steps / 100;
  const PaperWorkload workload = with_extent(shallow_workload(), effort.extent);
  const auto backend = ensemble(workload, {.acceptance = Acceptance::screened}, workload.initial_state(),
                                replicas, effort.options);
  double taken = 0;
  double printed = 0;
  std::uint64_t block = std::min<std::uint64_t>(100, longest);
  while (backend->step() < steps && taken < effort.seconds) {
    taken += seconds_for(*backend, std::min(block, steps - backend->step()));
    block = std::min(2 * block, longest);
    if (taken - printed < effort.seconds / 10 && backend->step() < steps && taken < effort.seconds) continue;
    printed = taken;
    print_fig1(*backend, replicas, 10 * static_cast<double>(backend->step()) / static_cast<double>(steps),
               taken);
  }
}

/// Whether the backend can be used here.
bool print_devices(BackendKind kind) {
  bool usable = false;
  for (const DeviceInfo& device : list_devices()) {
    if (device.kind != kind) continue;
    usable = usable || device.usable;
    std::printf(
        "{\"device\": \"%s\", \"capability\": \"%s\", \"memory_bytes\": %llu, \"usable\": %s, "
        "\"why_not\": \"%s\"}\n",
        device.name.c_str(), device.capability.c_str(), static_cast<unsigned long long>(device.memory_bytes),
        device.usable ? "true" : "false", device.why_not.c_str());
  }
  return usable;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) try {
  const auto is = [&](int i, const char* word) { return argc > i && std::strcmp(argv[i], word) == 0; };
  if (argc > 5 || (!is(1, "cpu") && !is(1, "cuda")) || (argc > 4 && !is(4, "tiny")) ||
      (!is(2, "device") && !is(2, "nets") && !is(2, "scaling") && !is(2, "fig1"))) {
    std::fprintf(stderr,
                 "usage: backend_rates cpu|cuda device|nets|scaling|fig1 [seconds a measurement] [tiny]\n");
    return 2;
  }
  langevo::BackendOptions options;
  options.kind = is(1, "cpu") ? langevo::BackendKind::cpu : langevo::BackendKind::cuda;
  const langevo::Effort effort{options, argc > 3 ? std::atof(argv[3]) : 3,
                               argc > 4 ? langevo::Extent::tiny : langevo::Extent::full};
  if (is(2, "device")) return langevo::print_devices(options.kind) ? 0 : 1;
  if (is(2, "nets")) return langevo::measure_nets(effort) ? 0 : 1;
  if (is(2, "fig1")) {
    langevo::measure_fig1(effort);
  } else {
    langevo::measure_scaling(effort);
  }
  return 0;
} catch (const langevo::InputError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
