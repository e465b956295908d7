// Losses that are weighted means over points: by hand, against their definition in quadruple precision, and
// what weights that are equal, whole numbers or zero have to come to.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernel_fixture.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/network/hessian.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "quad.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::size_t sizes[] = {1, 31, 33, 1000};

struct Shape {
  std::vector<int> widths;
  Loss loss;
};

/// One hidden layer and two, and every loss.
std::vector<Shape> shapes() {
  return {{{1, 3, 1}, Loss::mse},
          {{2, 3, 2}, Loss::mse},
          {{1, 3, 1}, Loss::huber},
          {{2, 4, 3}, Loss::cross_entropy},
          {{1, 3, 4, 2}, Loss::cross_entropy}};
}

Dataset random_data(const Shape& shape, std::size_t points) {
  std::mt19937_64 generator(points + shape.widths.size());
  std::normal_distribution<double> normal;
  Dataset data{points, shape.widths.front(), shape.widths.back(), {}, {}};
  for (std::size_t i = 0; i < points * shape.widths.front(); ++i) data.inputs.push_back(normal(generator));
  for (std::size_t i = 0; i < points * shape.widths.back(); ++i)
    data.targets.push_back(std::abs(normal(generator)));
  return data;
}

/// One point in five does not count; of two in five the weights may be negative.
std::vector<double> some_weights(std::size_t points, bool with_signs) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < points; ++i) {
    const double size = 0.5 + static_cast<double>(i % 7);
    weights.push_back(i % 5 == 1 ? 0 : with_signs && i % 5 > 2 ? -0.4 * size : size);
  }
  return weights;
}

Problem problem_of(const Shape& shape, Activation activation, Dataset data) {
  return Problem::with_signed_weights(Network(shape.widths, activation, true), std::move(data), shape.loss);
}

/// Moderate parameters, in float exact.
std::vector<double> state_of(const Problem& problem) {
  std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
  for (double& value : x) value = static_cast<double>(static_cast<float>(1.5 * value));
  return x;
}

/// sigma_i = 1.
std::vector<double> hessian_of(const Problem& problem, const std::vector<double>& x) {
  const HostProblem host(problem);
  const std::size_t n = x.size();
  const std::size_t padded = padded_row(n);
  OwnedWorkspace<CurvatureWorkspace> work(host.view().network);
  std::vector<float> hessian(padded * padded, -1);
  scaled_hessian(SerialTeam{}, host.view(), x.data(), std::vector<double>(n, 1).data(), work.get(),
                 hessian.data());
  std::vector<double> entries;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) entries.push_back(static_cast<double>(hessian[i * padded + k]));
  }
  return entries;
}

std::vector<double> float_gradient_of(const Problem& problem, const std::vector<double>& x) {
  const HostProblem host(problem);
  OwnedWorkspace<GradientWorkspace<SerialTeam>> work(host.view().network);
  loss_and_float_gradient(SerialTeam{}, host.view(), x.data(), work.get());
  return {work.get().gradient, work.get().gradient + x.size()};
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 1e-3;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], expected[i], tolerance * largest) << "number " << i;
}

template <class Body>
void each_problem(const Body& body) {
  for (const Shape& shape : shapes()) {
    for (const Activation activation : all_activations()) {
      for (const std::size_t points : sizes) {
        SCOPED_TRACE(testing::PrintToString(shape.widths) + ", " + name_of(activation) + ", " +
                     name_of(shape.loss) + ", points " + std::to_string(points));
        body(shape, activation, random_data(shape, points));
      }
    }
  }
}

