// Does a backend decide as the CPU does, and reduce to the same numbers?
//
// Usage: backend_agreement cpu|cuda [seconds a net] [most proposals a net] [tiny]
// Follows the same ensembles of the paper's nets, with exact and with screened acceptance, and of a net that
// goes layer by layer on a GPU, on the CPU and on the other backend, part-way through training at
// lambda = 1/10, until the seconds are over or the proposals made. States that are equal bit for bit have
// been decided alike. Prints a JSON line for each; exit code 1 where anything differs. `tiny`: a few
// replicas, points and steps of each, for an emulated device.
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

double largest_relative_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double scale = 0;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    scale = std::max(scale, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return scale > 0 ? difference / scale : difference;
}

/// Of moments, losses, one loss and one gradient.
double statistics_difference(const Ensemble& a, const Ensemble& b) {
  const Moments here = a.parameter_moments();
  const Moments there = b.parameter_moments();
  std::vector<double> gradient_here(here.mean.size());
  std::vector<double> gradient_there(here.mean.size());
  const std::vector<double> loss_here{a.gradient(here.mean, gradient_here), a.loss(here.mean)};
  const std::vector<double> loss_there{b.gradient(here.mean, gradient_there), b.loss(here.mean)};
  return std::max({largest_relative_difference(here.mean, there.mean),
                   largest_relative_difference(here.variance(), there.variance()),
                   largest_relative_difference(a.losses(), b.losses()),
                   largest_relative_difference(loss_here, loss_there),
                   largest_relative_difference(gradient_here, gradient_there)});
}

struct Comparison {
  PaperWorkload workload;
  Acceptance acceptance;
  std::uint64_t replicas;
  double time;          ///< where training is
  std::uint64_t block;  ///< steps between two looks at the clock
};

const char* name_of(Acceptance acceptance) {
  return acceptance == Acceptance::exact ? "exact" : "screened";
}

/// Steps that make at most this many proposals, while there is time.
void advance_both(Ensemble& a, Ensemble& b, const Comparison& comparison, double seconds,
                  double most_proposals) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const std::uint64_t block = comparison.block;
  for (std::uint64_t step = 0; static_cast<double>(step * comparison.replicas) < most_proposals;
       step += block) {
    a.advance(block);
    b.advance(block);
    if (std::chrono::duration<double>(Clock::now() - begin).count() > seconds) return;
  }
}

bool agrees(const Comparison& comparison, const BackendOptions& options, double seconds,
            double most_proposals) {
  const PaperWorkload& workload = comparison.workload;
  const Problem problem = workload.problem();
  const std::size_t n = problem.network().parameter_count();
  const BackendOptions on_cpu{.kind = BackendKind::cpu};
  const std::vector<double> x = workload.state_at(comparison.time);
  const Dynamics dynamics{Metropolis{.beta = workload.beta, .acceptance = comparison.acceptance},
                          std::vector<double>(n, workload.sigma(0.1))};
  const EnsembleShape shape{comparison.replicas, 0, 1};
  const auto expected = make_ensemble(problem, dynamics, shape, on_cpu);
  const auto actual = make_ensemble(problem, dynamics, shape, options);
  for (Ensemble* backend : {expected.get(), actual.get()}) backend->set_all_parameters(x);
  advance_both(*expected, *actual, comparison, seconds, most_proposals);
  std::uint64_t different = 0;
  for (std::uint64_t r = 0; r < comparison.replicas; ++r)
    different += expected->parameters(r, 1) != actual->parameters(r, 1) ? 1 : 0;
  const StepCounters counters = actual->counters();
  const bool same_count = counters.accepted == expected->counters().accepted;
  const double difference = statistics_difference(*expected, *actual);
  std::printf(
      "{\"net\": \"%s\", \"acceptance\": \"%s\", \"device\": \"%s\", \"points\": %zu, \"replicas\": %llu, "
      "\"proposals\": %llu, \"accepted\": %llu, \"by_model\": %llu, \"audit_failures\": %llu, "
      "\"different_replicas\": %llu, "
      "\"statistics_difference\": %.3g}\n",
      workload.name, name_of(comparison.acceptance), actual->device().c_str(), workload.points,
      static_cast<unsigned long long>(comparison.replicas), static_cast<unsigned long long>(counters.steps),
      static_cast<unsigned long long>(counters.accepted),
      static_cast<unsigned long long>(counters.decided_by_model),
      static_cast<unsigned long long>(counters.audit_failures), static_cast<unsigned long long>(different),
      difference);
  std::fflush(stdout);
  return different == 0 && same_count && difference <= 1e-12;
}

std::vector<Comparison> comparisons(Extent extent) {
  const PaperWorkload shallow = with_extent(shallow_workload(), extent);
  const PaperWorkload wide = with_extent(wide_workload(), extent);
  const PaperWorkload deep = with_extent(deep_workload(), extent);
  std::vector<Comparison> all{
      {shallow, Acceptance::exact, 2048, 1, 16},     {wide, Acceptance::exact, 2048, 1, 16},
      {deep, Acceptance::exact, 128, 1, 16},         {layered_workload(extent), Acceptance::exact, 8, 0, 1},
      {shallow, Acceptance::screened, 512, 1, 1000}, {shallow, Acceptance::screened, 512, 9, 1000},
      {wide, Acceptance::screened, 256, 1, 250},     {deep, Acceptance::screened, 64, 1, 50}};
  if (extent == Extent::full) return all;
  for (Comparison& comparison : all) {
    comparison.replicas = comparison.time > 0 ? 3 : tiny_layered_replicas;
    comparison.block = std::max<std::uint64_t>(1, comparison.block / 8);
  }
  return all;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 5 || (std::strcmp(argv[1], "cpu") != 0 && std::strcmp(argv[1], "cuda") != 0) ||
      (argc > 4 && std::strcmp(argv[4], "tiny") != 0)) {
    std::fprintf(stderr, "usage: backend_agreement cpu|cuda [seconds a net] [most proposals a net] [tiny]\n");
    return 2;
  }
  langevo::BackendOptions options;
  options.kind = std::strcmp(argv[1], "cpu") == 0 ? langevo::BackendKind::cpu : langevo::BackendKind::cuda;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 30;
  const double most = argc > 3 ? std::atof(argv[3]) : 1e7;
  bool good = true;
  const langevo::Extent extent = argc > 4 ? langevo::Extent::tiny : langevo::Extent::full;
  for (const langevo::Comparison& comparison : langevo::comparisons(extent)) {
    try {
      good = langevo::agrees(comparison, options, seconds, most) && good;
    } catch (const langevo::RunError& error) {  // the other nets may do without what this one lacks
      std::printf("{\"net\": \"%s\", \"acceptance\": \"%s\", \"error\": \"%s\"}\n", comparison.workload.name,
                  langevo::name_of(comparison.acceptance), error.what());
      std::fflush(stdout);
      good = false;
    }
  }
  return good ? 0 : 1;
} catch (const langevo::InputError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
