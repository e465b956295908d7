// A program of somebody else's: a small ensemble through the installed library.

#include <cstdio>

#include "langevo/langevo.hpp"

int main() {
  const langevo::Network network({1, 4, 1}, langevo::Activation::tanh, false);
  const langevo::Problem problem(network, langevo::make_sin_unit(16), langevo::Loss::mse);
  const std::size_t size = network.parameter_count();
  const langevo::Dynamics dynamics{langevo::Metropolis{}, std::vector<double>(size, 1e-3)};
  langevo::EnsembleShape shape;
  shape.replicas = 8;

  const auto ensemble = langevo::make_ensemble(problem, dynamics, shape, {});
  const std::vector<double> x = langevo::draw_initial_state(network, langevo::GaussianInit{}, shape.seed, 0);
  ensemble->set_all_parameters(x);
  ensemble->advance(100);

  const langevo::StepCounters counters = ensemble->counters();
  std::printf("%s: %zu parameters, %llu of %llu proposals accepted\n", ensemble->device().c_str(), size,
              static_cast<unsigned long long>(counters.accepted),
              static_cast<unsigned long long>(counters.steps));
  return counters.steps == 800 && counters.accepted > 0 ? 0 : 1;
}
