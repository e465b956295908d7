// Loss and gradient: a net small enough for pencil and paper, then central differences, then sizes around the
// tile.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "definitions.hpp"
#include "kernel_fixture.hpp"

namespace langevo {
namespace {

Problem random_problem(std::vector<int> widths, Activation activation, bool output_bias, Loss loss,
                       std::size_t points, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Dataset data;
  data.points = points;
  data.input_dim = widths.front();
  data.target_dim = widths.back();
  for (std::size_t i = 0; i < points * static_cast<std::size_t>(data.input_dim); ++i)
    data.inputs.push_back(normal(generator));
  for (std::size_t i = 0; i < points * static_cast<std::size_t>(data.target_dim); ++i) {
    const double target = normal(generator);
    data.targets.push_back(loss == Loss::cross_entropy ? std::abs(target) : target);
  }
  return {Network(std::move(widths), activation, output_bias), std::move(data), loss};
}

std::vector<double> random_state(std::size_t n, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0, 0.7);
  std::vector<double> x(n);
  for (double& value : x) value = normal(generator);
  return x;
}

// [2,2,1] with tanh, output bias; two points. f = v1 tanh(w11 a + w12 b + c1) + v2 tanh(w21 a + w22 b + c2) +
// o.
TEST(Gradient, ByHandInPytorchsOrder) {
  const Problem problem(Network({2, 2, 1}, Activation::tanh, true),
                        Dataset{2, 2, 1, {1, 2, -1, 0.5}, {0.3, -0.2}}, Loss::mse);
  //                          w11  w12  w21   w22  c1   c2    v1  v2    o
  const std::vector<double> x{0.1, 0.2, -0.3, 0.4, 0.5, -0.6, 0.7, -0.8, 0.9};
  const std::vector<std::string> names = problem.network().parameter_names();
  EXPECT_EQ(names[1], "layers.0.weight[0,1]");
  EXPECT_EQ(names[2], "layers.0.weight[1,0]");
  EXPECT_EQ(names[5], "layers.0.bias[1]");
  EXPECT_EQ(names[7], "layers.1.weight[0,1]");
  EXPECT_EQ(names[8], "layers.1.bias[0]");
  const double h1[2] = {std::tanh(0.1 * 1 + 0.2 * 2 + 0.5), std::tanh(0.1 * -1 + 0.2 * 0.5 + 0.5)};
  const double h2[2] = {std::tanh(-0.3 * 1 + 0.4 * 2 - 0.6), std::tanh(-0.3 * -1 + 0.4 * 0.5 - 0.6)};
  const double r[2] = {0.7 * h1[0] - 0.8 * h2[0] + 0.9 - 0.3, 0.7 * h1[1] - 0.8 * h2[1] + 0.9 + 0.2};
  KernelFixture kernels(problem);
  EXPECT_NEAR(kernels.loss(x), (r[0] * r[0] + r[1] * r[1]) / 2, 1e-15);
  const std::vector<double> g = kernels.gradient(x);
  EXPECT_NEAR(g[8], r[0] + r[1], 1e-15);
  EXPECT_NEAR(g[6], r[0] * h1[0] + r[1] * h1[1], 1e-15);
  const double s2[2] = {r[0] * -0.8 * (1 - h2[0] * h2[0]), r[1] * -0.8 * (1 - h2[1] * h2[1])};
  EXPECT_NEAR(g[5], s2[0] + s2[1], 1e-15);
  EXPECT_NEAR(g[3], s2[0] * 2 + s2[1] * 0.5, 1e-15);
}

// Two outputs, three points, one weight layer: softmax by hand.
TEST(Gradient, CrossEntropyByHand) {
  const Problem problem(Network({1, 2}, Activation::identity, false), Dataset{1, 1, 2, {1}, {1, 0}},
                        Loss::cross_entropy);
  KernelFixture kernels(problem);
  const double p = 1 / (1 + std::exp(-2.0));  // softmax of (1, -1)
  EXPECT_NEAR(kernels.loss({1, -1}), -std::log(p), 1e-15);
  EXPECT_NEAR(kernels.gradient({1, -1})[0], p - 1, 1e-15);
  EXPECT_NEAR(kernels.gradient({1, -1})[1], 1 - p, 1e-15);
  EXPECT_NEAR(kernels.loss({800, -800}), 0, 1e-300);
  EXPECT_NEAR(kernels.loss({-800, 800}), 1600, 1e-12);
}

// Fourth-order central differences of the loss in double along every parameter: relative error of the whole
// gradient below 1e-7.
TEST(Gradient, AgreesWithCentralDifferences) {
  unsigned seed = 1;
  for (const std::string& instruction_set : usable_instruction_sets()) {
    for (const Activation activation : all_activations()) {
      for (const Loss loss : all_losses()) {
        for (const bool output_bias : {false, true}) {
          for (const std::vector<int>& widths :
               {std::vector<int>{1, 1}, {3, 2}, {1, 7, 1}, {2, 9, 3}, {3, 5, 4, 2}, {1, 8, 8, 8, 8, 3}}) {
            const std::size_t points = std::vector<std::size_t>{1, 31, 64, 65}[seed % 4];
            const Problem problem = random_problem(widths, activation, output_bias, loss, points, seed);
            KernelFixture kernels(problem, instruction_set);
            std::vector<double> x = random_state(problem.network().parameter_count(), seed);
            const std::vector<double> g = kernels.gradient(x);
            const double h =
                has_second_derivatives(activation, loss) ? 1e-3 : 1e-7;  // do not step over a kink
            double error = 0;
            double norm = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
              const double x_i = x[i];
              const auto at = [&](double offset) {
                x[i] = x_i + offset;
                return kernels.loss(x);
              };
              const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
              x[i] = x_i;
              error += (difference - g[i]) * (difference - g[i]);
              norm += g[i] * g[i];
            }
            // the differences themselves carry the rounding of U / h
            const double rounding = 4e-16 * kernels.loss(x) / h * std::sqrt(static_cast<double>(x.size()));
            EXPECT_LE(std::sqrt(error), 1e-7 * std::sqrt(norm) + rounding)
                << instruction_set << ' ' << name_of(activation) << " seed " << seed << " |g| "
                << std::sqrt(norm);
            ++seed;
          }
        }
      }
    }
  }
}

