// Gradient steps in float, on nodes and in leaps, against steps that all have a gradient in double on all
// points.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include "definitions.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/descent/gradient_sources.hpp"
#include "kernels/descent/leap_lengths.hpp"
#include "kernels/descent/noise_sums.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/quadrature.hpp"
#include "langevo/simulation.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr GradientMethod exact{};
constexpr GradientMethod in_float{GradientSteps::exact, Precision::float32, 1e-5};

GradientMethod followed(double tolerance, Precision precision = Precision::float32) {
  return {GradientSteps::followed, precision, tolerance};
}

struct NamedRule {
  const char* name;
  Rule rule;
  double sigma;
};

/// Each with the time step of a paper's figure or near it.
std::vector<NamedRule> rules() {
  return {{"gradient", Gradient{1e-3}, 1},
          {"normalized gradient", NormalizedGradient{1e-4}, 1},
          {"langevin, beta inf", Langevin{.beta = inf, .stride = 10}, 2.5e-6},
          {"langevin, beta 1e4", Langevin{.beta = 1e4, .stride = 10}, 4.5e-5}};
}

/// Of the noise; 0 without.
double beta_of(const NamedRule& rule) {
  const auto* const langevin = std::get_if<Langevin>(&rule.rule);
  return langevin == nullptr ? 0 : langevin->beta;
}

Problem make_problem(std::vector<int> widths = {1, 8, 1}, std::size_t points = 200) {
  return {Network(std::move(widths), Activation::tanh, true), make_sin_unit(points), Loss::mse};
}

std::vector<double> start_of(const Problem& problem) {
  return draw_initial_state(problem.network(), PytorchInit{}, 3, 0);
}

struct Descended {
  std::vector<double> states;
  GradientErrors errors;
  StepCounters counters;
};

struct Machine {
  int threads = 2;
  std::string instruction_set = {};
};

Dynamics make_dynamics(const Problem& problem, const NamedRule& rule, const GradientMethod& method) {
  Dynamics dynamics{rule.rule, std::vector<double>(problem.network().parameter_count(), rule.sigma)};
  for (std::size_t i = 0; i < dynamics.sigma.size(); i += 3) dynamics.sigma[i] *= 1.5;
  dynamics.gradient = method;
  return dynamics;
}

Descended evolve(const Problem& problem, const Dynamics& dynamics, const std::vector<std::uint64_t>& blocks,
                 const EnsembleShape& shape = {.replicas = 3}, const Machine& machine = {}) {
  const auto ensemble = make_ensemble(
      problem, dynamics, shape,
      {.kind = BackendKind::cpu, .threads = machine.threads, .instruction_set = machine.instruction_set});
  ensemble->set_all_parameters(start_of(problem));
  for (const std::uint64_t block : blocks) ensemble->advance(block);
  return {ensemble->parameters(0, shape.replicas), ensemble->gradient_errors(), ensemble->counters()};
}

double norm_of_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

/// |a - b| relative to the way that b has moved from the start.
double distance(const Problem& problem, const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = start_of(problem);
  std::vector<double> starts;
  while (starts.size() < b.size()) starts.insert(starts.end(), x.begin(), x.end());
  return norm_of_difference(a, b) / norm_of_difference(b, starts);
}