// f = 2 x on the points (1, 0) and (2, 1) of weights 1/4 and 3/4: residuals 2 and 3.
TEST(WeightedPoints, SquaresByHand) {
  const Dataset data{2, 1, 1, {1, 2}, {0, 1}, {1, 3}};
  const Problem problem(Network({1, 1}, Activation::identity, false), data, Loss::mse);
  EXPECT_EQ(problem.data().weights, (std::vector<double>{0.25, 0.75}));
  KernelFixture kernels(problem);
  EXPECT_EQ(kernels.loss({2}), 0.25 * 4 + 0.75 * 9);
  EXPECT_EQ(kernels.gradient({2}), std::vector<double>{0.25 * 2 * 2 * 1 + 0.75 * 2 * 3 * 2});
  EXPECT_NEAR(hessian_of(problem, {2})[0], 0.25 * 2 * 1 + 0.75 * 2 * 4, 1e-6);
  const double step = 0x1p-20;
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const LossChange change = kernels.loss_change(precision, {2}, {2 + step});
    EXPECT_NEAR(change.change, 10 * step + 3.25 * step * step, change.error_bound);
    EXPECT_LT(change.error_bound, (precision == Precision::float32 ? 1e-5 : 1e-14) * 10 * step);
  }
}

// Two points with the same input, one of each class: with p = softmax(f)_0, U = -log(p)/4 - 3 log(1 - p)/4.
TEST(WeightedPoints, ClassesByHand) {
  const Dataset data{2, 1, 2, {1, 1}, {1, 0, 0, 1}, {0.5, 1.5}};
  const Problem problem(Network({1, 2}, Activation::identity, false), data, Loss::cross_entropy);
  KernelFixture kernels(problem);
  const double p = 1 / (1 + std::exp(-2.0));
  EXPECT_NEAR(kernels.loss({1, -1}), -0.25 * std::log(p) - 0.75 * std::log1p(-p), 4e-15);
  expect_near(kernels.gradient({1, -1}), {p - 0.25, 0.25 - p}, 1e-14);
  const double h = p * (1 - p);
  expect_near(hessian_of(problem, {1, -1}), {h, -h, -h, h}, 1e-6);
}

// The weights of a quadrature may be negative: r^2 of the first point minus r^2 of the second, times 2 and 1.
TEST(WeightedPoints, NegativeOnesByHand) {
  const Dataset data{2, 1, 1, {1, 2}, {0, 1}, {2, -1}};
  const Problem problem =
      Problem::with_signed_weights(Network({1, 1}, Activation::identity, false), data, Loss::mse);
  KernelFixture kernels(problem);
  EXPECT_EQ(kernels.loss({2}), 2 * 4 - 9);
  EXPECT_EQ(kernels.gradient({2}), std::vector<double>{2 * 2 * 2 * 1 - 2 * 3 * 2});
  EXPECT_NEAR(hessian_of(problem, {2})[0], 2 * 2 * 1 - 2 * 4, 1e-6);
}

TEST(WeightedPoints, LossGradientAndChangeAreThoseOfTheDefinition) {
  each_problem([](const Shape& shape, Activation activation, Dataset data) {
    for (const bool with_signs : {false, true}) {
      data.weights = some_weights(data.points, with_signs);
      const Problem problem = problem_of(shape, activation, data);
      std::vector<double> x = state_of(problem);
      const auto loss = static_cast<double>(quad_loss(problem, x));
      std::vector<double> slopes;
      for (double& value : x) {
        constexpr double step = 0x1p-40;
        const double x_i = value;
        value = x_i + step;
        const Quad above = quad_loss(problem, x);
        value = x_i - step;
        slopes.push_back(static_cast<double>((above - quad_loss(problem, x)) / (2 * Quad(step))));
        value = x_i;
      }
      std::vector<double> proposed = x;
      for (std::size_t i = 0; i < x.size(); ++i) proposed[i] += i % 2 == 0 ? 1e-4 : -3e-5;
      const Quad change = quad_loss(problem, proposed) - quad_loss(problem, x);
      expect_near(float_gradient_of(problem, x), slopes, 2e-5);
      for (const std::string& instruction_set : usable_instruction_sets()) {
        KernelFixture kernels(problem, instruction_set);
        EXPECT_NEAR(kernels.loss(x), loss, 1e-13 * (1 + std::abs(loss)));
        expect_near(kernels.gradient(x), slopes, 1e-11);
        for (const Precision precision : {Precision::float32, Precision::float64}) {
          const LossChange found = kernels.loss_change(precision, x, proposed);
          EXPECT_LE(static_cast<double>(fabsq(Quad(found.change) - change)), found.error_bound);
          EXPECT_LT(found.error_bound, precision == Precision::float32 ? 1e-4 : 1e-13);
        }
      }
    }
  });
}

