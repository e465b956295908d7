// Linear regression at finite beta: U is quadratic, so exp(-beta U) is a Gaussian known in closed form, and
// the discretised Langevin equation has an exact stationary covariance of its own.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "langevo/ensemble.hpp"

namespace langevo {
namespace {

constexpr int n = 3;  // two weights and a bias
using Vector = std::array<double, n>;
using Matrix = std::array<Vector, n>;

Matrix multiply(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      for (int k = 0; k < n; ++k) c[i][j] += a[i][k] * b[k][j];
  return c;
}

/// Gauss-Jordan; the matrices here are positive definite and well conditioned.
Matrix inverse(Matrix a) {
  Matrix result{};
  for (int i = 0; i < n; ++i) result[i][i] = 1;
  for (int i = 0; i < n; ++i) {
    const double pivot = a[i][i];
    for (int k = 0; k < n; ++k) {
      a[i][k] /= pivot;
      result[i][k] /= pivot;
    }
    for (int j = 0; j < n; ++j) {
      if (j == i) continue;
      const double factor = a[j][i];
      for (int k = 0; k < n; ++k) {
        a[j][k] -= factor * a[i][k];
        result[j][k] -= factor * result[i][k];
      }
    }
  }
  return result;
}

/// U(x) = minimum + (x - centre) A (x - centre).
struct Quadratic {
  Problem problem;
  Matrix a{};
  Vector centre{};
  double minimum = 0;
};

/// 70 points: two tiles, the second one partial; the last point pulls hard.
Quadratic make_regression() {
  Dataset data{.points = 70, .input_dim = 2, .target_dim = 1, .inputs = {}, .targets = {}};
  for (std::size_t k = 0; k < data.points; ++k) {
    const double t = static_cast<double>(k) / 10;
    const bool last = k + 1 == data.points;
    data.inputs.push_back(last ? 4 : 1.2 * std::sin(3 * t));
    data.inputs.push_back(last ? -3 : 0.3 + std::cos(1.7 * t) + 0.4 * std::sin(3 * t));
    data.targets.push_back(last ? 5 : std::sin(t));
  }
  Quadratic q{Problem(Network({2, 1}, Activation::tanh, true), data, Loss::mse)};
  const auto count = static_cast<double>(data.points);
  Vector b{};
  double square = 0;
  for (std::size_t k = 0; k < data.points; ++k) {
    const Vector row{data.inputs[2 * k], data.inputs[2 * k + 1], 1};
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) q.a[i][j] += row[i] * row[j] / count;
      b[i] += row[i] * data.targets[k] / count;
    }
    square += data.targets[k] * data.targets[k] / count;
  }
  const Matrix inverse_a = inverse(q.a);
  q.minimum = square;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) q.centre[i] += inverse_a[i][j] * b[j];
    q.minimum -= q.centre[i] * b[i];
  }
  return q;
}

/// Of exp(-beta U).
Matrix boltzmann_covariance(const Quadratic& q, double beta) {
  Matrix covariance = inverse(q.a);
  for (Vector& row : covariance)
    for (double& entry : row) entry /= 2 * beta;
  return covariance;
}

/// Of x += -s beta/2 D g + sqrt(s) sigma z, g = 2 A (x - centre), D = diag(sigma^2): the solution of
/// C = B C B^T + s D, B = 1 - s beta D A, by iteration.
Matrix langevin_covariance(const Quadratic& q, double beta, double stride, const Vector& sigma) {
  Matrix b{};
  Matrix b_transposed{};
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      b[i][j] = b_transposed[j][i] = (i == j ? 1 : 0) - stride * beta * sigma[i] * sigma[i] * q.a[i][j];
  Matrix c{};
  for (int iteration = 0; iteration < 100000; ++iteration) {
    Matrix next = multiply(multiply(b, c), b_transposed);
    for (int i = 0; i < n; ++i) next[i][i] += stride * sigma[i] * sigma[i];
    if (next == c) break;
    c = next;
  }
  return c;
}

double mean_loss(const Quadratic& q, const Matrix& covariance) {
  double loss = q.minimum;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) loss += q.a[i][j] * covariance[i][j];
  return loss;
}

/// A mean over time and replicas. Replicas are independent and autocorrelation stays within one, so the
/// spread of their time averages is the standard error.
struct Measured {
  double mean = 0;
  double standard_error = 0;
};

/// Mean x - centre, covariance around the exact centre, and loss.
struct Equilibrium {
  std::array<Measured, n> mean;
  std::array<std::array<Measured, n>, n> covariance;
  Measured loss;
};

struct Sampling {
  std::uint64_t replicas = 400;
  std::uint64_t burn_in = 500;
  std::uint64_t samples = 800;
  std::uint64_t steps_between = 5;
};

Equilibrium sample(const Quadratic& q, const Dynamics& dynamics, const Sampling& plan) {
  const auto backend = make_ensemble(q.problem, dynamics, {.replicas = plan.replicas, .seed = 11}, {});
  backend->set_all_parameters(q.centre);
  backend->advance(plan.burn_in);
  constexpr int columns = n + n * n + 1;
  std::vector<std::array<double, columns>> sums(plan.replicas);
  for (std::uint64_t taken = 0; taken < plan.samples; ++taken) {
    backend->advance(plan.steps_between);
    const std::vector<double> x = backend->parameters(0, plan.replicas);
    const std::vector<double> losses = backend->losses();
    for (std::uint64_t r = 0; r < plan.replicas; ++r) {
      Vector y;
      for (int i = 0; i < n; ++i) y[i] = x[r * n + i] - q.centre[i];
      for (int i = 0; i < n; ++i) {
        sums[r][i] += y[i];
        for (int j = 0; j < n; ++j) sums[r][n + i * n + j] += y[i] * y[j];
      }
      sums[r][columns - 1] += losses[r];
    }
  }
  Moments over_replicas(columns);
  for (std::array<double, columns>& sum : sums) {
    for (double& entry : sum) entry /= static_cast<double>(plan.samples);
    over_replicas.add(sum);
  }
  const std::vector<double> variance = over_replicas.variance();
  const auto of_column = [&](int c) {
    return Measured{over_replicas.mean[c], std::sqrt(variance[c] / static_cast<double>(plan.replicas))};
  };
  Equilibrium result;
  for (int i = 0; i < n; ++i) {
    result.mean[i] = of_column(i);
    for (int j = 0; j < n; ++j) result.covariance[i][j] = of_column(n + i * n + j);
  }
  result.loss = of_column(columns - 1);
  return result;
}