TEST(NoiseSums, AreThoseOfTheDraws) {
  for (const std::size_t n : {1, 31, 33, 90, 1000}) {
    const std::size_t row = normal_buffer_size(n);
    for (const std::uint32_t steps : {1, 2, 7, 32, 33, 100}) {
      const RandomSource source{7, 5, Stream::langevin_noise, 3};
      std::vector<double> sum(row);
      std::vector<double> path(row);
      std::vector<float> float_sum(row);
      std::vector<float> float_path(row);
      NoiseSums noise{sum.data(), path.data(), 0};
      sum_noise(SerialTeam{}, source, n, steps, {float_sum.data(), float_path.data()}, noise);
      EXPECT_EQ(noise.steps, steps);
      std::vector<double> walked(n);
      std::vector<double> along(n);
      std::vector<float> z(row);
      for (std::uint32_t q = 0; q < steps; ++q) {
        RandomSource step = source;
        step.step += q;
        draw_normals(SerialTeam{}, step, n, z.data());
        for (std::size_t i = 0; i < n; ++i) {
          along[i] += walked[i];
          walked[i] += static_cast<double>(z[i]);
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(sum[i], walked[i], 2e-6 * std::sqrt(steps)) << n << ", " << steps;
        ASSERT_NEAR(path[i], along[i], 2e-6 * steps * std::sqrt(steps)) << n << ", " << steps;
      }
    }
  }
}

TEST(NoiseSums, OfHalvesAreThoseOfTheWhole) {
  constexpr std::size_t n = 33;
  constexpr std::uint32_t steps = 64;
  const std::size_t row = normal_buffer_size(n);
  std::vector<std::vector<double>> room(6, std::vector<double>(row));
  std::vector<float> a(row);
  std::vector<float> b(row);
  const auto sums = [&](std::size_t k) { return NoiseSums{room[2 * k].data(), room[2 * k + 1].data(), 0}; };
  NoiseSums whole = sums(0);
  NoiseSums first = sums(1);
  NoiseSums second = sums(2);
  RandomSource source{7, 0, Stream::langevin_noise, 3};
  sum_noise(SerialTeam{}, source, n, steps, {a.data(), b.data()}, whole);
  sum_noise(SerialTeam{}, source, n, steps / 4, {a.data(), b.data()}, first);
  source.step += steps / 4;
  sum_noise(SerialTeam{}, source, n, 3 * steps / 4, {a.data(), b.data()}, second);
  join_noise(SerialTeam{}, n, first, second, first);
  EXPECT_EQ(first.steps, steps);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(first.sum[i], whole.sum[i], 2e-5);
    EXPECT_NEAR(first.path[i], whole.path[i], 1e-3);
  }
}

TEST(GaussPoints, SumCubicsExactly) {
  for (const double steps : {2.0, 3.0, 16.0, 1000.0}) {
    const GaussPoints points(steps);
    double values[2];
    for (int j = 0; j < 2; ++j) {
      const double q = points.at[j];
      values[j] = 1 + q * (2 + q * (3 + q * 4));
    }
    double sum = 0;
    for (double q = 0; q < steps; ++q) sum += 1 + q * (2 + q * (3 + q * 4));
    EXPECT_NEAR(0.5 * steps * (values[0] + values[1]), sum, 1e-12 * sum);
    // and lines between 0 and any step
    const double t = 0.7 * steps;
    const double line = points.before(t, 0) * points.at[0] + points.before(t, 1) * points.at[1];
    EXPECT_NEAR(line, 0.5 * t * (t - 1), 1e-9 * t * t);
    EXPECT_NEAR(points.before(t, 0) + points.before(t, 1), t, 1e-9 * t);
  }
}

TEST(Descent, OfAQuadraticLossALeapIsItsSteps) {
  // up to what noise and drift change of the drift within the leap, times a k H, which is 6e-3
  const Problem problem(Network({1, 1}, Activation::identity, true), make_sin_unit(50), Loss::mse);
  const std::vector<double> x{0.3, -0.8};
  constexpr std::uint64_t steps = 16;
  Dynamics dynamics{Langevin{.beta = 100, .stride = 2}, {1e-3, 1.2e-3}};
  const EnsembleShape shape{.replicas = 10};
  const auto states_of = [&](const GradientMethod& method) {
    dynamics.gradient = method;
    const auto ensemble = make_ensemble(problem, dynamics, shape, {.kind = BackendKind::cpu});
    ensemble->set_all_parameters(x);
    ensemble->advance(steps);
    EXPECT_EQ(ensemble->counters().gradients, method.steps == GradientSteps::exact ? 160u : 0u);
    return ensemble->parameters(0, shape.replicas);
  };
  const std::vector<double> expected = states_of(exact);
  const std::vector<double> found = states_of(followed(1, Precision::float64));  // within one leap
  const auto ensemble = make_ensemble(problem, dynamics, shape, {.kind = BackendKind::cpu});
  std::vector<double> g(2);
  ensemble->gradient(x, g);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double drift = steps * 100 * dynamics.sigma[i % 2] * dynamics.sigma[i % 2] * std::abs(g[i % 2]);
    EXPECT_NEAR(found[i], expected[i], 1.5e-4 * drift) << i;
  }
}

