// How often does a run whose proposals a local model may decide leave the exact trajectory, where mutations
// are large?
//
// Usage: large_mutations [steps]
// The bound on a model's error is measured (docs/theory.md). On nets of a few units, with mutations that are
// not small beside the weights, or with relu units, which have no second derivative to measure, errors come
// in sizes that the evaluations before have not shown. A table of Markdown: replicas, of 100, whose states
// after so many steps are not those of the exact test, how often an evaluation contradicted the model, and
// the share that the model decided.
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "langevo/langevo.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t replicas = 100;

std::unique_ptr<Ensemble> evolve(const Problem& problem, double sigma, Acceptance acceptance,
                                 std::uint64_t steps) {
  const Metropolis rule{.precision = Precision::float64, .acceptance = acceptance};
  const std::vector<double> widths(problem.network().parameter_count(), sigma);
  auto ensemble = make_ensemble(problem, {rule, widths}, {.replicas = replicas}, {.kind = BackendKind::cpu});
  for (std::uint64_t r = 0; r < replicas; ++r)
    ensemble->set_parameters(r, draw_initial_state(problem.network(), GaussianInit{1.0}, 1, r));
  ensemble->advance(steps);
  return ensemble;
}

void compare(Activation activation, int units, double sigma, std::uint64_t steps) {
  const Problem problem(Network({1, units, 1}, activation, false), make_sin_unit(33), Loss::mse);
  const auto exact = evolve(problem, sigma, Acceptance::exact, steps);
  for (const Acceptance acceptance : {Acceptance::screened, Acceptance::automatic}) {
    const auto ensemble = evolve(problem, sigma, acceptance, steps);
    int different = 0;
    for (std::uint64_t r = 0; r < replicas; ++r)
      different += ensemble->parameters(r, 1) != exact->parameters(r, 1) ? 1 : 0;
    const StepCounters counters = ensemble->counters();
    std::printf("| %s | %d | %g | %s | %d | %llu | %.3f |\n",
                activation == Activation::relu ? "relu" : "tanh", units, sigma,
                acceptance == Acceptance::screened ? "screened" : "auto", different,
                static_cast<unsigned long long>(counters.model_failures),
                static_cast<double>(counters.decided_by_model) / static_cast<double>(counters.steps));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace langevo

int main(int argc, char** argv) {
  const std::uint64_t steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20000;
  std::printf(
      "| units | number | sigma | acceptance | replicas that differ | contradictions | by the model |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const langevo::Activation activation : {langevo::Activation::tanh, langevo::Activation::relu}) {
    for (const int units : {1, 4, 30}) {
      for (const double sigma : {0.3, 0.03, 1e-3, 1e-4}) langevo::compare(activation, units, sigma, steps);
    }
  }
}