double off(const Measured& measured, double expected) {
  return std::abs(measured.mean - expected) / measured.standard_error;
}

void expect_equal(const Equilibrium& measured, const Quadratic& q, const Matrix& covariance) {
  for (int i = 0; i < n; ++i) {
    EXPECT_LT(off(measured.mean[i], 0), 4) << "mean of parameter " << i;
    for (int j = 0; j <= i; ++j) {
      EXPECT_LT(off(measured.covariance[i][j], covariance[i][j]), 4)
          << "covariance of " << i << " and " << j << ": " << measured.covariance[i][j].mean << ", exact "
          << covariance[i][j];
    }
    // a test without power would pass as well: half a percent must be visible
    EXPECT_LT(measured.covariance[i][i].standard_error, 0.008 * covariance[i][i]);
  }
  EXPECT_LT(off(measured.loss, mean_loss(q, covariance)), 4);
}

constexpr double beta = 50;

TEST(Equilibrium, TheExactGaussianIsRight) {
  const Quadratic q = make_regression();
  const auto backend = make_ensemble(q.problem, {Metropolis{}, {1, 1, 1}}, {}, {});
  EXPECT_NEAR(backend->loss(q.centre), q.minimum, 1e-14);
  Vector g{};
  backend->gradient(q.centre, g);
  for (const double component : g) EXPECT_NEAR(component, 0, 1e-14);
  const Vector away{q.centre[0] + 1, q.centre[1] - 2, q.centre[2] + 0.5};
  const Vector y{1, -2, 0.5};
  double expected = q.minimum;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) expected += y[i] * q.a[i][j] * y[j];
  EXPECT_NEAR(backend->loss(away), expected, 1e-13);
  EXPECT_NEAR(mean_loss(q, boltzmann_covariance(q, beta)), q.minimum + n / (2 * beta), 1e-14);
}

class MetropolisEquilibrium : public testing::TestWithParam<Precision> {};

TEST_P(MetropolisEquilibrium, IsBoltzmanns) {
  const Quadratic q = make_regression();
  const Matrix covariance = boltzmann_covariance(q, beta);
  const Dynamics dynamics{Metropolis{.beta = beta, .precision = GetParam()}, {0.12, 0.12, 0.12}};
  expect_equal(sample(q, dynamics, {}), q, covariance);
}

TEST_P(MetropolisEquilibrium, IsBoltzmannsWithSigmaPerParameter) {
  const Quadratic q = make_regression();
  const Matrix covariance = boltzmann_covariance(q, beta);
  const Dynamics dynamics{Metropolis{.beta = beta, .precision = GetParam()}, {0.2, 0.1, 0.15}};
  expect_equal(sample(q, dynamics, {}), q, covariance);
}

INSTANTIATE_TEST_SUITE_P(BothPrecisions, MetropolisEquilibrium,
                         testing::Values(Precision::float32, Precision::float64), [](const auto& test) {
                           return test.param == Precision::float32 ? "Float" : "Double";
                         });

struct LangevinCase {
  const char* name;
  Vector sigma;
  GradientMethod method;
};

class LangevinEquilibrium : public testing::TestWithParam<LangevinCase> {};

TEST_P(LangevinEquilibrium, IsThatOfItsStep) {
  const Quadratic q = make_regression();
  const Vector sigma = GetParam().sigma;
  const Matrix boltzmann = boltzmann_covariance(q, beta);
  double previous_bias = 0;
  // sigma is small; the stride makes one step as long as 0.5, then a quarter of that
  for (const double stride : {64.0, 16.0}) {
    Dynamics dynamics{Langevin{.beta = beta, .stride = stride}, {sigma[0], sigma[1], sigma[2]}};
    dynamics.gradient = GetParam().method;
    Sampling plan;
    plan.burn_in = static_cast<std::uint64_t>(32000 / stride);
    plan.samples = stride > 32 ? 800 : 1600;
    const Equilibrium measured = sample(q, dynamics, plan);
    expect_equal(measured, q, langevin_covariance(q, beta, stride, sigma));
    // and Boltzmann's up to a bias of first order in the step, seen in the loss
    const double bias = measured.loss.mean - mean_loss(q, boltzmann);
    EXPECT_GT(bias, 8 * measured.loss.standard_error);
    if (previous_bias != 0) {
      EXPECT_LT(bias, previous_bias / 3);
      EXPECT_GT(bias, previous_bias / 8);
    }
    previous_bias = bias;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sigma, LangevinEquilibrium,
    testing::Values(
        LangevinCase{"Scalar", {0.015, 0.015, 0.015}, {}},
        LangevinCase{"PerParameter", {0.02, 0.01, 0.015}, {}},
        LangevinCase{"InFloat", {0.02, 0.01, 0.015}, {GradientSteps::exact, Precision::float32, 1e-5}},
        LangevinCase{"Followed", {0.02, 0.01, 0.015}, {GradientSteps::followed, Precision::float32, 1e-3}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace langevo