TEST(Descent, InDoubleStepByStepIsWhatItWas) {
  // with measurements of its own off, a step is the formula that tests of one step and golden states hold
  const Problem problem = make_problem();
  for (const NamedRule& rule : rules()) {
    const Descended run = evolve(problem, make_dynamics(problem, rule, exact), {20});
    EXPECT_EQ(run.errors.gradient.count, 0u) << rule.name;
    EXPECT_EQ(run.counters.gradients, 60u) << rule.name;
  }
}

TEST(Descent, StaysNearExactSteps) {
  for (const std::vector<int>& widths : {std::vector<int>{1, 8, 1}, {1, 6, 5, 1}}) {
    const Problem problem = make_problem(widths);
    std::uint64_t checks = 0;
    for (const NamedRule& rule : rules()) {
      constexpr std::uint64_t steps = 6000;
      const Descended expected = evolve(problem, make_dynamics(problem, rule, exact), {steps});
      const Descended single = evolve(problem, make_dynamics(problem, rule, in_float), {steps});
      EXPECT_LT(distance(problem, single.states, expected.states), 1e-6) << rule.name;
      EXPECT_NE(single.states, expected.states) << rule.name;
      EXPECT_GT(single.errors.gradient.count, 0u) << rule.name;
      EXPECT_LT(single.errors.gradient.largest, 1e-5) << rule.name;
      EXPECT_EQ(single.counters.gradients, single.counters.steps) << rule.name;
      std::vector<double> distances;
      for (const double tolerance : {1e-4, 1e-6}) {
        const Descended run =
            evolve(problem, make_dynamics(problem, rule, followed(tolerance, Precision::float64)), {steps});
        distances.push_back(distance(problem, run.states, expected.states));
        EXPECT_LT(distances.back(), tolerance) << rule.name;
        EXPECT_LE(run.errors.halves.largest, tolerance) << rule.name;
        EXPECT_GT(run.errors.halves.count, 0u) << rule.name;
        EXPECT_LT(run.errors.steps.largest, tolerance) << rule.name;
        checks += run.errors.steps.count;
        EXPECT_EQ(run.counters.steps, 3 * steps);
        EXPECT_EQ(run.counters.accepted, 3 * steps);
        if (tolerance > 1e-5) {
          EXPECT_LT(4 * run.counters.gradients, run.counters.steps) << rule.name;
        }
      }
      EXPECT_LT(distances[1], distances[0] / 4) << rule.name;
    }
    EXPECT_GT(checks, 8u);
  }
}

TEST(Descent, OnNodesStaysNearExactSteps) {
  const Problem problem = make_problem({1, 8, 1}, 1000);
  for (const NamedRule& rule : rules()) {
    constexpr std::uint64_t steps = 6000;
    const Descended expected = evolve(problem, make_dynamics(problem, rule, exact), {steps});
    Dynamics dynamics = make_dynamics(problem, rule, followed(1e-5));
    dynamics.quadrature = make_quadrature(problem, dynamics, {.replicas = 1000}, start_of(problem), steps);
    ASSERT_FALSE(dynamics.quadrature.empty()) << rule.name << ": " << dynamics.quadrature.remark;
    EXPECT_LT(dynamics.quadrature.gradient_error, 1e-6) << rule.name;
    const Descended run = evolve(problem, dynamics, {steps});
    EXPECT_LT(distance(problem, run.states, expected.states), 1e-5) << rule.name;
    EXPECT_GT(run.errors.gradient.count, 0u) << rule.name;
    EXPECT_EQ(run.errors.replicas_in_double, 0u) << rule.name;
    EXPECT_EQ(run.errors.replicas_on_nodes, 3u) << rule.name;

    // what nodes leave out is added where it is nearly constant
    const double weight = dynamics.quadrature.weights.front();
    dynamics.quadrature.weights.front() = 1.003 * weight;
    dynamics.quadrature.gradient_error = 1e-2;
    const Descended mended = evolve(problem, dynamics, {steps});
    EXPECT_LT(distance(problem, mended.states, expected.states), 1e-5) << rule.name;
    if (std::isinf(beta_of(rule))) {  // small steps
      EXPECT_EQ(mended.errors.replicas_on_nodes, 3u) << rule.name;
    }

    // and where it is not, all points are taken: bad nodes cost time, not nearness
    dynamics.quadrature.weights.front() = 1.5 * weight;
    dynamics.quadrature.gradient_error = 1;
    const Descended without = evolve(problem, dynamics, {steps});
    EXPECT_LT(distance(problem, without.states, expected.states), 1e-5) << rule.name;
    EXPECT_EQ(without.errors.replicas_on_nodes, 0u) << rule.name;
  }
}