TEST(WeightedPoints, TheHessianIsTheSlopeOfTheGradient) {
  each_problem([](const Shape& shape, Activation activation, Dataset data) {
    for (const bool with_signs : {false, true}) {
      data.weights = some_weights(data.points, with_signs);
      const Problem problem = problem_of(shape, activation, data);
      if (!has_curvature(HostProblem(problem).view().network)) return;
      const std::vector<double> x = state_of(problem);
      KernelFixture kernels(problem);
      std::vector<double> slopes;
      for (std::size_t i = 0; i < x.size(); ++i) {
        constexpr double step = 0x1p-20;
        std::vector<double> moved = x;
        moved[i] = x[i] + step;
        const std::vector<double> above = kernels.gradient(moved);
        moved[i] = x[i] - step;
        const std::vector<double> below = kernels.gradient(moved);
        for (std::size_t k = 0; k < x.size(); ++k) slopes.push_back((above[k] - below[k]) / (2 * step));
      }
      expect_near(hessian_of(problem, x), slopes, 2e-5);
    }
  });
}

/// Losses, gradients, Hessians and changes of two problems that are the same.
void expect_same_problem(const Problem& expected, const Problem& found) {
  const std::vector<double> x = state_of(expected);
  std::vector<double> proposed = x;
  for (std::size_t i = 0; i < x.size(); ++i) proposed[i] += i % 2 == 0 ? 1e-4 : -3e-5;
  KernelFixture a(expected);
  KernelFixture b(found);
  EXPECT_NEAR(b.loss(x), a.loss(x), 1e-14 * a.loss(x));
  expect_near(b.gradient(x), a.gradient(x), 1e-13);
  expect_near(float_gradient_of(found, x), float_gradient_of(expected, x), 1e-5);
  if (has_curvature(HostProblem(expected).view().network))
    expect_near(hessian_of(found, x), hessian_of(expected, x), 1e-5);
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const LossChange one = a.loss_change(precision, x, proposed);
    const LossChange other = b.loss_change(precision, x, proposed);
    EXPECT_NEAR(one.change, other.change, one.error_bound + other.error_bound);
    EXPECT_NEAR(std::log(one.error_bound / other.error_bound), 0, 0.7);  // sums of more or fewer terms
  }
}

TEST(WeightedPoints, EqualOnesAreNone) {
  each_problem([](const Shape& shape, Activation activation, Dataset data) {
    const Problem without = problem_of(shape, activation, data);
    data.weights.assign(data.points, 3.5);
    expect_same_problem(without, problem_of(shape, activation, data));
  });
}

TEST(WeightedPoints, WholeNumbersCountPointsSoManyTimes) {
  each_problem([](const Shape& shape, Activation activation, Dataset data) {
    Dataset copies{0, data.input_dim, data.target_dim, {}, {}};
    for (std::size_t point = 0; point < data.points; ++point) {
      const std::size_t times = (point + 2) % 4;
      data.weights.push_back(static_cast<double>(times));
      for (std::size_t time = 0; time < times; ++time, ++copies.points) {
        const auto take = [&](const std::vector<double>& from, int columns, std::vector<double>& to) {
          const auto first = from.begin() + static_cast<std::ptrdiff_t>(point) * columns;
          to.insert(to.end(), first, first + columns);
        };
        take(data.inputs, data.input_dim, copies.inputs);
        take(data.targets, data.target_dim, copies.targets);
      }
    }
    expect_same_problem(problem_of(shape, activation, copies), problem_of(shape, activation, data));
  });
}

