// Own data, one mutation width per parameter, finite beta: mutation samples exp(-beta U) whatever the widths.
// The data lie on a plane, so linear regression has U_min = 0 and its N = 3 parameters share <U> = N/(2 beta)
// in equilibrium. Prints the mean loss of 2048 replicas beside that; ends with 1 where they differ by more
// than five standard errors.
#include <cmath>
#include <cstdio>

#include "langevo/ensemble.hpp"

using namespace langevo;

Dataset points_of_a_plane() {
  Dataset data{.points = 20, .input_dim = 2, .target_dim = 1, .inputs = {}, .targets = {}};
  for (std::size_t k = 0; k < data.points; ++k) {
    const double u = std::sin(1.3 * static_cast<double>(k));
    const double v = std::cos(0.7 * static_cast<double>(k));
    data.inputs.insert(data.inputs.end(), {u, v});
    data.targets.push_back(0.5 * u - v + 0.25);
  }
  return data;
}

int main() {
  const Problem problem(Network({2, 1}, Activation::identity, true), points_of_a_plane(), Loss::mse);
  const double beta = 100;
  const std::uint64_t replicas = 2048;
  const Dynamics dynamics{Metropolis{.beta = beta}, {0.1, 0.05, 0.15}};  // two weights and the bias

  const auto ensemble = make_ensemble(problem, dynamics, {.replicas = replicas, .seed = 7}, {});
  ensemble->set_all_parameters(std::vector<double>(3, 0.0));
  ensemble->advance(1000);

  const LossSummary loss = summarize_losses(ensemble->losses());
  const double expected = 3 / (2 * beta);
  const double standard_error = std::sqrt(loss.variance / static_cast<double>(replicas));
  std::printf("<U> = %.6f +- %.6f, expected %.6f\n", loss.mean, standard_error, expected);
  std::printf("variance of U = %.3e, expected %.3e\n", loss.variance, 3 / (2 * beta * beta));
  return std::abs(loss.mean - expected) < 5 * standard_error ? 0 : 1;
}