TEST(Descent, GoesOnInDoubleWhereFloatErrsTooMuch) {
  const Problem problem = make_problem();
  for (const NamedRule& rule : rules()) {
    const GradientMethod strict{GradientSteps::exact, Precision::float32, 1e-9};
    const Descended run = evolve(problem, make_dynamics(problem, rule, strict), {9000});
    EXPECT_EQ(run.errors.replicas_in_double, 3u) << rule.name;
    EXPECT_GT(run.errors.gradient.largest, 1e-9) << rule.name;
    const Descended lenient = evolve(problem, make_dynamics(problem, rule, in_float), {9000});
    EXPECT_EQ(lenient.errors.replicas_in_double, 0u) << rule.name;
    EXPECT_NE(lenient.states, run.states) << rule.name;
  }
}

TEST(Descent, BlocksThreadsAndInstructionSetsChangeNoBit) {
  const Problem problem = make_problem();
  const std::string usable = list_devices().front().capability;
  for (const NamedRule& rule : rules()) {
    for (const GradientMethod& method : {in_float, followed(1e-4), followed(1e-6, Precision::float64)}) {
      const Dynamics dynamics = make_dynamics(problem, rule, method);
      const EnsembleShape shape{.replicas = 5};
      const Descended whole = evolve(problem, dynamics, {5001}, shape);
      const Descended cut =
          evolve(problem, dynamics, {1, 3, 100, 996, 3000, 1, 1, 899}, shape, {.threads = 1});
      EXPECT_EQ(whole.states, cut.states) << rule.name;
      EXPECT_EQ(whole.counters.gradients, cut.counters.gradients) << rule.name;
      EXPECT_EQ(whole.errors.halves.count, cut.errors.halves.count) << rule.name;
      EXPECT_EQ(whole.errors.gradient.root_mean_square, cut.errors.gradient.root_mean_square) << rule.name;
      if (usable.find("avx512") == std::string::npos) continue;
      const Descended narrow = evolve(problem, dynamics, {5001}, shape, {.instruction_set = "avx2"});
      const Descended broad = evolve(problem, dynamics, {5001}, shape, {.instruction_set = "avx512"});
      EXPECT_EQ(narrow.states, broad.states) << rule.name;
    }
  }
}

TEST(Descent, AShardIsAPartOfTheWhole) {
  const Problem problem = make_problem();
  const std::size_t n = problem.network().parameter_count();
  const Dynamics dynamics = make_dynamics(problem, rules()[2], followed(1e-4));
  const Descended whole = evolve(problem, dynamics, {4500}, {.replicas = 40});
  const Descended shard = evolve(problem, dynamics, {4500}, {.replicas = 8, .first_replica = 32});
  EXPECT_TRUE(std::equal(shard.states.begin(), shard.states.end(), whole.states.begin() + 32 * n));
}

TEST(Descent, GoesOnFromASavedStateToTheSameBits) {
  const Problem problem = make_problem();
  for (const NamedRule& rule : rules()) {
    const Dynamics dynamics = make_dynamics(problem, rule, followed(1e-4));
    const EnsembleShape shape{.replicas = 3};
    const auto first = make_ensemble(problem, dynamics, shape, {.kind = BackendKind::cpu});
    first->set_all_parameters(start_of(problem));
    for (const std::uint64_t at : {1, 777, 4096}) {  // within a leap and between two
      first->advance(at);
      const EnsembleState state = first->save();
      const auto second = make_ensemble(problem, dynamics, shape, {.kind = BackendKind::cpu});
      second->restore(state);
      EXPECT_EQ(second->parameters(0, 3), first->parameters(0, 3));
      second->advance(2000);
      const auto third = make_ensemble(problem, dynamics, shape, {.kind = BackendKind::cpu});
      third->restore(state);
      third->advance(1000);
      third->advance(1000);
      EXPECT_EQ(second->parameters(0, 3), third->parameters(0, 3)) << rule.name;
      EXPECT_EQ(second->counters().gradients, third->counters().gradients) << rule.name;
    }
    const EnsembleState state = first->save();
    const Descended whole = evolve(problem, dynamics, {1 + 777 + 4096}, shape);
    EXPECT_EQ(state.parameters, whole.states) << rule.name;
  }
}