// Its outputs would overflow, which must not be seen: all is as without the point, to the last bit.
TEST(WeightedPoints, ZeroIsNoPoint) {
  each_problem([](const Shape& shape, Activation activation, Dataset data) {
    data.weights = some_weights(data.points, false);
    const Problem without = problem_of(shape, activation, data);
    data.points += 2;
    data.inputs.insert(data.inputs.begin(), data.input_dim, 1e300);
    data.inputs.insert(data.inputs.end(), data.input_dim, -1e300);
    data.targets.insert(data.targets.begin(), data.target_dim, 1e300);
    data.targets.insert(data.targets.end(), data.target_dim, 1e300);
    data.weights.insert(data.weights.begin(), 0);
    data.weights.push_back(0);
    const Problem with = problem_of(shape, activation, data);
    const std::vector<double> x = state_of(without);
    std::vector<double> proposed = x;
    for (double& value : proposed) value += 1e-4;
    KernelFixture a(without);
    KernelFixture b(with);
    EXPECT_EQ(a.loss(x), b.loss(x));
    EXPECT_EQ(a.gradient(x), b.gradient(x));
    EXPECT_EQ(float_gradient_of(without, x), float_gradient_of(with, x));
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      EXPECT_EQ(a.loss_change(precision, x, proposed).change, b.loss_change(precision, x, proposed).change);
      EXPECT_EQ(a.loss_change(precision, x, proposed).error_bound,
                b.loss_change(precision, x, proposed).error_bound);
    }
    EXPECT_EQ(estimate_memory(without, {Metropolis{}, {}}, 3, 1),
              estimate_memory(with, {Metropolis{}, {}}, 3, 1));
  });
}

TEST(WeightedPoints, TheDataOfAProblemMakeTheSameProblem) {
  for (const std::size_t points : sizes) {
    const Shape shape = shapes().front();
    Dataset data = random_data(shape, points);
    for (std::size_t i = 0; i < points; ++i) data.weights.push_back(1e308 / static_cast<double>(1 + i));
    const Problem once = problem_of(shape, Activation::tanh, data);
    double sum = 0;
    for (const double weight : once.data().weights) sum += weight;
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_EQ(problem_of(shape, Activation::tanh, once.data()).data().weights, once.data().weights);
  }
}

// Every way to decide a proposal, for weights of either sign: carried values of shallow and deep networks,
// forward passes, local models with a Hessian and without.
TEST(WeightedPoints, DecisionsAreTheSameInEveryPrecisionAndWithLocalModels) {
  for (const Shape& shape : {Shape{{1, 30, 1}, Loss::mse}, Shape{{1, 9, 9, 1}, Loss::mse},
                             Shape{{2, 5, 3}, Loss::cross_entropy}, Shape{{1, 40, 40, 2}, Loss::huber}}) {
    for (const Activation activation : {Activation::tanh, Activation::gelu, Activation::relu}) {
      for (const double beta : {inf, 1e4}) {
        Dataset data = random_data(shape, 100);
        data.weights = some_weights(data.points, beta == inf);
        const Problem problem = problem_of(shape, activation, data);
        std::vector<double> sigma(problem.network().parameter_count(), 1e-5);
        for (std::size_t i = 0; i < sigma.size(); i += 3) sigma[i] *= 2;
        const auto end_of = [&](const Problem& of, Precision precision, Acceptance acceptance) {
          const auto ensemble =
              make_ensemble(of, {Metropolis{beta, precision, acceptance}, sigma},
                            {.replicas = 2, .first_replica = 0, .seed = 7}, {.kind = BackendKind::cpu});
          ensemble->set_all_parameters(state_of(of));
          ensemble->advance(700);
          EXPECT_EQ(ensemble->counters().audit_failures + ensemble->counters().model_failures, 0u);
          return std::pair{ensemble->parameters(0, 2), ensemble->counters().accepted};
        };
        const auto expected = end_of(problem, Precision::float64, Acceptance::exact);
        EXPECT_GT(expected.second, 200u);
        EXPECT_EQ(end_of(problem, Precision::float32, Acceptance::exact), expected);
        EXPECT_EQ(end_of(problem, Precision::float32, Acceptance::screened), expected);
        data.weights.clear();
        const Problem without = problem_of(shape, activation, data);
        EXPECT_NE(end_of(without, Precision::float32, Acceptance::exact).first, expected.first);
      }
    }
  }
}

}  // namespace
}  // namespace langevo
