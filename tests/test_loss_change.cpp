// The change of loss on both rungs of the ladder against quadruple precision: the value and its error bound.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "definitions.hpp"
#include "kernel_fixture.hpp"
#include "quad.hpp"

namespace langevo {

namespace {

struct Outcome {
  std::size_t cases = 0;
  std::size_t float_violations = 0;
  std::size_t double_violations = 0;
  double largest_float_ratio = 0;  ///< of error to bound
  double largest_double_ratio = 0;
  std::string worst;
};

/// Random nets, data, states and mutations: `cases` of them from one seed.
Outcome compare_with_quad(std::size_t cases, Activation activation, Loss loss,
                          const std::string& instruction_set, unsigned seed, bool large) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> normal;
  const auto log_uniform = [&](double low, double high) {
    return low * std::pow(high / low, uniform(generator));
  };
  const auto up_to = [&](int n) { return 1 + static_cast<int>(uniform(generator) * n); };
  Outcome outcome;
  while (outcome.cases < cases) {
    std::vector<int> widths{up_to(3)};
    const int hidden = large ? 1 + up_to(2) : up_to(4) - 1;
    for (int l = 0; l < hidden; ++l) widths.push_back(large ? 20 + up_to(30) : up_to(4));
    widths.push_back(loss == Loss::cross_entropy ? 1 + up_to(3) : up_to(2));
    Dataset data;
    data.points = static_cast<std::size_t>(large ? 50 + up_to(100) : up_to(3));
    data.input_dim = widths.front();
    data.target_dim = widths.back();
    const double input_scale = log_uniform(0.1, 10);
    for (std::size_t i = 0; i < data.points * data.input_dim; ++i)
      data.inputs.push_back(input_scale * normal(generator));
    for (std::size_t i = 0; i < data.points * data.target_dim; ++i) {
      const double target = loss == Loss::cross_entropy ? uniform(generator) : normal(generator);
      data.targets.push_back(loss == Loss::cross_entropy && uniform(generator) < 0.5 ? std::round(target)
                                                                                     : target);
    }
    const bool has_weights = uniform(generator) < 0.25;
    for (std::size_t i = 0; has_weights && i < data.points; ++i)
      data.weights.push_back(log_uniform(1e-3, 1) * (i > 0 && uniform(generator) < 0.2 ? -0.5 : 1));
    if (has_weights) data.weights[0] += static_cast<double>(data.points);  // the sum is positive
    const Problem problem =
        Problem::with_signed_weights(Network(widths, activation, uniform(generator) < 0.5), data, loss);
    KernelFixture kernels(problem, instruction_set);
    std::vector<double> x(problem.network().parameter_count());
    const double weight_scale = log_uniform(0.01, 5);
    for (double& value : x) value = weight_scale * normal(generator);
    for (int proposal = 0; proposal < (large ? 3 : 10) && outcome.cases < cases;
         ++proposal, ++outcome.cases) {
      const double sigma = log_uniform(1e-9, 1e-1);
      std::vector<double> proposed = x;
      for (double& value : proposed) value = std::fma(sigma, normal(generator), value);
      const Quad exact = quad_loss(problem, proposed) - quad_loss(problem, x);
      const auto check = [&](Precision precision, std::size_t& violations, double& largest) {
        const LossChange own = kernels.loss_change(precision, x, proposed);
        if (!std::isfinite(own.change) || !std::isfinite(own.error_bound))
          return;  // sent on to the next rung
        const auto error = static_cast<double>(fabsq(Quad(own.change) - exact));
        largest = std::max(largest, error / own.error_bound);
        if (error > own.error_bound) {
          ++violations;
          outcome.worst = "error " + std::to_string(error / own.error_bound) + " bounds, sigma " +
                          std::to_string(sigma) + ", layers " + std::to_string(widths.size() - 1);
        }
      };
      check(Precision::float32, outcome.float_violations, outcome.largest_float_ratio);
      check(Precision::float64, outcome.double_violations, outcome.largest_double_ratio);
    }
  }
  return outcome;
}

using Case = std::tuple<Activation, Loss>;

class LossChangeTest : public testing::TestWithParam<Case> {
 protected:
  static void expect_no_violations(std::size_t cases, bool large) {
    const auto [activation, loss] = GetParam();
    const std::vector<std::string> sets = usable_instruction_sets();
    Outcome outcomes[2];
    {
      std::vector<std::jthread> threads;
      for (unsigned t = 0; t < 2; ++t) {
        threads.emplace_back([&, t, activation = activation, loss = loss] {
          outcomes[t] = compare_with_quad(cases / 2, activation, loss, sets[(sets.size() - 1) * (1 - t)],
                                          17 + t, large);
        });
      }
    }
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.float_violations, 0u) << outcome.worst;
      EXPECT_EQ(outcome.double_violations, 0u) << outcome.worst;
      RecordProperty("largest_float_ratio", std::to_string(outcome.largest_float_ratio));
      RecordProperty("largest_double_ratio", std::to_string(outcome.largest_double_ratio));
      EXPECT_GT(outcome.largest_float_ratio, large ? 1e-5 : 1e-3) << "a bound this loose tests nothing";
    }
  }
};