TEST(Descent, GradientsAreComparedTheMoreOftenTheMoreTheyErr) {
  EXPECT_EQ(next_spacing(4, 1e-3), 5);
  EXPECT_EQ(next_spacing(4, 0.05), 4);
  EXPECT_EQ(next_spacing(4, 0.5), 2);
  EXPECT_EQ(next_spacing(1, 0.5), 0);
  EXPECT_LE(next_spacing(60, 0), 63) << "2^63 stretches are more than there are";
}

TEST(Descent, RefusesAStateOfOtherDynamics) {
  const Problem problem = make_problem();
  const auto noisy = make_ensemble(problem, make_dynamics(problem, rules()[2], followed(1e-4)),
                                   {.replicas = 3}, {.kind = BackendKind::cpu});
  noisy->set_all_parameters(start_of(problem));
  noisy->advance(10);
  const auto refuses = [&](const Dynamics& dynamics) {
    const auto other = make_ensemble(problem, dynamics, {.replicas = 3}, {.kind = BackendKind::cpu});
    EXPECT_THROW(other->restore(noisy->save()), InputError);
  };
  refuses(make_dynamics(problem, rules()[0], followed(1e-4)));
  refuses(make_dynamics(problem, rules()[2], followed(1e-3)));
}

TEST(Descent, SaysAtWhichStepItLeavesTheFiniteNumbers) {
  const Problem problem = make_problem();
  for (const GradientMethod& method : {in_float, followed(1e-4)}) {
    const Dynamics dynamics{
        Gradient{1e200}, std::vector<double>(problem.network().parameter_count(), 1.0), {}, method};
    const auto ensemble = make_ensemble(problem, dynamics, {.replicas = 2}, {.kind = BackendKind::cpu});
    ensemble->set_all_parameters(start_of(problem));
    EXPECT_THROW(ensemble->advance(100), RunError);
    EXPECT_THROW(ensemble->advance(1), InputError);
  }
}

TEST(Descent, OfManyReplicasThatBeginAlikeIsThatOfEach) {
  // 20 steps of each, within one leap
  const Problem problem = make_problem();
  const std::size_t n = problem.network().parameter_count();
  const Dynamics dynamics = make_dynamics(problem, rules()[2], followed(1e-4));
  const Descended many = evolve(problem, dynamics, {20}, {.replicas = 1000});
  const Descended one = evolve(problem, dynamics, {20}, {.replicas = 1, .first_replica = 999});
  EXPECT_TRUE(
      std::equal(one.states.begin(), one.states.end(), many.states.end() - static_cast<std::ptrdiff_t>(n)));
  // and that of replicas which are set one by one
  const auto apart = make_ensemble(problem, dynamics, {.replicas = 1000}, {.kind = BackendKind::cpu});
  for (std::uint64_t r = 0; r < 1000; ++r) apart->set_parameters(r, start_of(problem));
  apart->advance(20);
  EXPECT_EQ(apart->parameters(0, 1000), many.states);
}

TEST(Reference, FollowedIsThatOfExactSteps) {
  const Problem problem = make_problem();
  const std::vector<double> x = start_of(problem);
  const std::vector<double> ones(x.size(), 1.0);
  const std::vector<double> times{0, 1e-4, 0.0123456, 0.3, 0.9, 2};
  for (const Rule& rule : {Rule(Gradient{1e-4}), Rule(NormalizedGradient{1e-4})}) {
    const auto expected = follow_reference(problem, {rule, ones}, 1e-4, x, times, {});
    const auto found = follow_reference(problem, {rule, ones, {}, reference_method}, 1e-4, x, times, {});
    for (std::size_t k = 1; k < times.size(); ++k) {
      const double way = norm_of_difference(expected.parameter[k], x);
      EXPECT_LT(norm_of_difference(found.parameter[k], expected.parameter[k]), 1e-9 * way) << times[k];
    }
  }
}

}  // namespace
}  // namespace langevo
