// Does a backend decide as the CPU does, and reduce to the same numbers?
//
// Usage: backend_agreement cpu|cuda [seconds a net] [most proposals a net]
// Follows the same ensembles of the paper's nets, with exact and with screened acceptance, and of a net that
// goes layer by layer on a GPU, on the CPU and on the other backend, part-way through training at
// lambda = 1/10, until the seconds are over or the proposals made. States that are equal bit for bit have
// been decided alike. Prints a JSON line for each; exit code 1 where anything differs.
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
double statistics_difference(const Backend& a, const Backend& b) {
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

struct Extent {
  PaperWorkload workload;
  Acceptance acceptance;
  std::uint64_t replicas;
  double time;          ///< where training is
  std::uint64_t block;  ///< steps between two looks at the clock
};

/// Steps that make at most this many proposals, while there is time.
void advance_both(Backend& a, Backend& b, const Extent& extent, double seconds, double most_proposals) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  const std::uint64_t block = extent.block;
  for (std::uint64_t step = 0; static_cast<double>(step * extent.replicas) < most_proposals; step += block) {
    a.advance(step, block);
    b.advance(step, block);
    if (std::chrono::duration<double>(Clock::now() - begin).count() > seconds) return;
  }
}

bool agrees(const Extent& extent, const BackendOptions& options, double seconds, double most_proposals) {
  const PaperWorkload& workload = extent.workload;
  const Problem problem = workload.problem();
  const std::size_t n = problem.network().parameter_count();
  const BackendOptions on_cpu{.kind = BackendKind::cpu};
  const std::vector<double> x = workload.state_at(extent.time);
  const Dynamics dynamics{Metropolis{.beta = workload.beta, .acceptance = extent.acceptance},
                          std::vector<double>(n, workload.sigma(0.1))};
  const EnsembleShape shape{extent.replicas, 0, 1};
  const auto expected = make_backend(problem, dynamics, shape, on_cpu);
  const auto actual = make_backend(problem, dynamics, shape, options);
  for (Backend* backend : {expected.get(), actual.get()}) backend->set_all_parameters(x);
  advance_both(*expected, *actual, extent, seconds, most_proposals);
  std::uint64_t different = 0;
  for (std::uint64_t r = 0; r < extent.replicas; ++r)
    different += expected->parameters(r, 1) != actual->parameters(r, 1) ? 1 : 0;
  const StepCounters counters = actual->counters();
  const bool same_count = counters.accepted == expected->counters().accepted;
  const double difference = statistics_difference(*expected, *actual);
  std::printf(
      "{\"net\": \"%s\", \"acceptance\": \"%s\", \"device\": \"%s\", \"replicas\": %llu, \"proposals\": "
      "%llu, "
      "\"accepted\": %llu, \"by_model\": %llu, \"audit_failures\": %llu, \"different_replicas\": %llu, "
      "\"statistics_difference\": %.3g}\n",
      workload.name, extent.acceptance == Acceptance::exact ? "exact" : "screened", actual->device().c_str(),
      static_cast<unsigned long long>(extent.replicas), static_cast<unsigned long long>(counters.steps),
      static_cast<unsigned long long>(counters.accepted),
      static_cast<unsigned long long>(counters.decided_by_model),
      static_cast<unsigned long long>(counters.audit_failures), static_cast<unsigned long long>(different),
      difference);
  std::fflush(stdout);
  return different == 0 && same_count && difference <= 1e-12;
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 4 || (std::strcmp(argv[1], "cpu") != 0 && std::strcmp(argv[1], "cuda") != 0)) {
    std::fprintf(stderr, "usage: backend_agreement cpu|cuda [seconds a net] [most proposals a net]\n");
    return 2;
  }
  langevo::BackendOptions options;
  options.kind = std::strcmp(argv[1], "cpu") == 0 ? langevo::BackendKind::cpu : langevo::BackendKind::cuda;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 30;
  const double most = argc > 3 ? std::atof(argv[3]) : 1e7;
  bool good = true;
  using langevo::Acceptance;
  using langevo::Extent;
  const langevo::PaperWorkload shallow = langevo::shallow_workload();
  const langevo::PaperWorkload wide = langevo::wide_workload();
  const langevo::PaperWorkload deep = langevo::deep_workload();
  for (const Extent& extent :
       {Extent{shallow, Acceptance::exact, 2048, 1, 16}, Extent{wide, Acceptance::exact, 2048, 1, 16},
        Extent{deep, Acceptance::exact, 128, 1, 16},
        Extent{langevo::layered_workload(), Acceptance::exact, 8, 0, 1},
        Extent{shallow, Acceptance::screened, 512, 1, 1000},
        Extent{shallow, Acceptance::screened, 512, 9, 1000}, Extent{wide, Acceptance::screened, 256, 1, 250},
        Extent{deep, Acceptance::screened, 64, 1, 50}}) {
    good = langevo::agrees(extent, options, seconds, most) && good;
  }
  return good ? 0 : 1;
} catch (const langevo::InputError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
