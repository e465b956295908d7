// The paper's statement itself: mutations on the average over replicas, noisy gradient steps on the average,
// and gradient descent go the same way; one replica's distance from it is the noise, which falls with lambda,
// and the mean's falls with the number of replicas.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/simulation.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double alpha = 2e-4;
constexpr double time_of_run = 0.4;
constexpr std::uint64_t replicas = 256;

Problem make_problem() {
  return {Network({1, 6, 1}, Activation::tanh, true), make_sin_unit(60), Loss::mse};
}

std::vector<double> start() {
  return draw_initial_state(make_problem().network(), PytorchInit{}, 4, 0);
}

struct Ends {
  std::vector<double> states;  // [replicas][N]
  Moments moments;
};

Ends evolve(const Rule& rule, double sigma, std::uint64_t steps, const GradientMethod& method = {}) {
  const std::vector<double> x = start();
  Dynamics dynamics{rule, std::vector<double>(x.size(), sigma)};
  dynamics.gradient = method;
  const auto ensemble = make_ensemble(make_problem(), dynamics, {.replicas = replicas}, {});
  ensemble->set_all_parameters(x);
  ensemble->advance(steps);
  return {ensemble->parameters(0, replicas), ensemble->parameter_moments()};
}

std::uint64_t steps_of(double lambda) {
  return static_cast<std::uint64_t>(std::llround(time_of_run / (alpha * lambda)));
}

Ends mutated(double lambda, double beta) {
  const Metropolis rule{.beta = beta, .acceptance = Acceptance::automatic};
  return evolve(rule, sigma_from_lambda(lambda, alpha, beta), steps_of(lambda));
}

Ends shaken(double lambda, double beta, const GradientMethod& method) {
  const Langevin rule{.beta = beta, .stride = 1 / lambda};
  return evolve(rule, sigma_from_lambda(lambda, alpha, beta), steps_of(1), method);
}

std::vector<double> descended(double beta) {
  const std::vector<double> x = start();
  Dynamics dynamics{Gradient{alpha}, std::vector<double>(x.size(), 1.0), {}, reference_method};
  if (std::isinf(beta)) dynamics.rule = NormalizedGradient{alpha};
  const std::vector<double> times{time_of_run};
  return follow_reference(make_problem(), dynamics, alpha, x, times, {}).parameter.front();
}

double sum_of_variances(const Ends& ends) {
  double sum = 0;
  for (const double variance : ends.moments.variance()) sum += variance;
  return sum;
}

/// Mean over disjoint groups of `size` replicas of the squared distance of their mean from x, and its
/// standard error.
struct Distance {
  double mean;
  double standard_error;
};
Distance distance_of_means(const Ends& ends, std::uint64_t size, const std::vector<double>& x) {
  const std::size_t n = x.size();
  std::vector<double> distances;
  for (std::uint64_t first = 0; first + size <= replicas; first += size) {
    double squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double mean = 0;
      for (std::uint64_t r = first; r < first + size; ++r) mean += ends.states[r * n + i] / size;
      squares += (mean - x[i]) * (mean - x[i]);
    }
    distances.push_back(squares);
  }
  double sum = 0;
  double squares = 0;
  for (const double distance : distances) {
    sum += distance;
    squares += distance * distance;
  }
  const auto count = static_cast<double>(distances.size());
  const double mean = sum / count;
  return {mean, std::sqrt((squares / count - mean * mean) / (count - 1))};
}

class CorrespondenceTest : public testing::TestWithParam<double> {};

TEST_P(CorrespondenceTest, MeansGoTheWayOfTheGradient) {
  const double beta = GetParam();
  constexpr double lambda = 0.05;
  const std::vector<double> gradient = descended(beta);
  const Ends mutation = mutated(lambda, beta);
  const GradientMethod followed{GradientSteps::followed, Precision::float32, 1e-4};
  const Ends noisy = shaken(lambda, beta, {});
  const Ends noisy_followed = shaken(lambda, beta, followed);
  const std::vector<double> spread = mutation.moments.variance();
  const std::vector<double> spread_of_noisy = noisy.moments.variance();
  const std::vector<double> x = start();
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double error = std::sqrt(spread[i] / replicas);
    const double error_of_noisy = std::sqrt(spread_of_noisy[i] / replicas);
    EXPECT_LT(std::abs(mutation.moments.mean[i] - gradient[i]), 5 * error) << i;
    EXPECT_LT(std::abs(noisy.moments.mean[i] - gradient[i]), 5 * error_of_noisy) << i;
    EXPECT_LT(std::abs(mutation.moments.mean[i] - noisy.moments.mean[i]),
              5 * std::hypot(error, error_of_noisy))
        << i;
    // the same noise: much nearer to each other than their standard error
    EXPECT_LT(std::abs(noisy_followed.moments.mean[i] - noisy.moments.mean[i]), 0.05 * error_of_noisy) << i;
  }
  // and they have gone somewhere: hundreds of standard errors in all
  double way = 0;
  for (std::size_t i = 0; i < x.size(); ++i) way += (gradient[i] - x[i]) * (gradient[i] - x[i]);
  EXPECT_GT(way, 100 * sum_of_variances(mutation) / replicas);
}

TEST_P(CorrespondenceTest, DistanceFallsWithReplicasAndWithLambda) {
  const double beta = GetParam();
  const std::vector<double> gradient = descended(beta);
  const Ends little = mutated(0.05, beta);
  const double variance = sum_of_variances(little);
  for (const std::uint64_t size : {1, 4, 16, 64}) {
    const Distance distance = distance_of_means(little, size, gradient);
    EXPECT_LT(std::abs(distance.mean - variance / static_cast<double>(size)), 5 * distance.standard_error)
        << size;
    EXPECT_LT(distance.standard_error, 0.5 * distance.mean) << size;
  }
  if (std::isfinite(beta)) return;  // there the noise of a time is that of beta, whatever lambda
  const double ratio = sum_of_variances(mutated(0.2, beta)) / variance;
  EXPECT_GT(ratio, 3.4);
  EXPECT_LT(ratio, 4.7);
}

INSTANTIATE_TEST_SUITE_P(Beta, CorrespondenceTest, testing::Values(inf, 1e3),
                         [](const auto& test) { return std::isinf(test.param) ? "Infinite" : "Finite"; });

}  // namespace
}  // namespace langevo