// The padding of the last tile must not count: a data set twice over has the same loss and gradient.
TEST(Gradient, IsAMeanOverPoints) {
  for (const std::size_t points : {1, 31, 32, 33, 63, 64, 65, 1000}) {
    const Problem once = random_problem({2, 6, 2}, Activation::tanh, true, Loss::mse, points, 11);
    Dataset doubled = once.data();
    doubled.points *= 2;
    doubled.inputs.insert(doubled.inputs.end(), once.data().inputs.begin(), once.data().inputs.end());
    doubled.targets.insert(doubled.targets.end(), once.data().targets.begin(), once.data().targets.end());
    const Problem twice(once.network(), doubled, once.loss());
    const std::vector<double> x = random_state(once.network().parameter_count(), 12);
    KernelFixture a(once);
    KernelFixture b(twice);
    EXPECT_NEAR(a.loss(x), b.loss(x), 1e-14 * a.loss(x)) << points;
    const std::vector<double> g_once = a.gradient(x);
    const std::vector<double> g_twice = b.gradient(x);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(g_once[i], g_twice[i], 1e-13) << points << ' ' << i;
  }
}

// Nodes of a quadrature and the steps of gradient rules are the same everywhere because these are.
TEST(Gradient, InstructionSetsGiveTheSameBits) {
  for (const Activation activation : all_activations()) {
    for (const Loss loss : all_losses()) {
      for (const std::size_t points : {1, 31, 33, 130}) {
        const Problem problem = random_problem({3, 17, 5, 4}, activation, true, loss, points, 3);
        const std::vector<double> x = random_state(problem.network().parameter_count(), 8);
        const std::vector<double> y = random_state(problem.network().parameter_count(), 9);
        KernelFixture generic(problem, "generic");
        for (const std::string& set : usable_instruction_sets()) {
          KernelFixture other(problem, set);
          const std::string what = "activation " + std::to_string(static_cast<int>(activation)) + ", loss " +
                                   std::to_string(static_cast<int>(loss)) + ", " + set;
          EXPECT_EQ(other.loss(x), generic.loss(x)) << what;
          EXPECT_EQ(other.gradient(x), generic.gradient(x)) << what;
          EXPECT_EQ(other.losses_of_points(x), generic.losses_of_points(x)) << what;
          for (const Precision precision : {Precision::float32, Precision::float64}) {
            EXPECT_EQ(other.loss_change(precision, x, y).change, generic.loss_change(precision, x, y).change)
                << what;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace langevo