// 125,000 cases for each activation and loss, half of them on the best instruction set, half on the generic
// one; and larger nets, where quadruple precision takes its time.
TEST_P(LossChangeTest, BoundsHoldAgainstQuadruplePrecision) {
  expect_no_violations(125000, false);
}
TEST_P(LossChangeTest, BoundsHoldForLargerNets) {
  expect_no_violations(96, true);
}

INSTANTIATE_TEST_SUITE_P(All, LossChangeTest,
                         testing::Combine(testing::ValuesIn(all_activations()),
                                          testing::ValuesIn(all_losses())),
                         [](const auto& which) {
                           return test_name_of(name_of(std::get<0>(which.param)) + "_" +
                                               name_of(std::get<1>(which.param)));
                         });

// Linear regression on one point, exact in binary: f = 2 * 0.5 = 1, y = 0.5, df = 2^-20 * 2.
TEST(LossChange, ByHand) {
  const Problem problem(Network({1, 1}, Activation::identity, false), Dataset{1, 1, 1, {2}, {0.5}},
                        Loss::mse);
  KernelFixture kernels(problem);
  const double df = std::ldexp(1.0, -19);
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const LossChange change = kernels.loss_change(precision, {0.5}, {0.5 + std::ldexp(1.0, -20)});
    EXPECT_NEAR(change.change, df * (2 * 0.5 + df), 1e-7 * df);
    EXPECT_LT(change.error_bound, (precision == Precision::float32 ? 1e-5 : 1e-14) * df);
  }
}

TEST(LossChange, NoMutationIsNoChange) {
  const Problem problem(Network({1, 5, 1}, Activation::tanh, true), Dataset{2, 1, 1, {0.1, 0.7}, {1, -1}},
                        Loss::mse);
  KernelFixture kernels(problem);
  const std::vector<double> x(problem.network().parameter_count(), 0.3);
  EXPECT_EQ(kernels.loss_change(Precision::float32, x, x).change, 0);
  EXPECT_EQ(kernels.loss_change(Precision::float64, x, x).change, 0);
}

TEST(LossChange, NotFiniteIsNotBounded) {
  const Problem problem(Network({1, 3, 1}, Activation::identity, true), Dataset{1, 1, 1, {1}, {1}},
                        Loss::mse);
  KernelFixture kernels(problem);
  std::vector<double> x(problem.network().parameter_count(), 0.5);
  std::vector<double> proposed = x;
  proposed[0] = 1e200;
  EXPECT_FALSE(std::isfinite(kernels.loss_change(Precision::float64, x, proposed).change));
}

}  // namespace
}  // namespace langevo
