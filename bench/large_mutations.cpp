// How often does a run whose proposals a local model may decide leave the exact trajectory, where mutations
// are large?
//
// Usage: large_mutations [steps [late_steps]]
// The bound on a model's error is measured (docs/theory.md). On nets of a few units, with mutations that are
// not small beside the weights, or with relu units, which have no second derivative to measure, errors come
// in sizes that the evaluations before have not shown; and so they do late in a run, where one proposal in a
// thousand is accepted. A table of Markdown: replicas, of 100, whose states after so many steps are not those
// of the exact test, how often an evaluation contradicted the model, and the share that the model decided.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "langevo/langevo.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t replicas = 100;

struct Case {
  Problem problem;
  double sigma;
  double init_std;
  bool one_start;  ///< all replicas begin in one state
  std::uint64_t steps;
};

std::unique_ptr<Ensemble> evolve(const Case& c, Acceptance acceptance, Precision precision) {
  const Metropolis rule{.precision = precision, .acceptance = acceptance};
  const Network& network = c.problem.network();
  const std::vector<double> widths(network.parameter_count(), c.sigma);
  auto ensemble =
      make_ensemble(c.problem, {rule, widths}, {.replicas = replicas}, {.kind = BackendKind::cpu});
  for (std::uint64_t r = 0; r < replicas; ++r)
    ensemble->set_parameters(r,
                             draw_initial_state(network, GaussianInit{c.init_std}, 1, c.one_start ? 0 : r));
  constexpr std::uint64_t block = 285714;  // the end of a call ends a stretch
  for (std::uint64_t left = c.steps; left > 0;) {
    const std::uint64_t steps = std::min(left, block);
    ensemble->advance(steps);
    left -= steps;
  }
  return ensemble;
}

void compare(const Case& c, Precision precision) {
  const auto exact = evolve(c, Acceptance::exact, precision);
  for (const Acceptance acceptance : {Acceptance::screened, Acceptance::automatic}) {
    const auto ensemble = evolve(c, acceptance, precision);
    int different = 0;
    for (std::uint64_t r = 0; r < replicas; ++r)
      different += ensemble->parameters(r, 1) != exact->parameters(r, 1) ? 1 : 0;
    const StepCounters counters = ensemble->counters();
    const auto share = [&](std::uint64_t count) {
      return static_cast<double>(count) / static_cast<double>(counters.steps);
    };
    const Network& network = c.problem.network();
    std::printf("| %s | %d | %g | %.0e | %.4f | %s | %d | %llu | %.5f |\n",
                network.activation() == Activation::relu ? "relu" : "tanh", network.widths()[1], c.sigma,
                static_cast<double>(c.steps), share(counters.accepted),
                acceptance == Acceptance::screened ? "screened" : "auto", different,
                static_cast<unsigned long long>(counters.model_failures), share(counters.decided_by_model));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  using langevo::Activation;
  using langevo::Loss;
  using langevo::Network;
  using langevo::Precision;
  using langevo::Problem;
  const std::uint64_t steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20000;
  const std::uint64_t late_steps = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000000;
  std::printf(
      "| units | number | sigma | steps | accepted | acceptance | replicas that differ | contradictions | by "
      "the model |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  for (const Activation activation : {Activation::tanh, Activation::relu}) {
    for (const int units : {1, 4, 30}) {
      const Problem problem(Network({1, units, 1}, activation, false), langevo::make_sin_unit(33), Loss::mse);
      for (const double sigma : {0.3, 0.03, 1e-3, 1e-4})
        langevo::compare({problem, sigma, 1.0, false, steps}, Precision::float64);
    }
  }
  const Problem late(Network({1, 8, 1}, Activation::tanh, true), langevo::make_sin_symmetric(40), Loss::mse);
  langevo::compare({late, 1e-3, 0.5, true, late_steps}, Precision::float32);
}
