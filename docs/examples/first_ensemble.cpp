// The paper's statement in small: replicas that learn by mutation alone spread around the path of gradient
// descent, and their mean follows it. 64 replicas of a network start from one state and mutate until t = 0.5,
// beside the normalized gradient from the same state. Prints Delta, the mean squared distance of the
// parameters, of one replica and of the mean; ends with 1 where the mean is not at least ten times nearer to
// the gradient.
#include <cmath>
#include <cstdio>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

using namespace langevo;

int main() {
  const Problem problem(Network({1, 8, 1}, Activation::tanh, false), make_sin_unit(64), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  const std::vector<double> start = draw_initial_state(problem.network(), PytorchInit{}, 1, 0);
  const double alpha = 1e-4;  // time of one gradient step
  const double lambda = 0.1;  // gradient steps that one mutation stands for
  const double time = 0.5;
  const double sigma = sigma_from_lambda(lambda, alpha, INFINITY);

  const Metropolis mutation{.acceptance = Acceptance::automatic};
  const auto mutating =
      make_ensemble(problem, {mutation, std::vector<double>(n, sigma)}, {.replicas = 64, .seed = 1}, {});
  mutating->set_all_parameters(start);
  mutating->advance(static_cast<std::uint64_t>(std::llround(time / (alpha * lambda))));

  const auto descending =
      make_ensemble(problem, {NormalizedGradient{alpha}, std::vector<double>(n, 1.0)}, {}, {});
  descending->set_all_parameters(start);
  descending->advance(static_cast<std::uint64_t>(std::llround(time / alpha)));

  const std::vector<double> gradient = descending->parameters(0, 1);
  const Moments moments = mutating->parameter_moments();
  const double of_one = mean_squared_difference(gradient, mutating->parameters(0, 1));
  const double of_mean = mean_squared_difference(gradient, moments.mean);
  const StepCounters counters = mutating->counters();
  std::printf("%s\n", mutating->device().c_str());
  std::printf("loss: %.4f at first, %.4f of the gradient, %.4f of the mean network\n", mutating->loss(start),
              mutating->loss(gradient), mutating->loss(moments.mean));
  std::printf("Delta: %.2e of one replica, %.2e of the mean of 64\n", of_one, of_mean);
  std::printf("%llu proposals, %.1f %% accepted\n", static_cast<unsigned long long>(counters.steps),
              100.0 * static_cast<double>(counters.accepted) / static_cast<double>(counters.steps));
  return of_mean < of_one / 10 ? 0 : 1;
}
