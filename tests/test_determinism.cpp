// The promise of the random-number contract: a trajectory depends on seed, global replica index and
// configuration alone, down to the last bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "definitions.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct NamedRule {
  const char* name;
  Rule rule;
  double sigma;
  GradientMethod gradient = {};
};

constexpr GradientMethod in_float{GradientSteps::exact, Precision::float32, 1e-5};
constexpr GradientMethod followed{GradientSteps::followed, Precision::float32, 1e-3};

std::vector<NamedRule> rules() {
  return {{"metropolis, beta inf", Metropolis{}, 1e-3},
          {"metropolis, beta inf, double", Metropolis{.beta = inf, .precision = Precision::float64}, 1e-3},
          {"metropolis, beta 100", Metropolis{.beta = 100}, 0.05},
          {"gradient", Gradient{.alpha = 0.01}, 1},
          {"normalized gradient", NormalizedGradient{.alpha = 0.01}, 1},
          {"langevin, beta inf", Langevin{.beta = inf, .stride = 3}, 1e-3},
          {"langevin, beta 100", Langevin{.beta = 100, .stride = 3}, 1e-2},
          {"gradient, float", Gradient{.alpha = 0.01}, 1, in_float},
          {"gradient, followed", Gradient{.alpha = 0.01}, 1, followed},
          {"normalized gradient, followed", NormalizedGradient{.alpha = 0.01}, 1, followed},
          {"langevin, beta inf, float", Langevin{.beta = inf, .stride = 3}, 1e-3, in_float},
          {"langevin, beta inf, followed", Langevin{.beta = inf, .stride = 3}, 1e-5, followed},
          {"langevin, beta 100, followed", Langevin{.beta = 100, .stride = 3}, 1e-4, followed}};
}

Problem make_problem(std::size_t points, Activation activation = Activation::tanh) {
  return {Network({1, 5, 4, 1}, activation, true), make_sin_unit(points), Loss::mse};
}

/// Everything that a run can show of an ensemble.
struct Outcome {
  std::vector<double> states;
  std::vector<double> losses;
  std::vector<double> mean;
  std::vector<double> sum_squared_deviations;
  std::vector<std::uint64_t> counters;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::vector<std::uint64_t> as_list(const StepCounters& c) {
  return {c.steps,      c.accepted, c.decided_by_float, c.decided_by_double, c.decided_by_value,
          c.not_finite, c.audits,   c.audit_failures,   c.gradients};
}

struct Sample {
  std::size_t points = 33;
  std::uint64_t replicas = 33;
  std::uint64_t first_replica = 0;
  std::uint64_t seed = 5;
  int threads = 1;
  std::string instruction_set = {};
  std::vector<std::uint64_t> blocks{24};
  Activation activation = Activation::tanh;
};

Outcome evolve(const NamedRule& rule, const Sample& ensemble) {
  const Problem problem = make_problem(ensemble.points, ensemble.activation);
  const std::size_t n = problem.network().parameter_count();
  Dynamics dynamics{rule.rule, std::vector<double>(n, rule.sigma)};
  for (std::size_t i = 0; i < n; i += 3) dynamics.sigma[i] *= 1.5;
  dynamics.gradient = rule.gradient;
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = ensemble.threads;
  options.instruction_set = ensemble.instruction_set;
  const auto backend = make_ensemble(
      problem, dynamics,
      {.replicas = ensemble.replicas, .first_replica = ensemble.first_replica, .seed = ensemble.seed},
      options);
  backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 2, 0));
  for (const std::uint64_t block : ensemble.blocks) backend->advance(block);
  const Moments moments = backend->parameter_moments();
  EXPECT_EQ(moments.count, ensemble.replicas);
  return {backend->parameters(0, ensemble.replicas), backend->losses(), moments.mean,
          moments.sum_squared_deviations, as_list(backend->counters())};
}

bool is_supported(const std::string& instruction_set) {
  const std::string usable = list_devices().front().capability;
  return usable.find(instruction_set) != std::string::npos;
}

TEST(Determinism, TheEnsembleMoves) {
  // what is compared below must be neither the initial state nor the same for all replicas
  for (const NamedRule& rule : rules()) {
    const Outcome outcome = evolve(rule, {});
    const std::size_t n = outcome.mean.size();
    const Outcome still = evolve(rule, {.blocks = {}});
    EXPECT_NE(outcome.states, still.states) << rule.name;
    const bool is_random =
        std::holds_alternative<Metropolis>(rule.rule) || std::holds_alternative<Langevin>(rule.rule);
    const bool same =
        std::equal(outcome.states.begin(), outcome.states.begin() + n, outcome.states.begin() + n);
    EXPECT_EQ(same, !is_random) << rule.name;
    if (is_random) {
      EXPECT_NE(evolve(rule, {.seed = 6}).states, outcome.states) << rule.name;
    }
  }
}

TEST(Determinism, ThreadsChangeNoBit) {
  for (const NamedRule& rule : rules()) {
    for (const std::size_t points : {1, 31, 33, 64, 65, 1000}) {
      const std::uint64_t replicas = points == 1000 ? 31 : 100;
      const Outcome one = evolve(rule, {.points = points, .replicas = replicas, .threads = 1});
      for (const int threads : {2, 5}) {
        EXPECT_EQ(evolve(rule, {.points = points, .replicas = replicas, .threads = threads}), one)
            << rule.name << ", " << points << " points, " << threads << " threads";
      }
    }
  }
}

TEST(Determinism, ThreadsChangeNoBitForAnyNumberOfReplicas) {
  for (const NamedRule& rule : rules()) {
    for (const std::uint64_t replicas : {1, 31, 32, 33, 1000}) {
      const Outcome one = evolve(rule, {.replicas = replicas, .threads = 1, .blocks = {6}});
      for (const int threads : {2, 5}) {
        EXPECT_EQ(evolve(rule, {.replicas = replicas, .threads = threads, .blocks = {6}}), one)
            << rule.name << ", " << replicas << " replicas, " << threads << " threads";
      }
    }
  }
}

TEST(Determinism, BlocksOfStepsChangeNoBit) {
  for (const NamedRule& rule : rules()) {
    const Outcome whole = evolve(rule, {.blocks = {60}});
    EXPECT_EQ(evolve(rule, {.blocks = {1, 2, 30, 7, 20}}), whole) << rule.name;
    EXPECT_EQ(evolve(rule, {.threads = 2, .blocks = std::vector<std::uint64_t>(60, 1)}), whole) << rule.name;
  }
}

TEST(Determinism, AReplicaAloneIsItselfAmongAThousand) {
  for (const NamedRule& rule : rules()) {
    const Outcome all = evolve(rule, {.replicas = 1000, .threads = 2});
    const std::size_t n = all.mean.size();
    for (const std::uint64_t r : {0, 1, 31, 32, 500, 999}) {
      const Outcome alone = evolve(rule, {.replicas = 1, .first_replica = r});
      EXPECT_TRUE(std::equal(alone.states.begin(), alone.states.end(), all.states.begin() + r * n))
          << rule.name << ", replica " << r;
      EXPECT_EQ(alone.losses.front(), all.losses[r]) << rule.name << ", replica " << r;
    }
    // a shard: replicas 400 .. 432
    const Outcome shard = evolve(rule, {.replicas = 33, .first_replica = 400});
    EXPECT_TRUE(std::equal(shard.states.begin(), shard.states.end(), all.states.begin() + 400 * n))
        << rule.name;
  }
}

TEST(Determinism, CountersOfShardsAddUp) {
  for (const NamedRule& rule : rules()) {
    const Outcome all = evolve(rule, {.replicas = 100, .threads = 2});
    Outcome sum = evolve(rule, {.replicas = 40});
    const Outcome rest = evolve(rule, {.replicas = 60, .first_replica = 40});
    for (std::size_t i = 0; i < sum.counters.size(); ++i) sum.counters[i] += rest.counters[i];
    EXPECT_EQ(sum.counters, all.counters) << rule.name;
    EXPECT_EQ(all.counters.front(), 100u * 24) << rule.name;
  }
}

TEST(Determinism, InstructionSetsGiveTheSameBits) {
  if (!is_supported("avx2")) GTEST_SKIP() << "this machine has the generic instruction set alone";
  for (const NamedRule& rule : rules()) {
    const bool decides = std::holds_alternative<Metropolis>(rule.rule);
    for (const Activation activation : all_activations()) {
      for (const std::size_t points : {1, 31, 33, 64, 65, 1000}) {
        if (points == 1000 && !decides && activation != Activation::tanh) continue;
        Sample ensemble{.points = points,
                        .replicas = points == 1000 ? 5u : 33u,
                        .instruction_set = "generic",
                        .blocks = {decides ? 60u : 24u},
                        .activation = activation};
        const Outcome generic = evolve(rule, ensemble);
        for (const char* other : {"avx2", "avx512"}) {
          if (!is_supported(other)) continue;
          ensemble.instruction_set = other;
          EXPECT_EQ(evolve(rule, ensemble), generic)
              << rule.name << ", activation " << static_cast<int>(activation) << ", " << other << ", "
              << points << " points";
        }
      }
    }
  }
}

TEST(Determinism, FloatAndDoubleDecideAlike) {
  for (const double beta : {inf, 100.0, 1e4}) {
    for (const double sigma : {1e-7, 1e-4, 0.03}) {
      const NamedRule single{"float", Metropolis{.beta = beta, .precision = Precision::float32}, sigma};
      const NamedRule twice{"double", Metropolis{.beta = beta, .precision = Precision::float64}, sigma};
      for (const std::size_t points : {1, 31, 33, 64, 65, 1000}) {
        const Sample ensemble{
            .points = points, .replicas = points == 1000 ? 5u : 33u, .threads = 2, .blocks = {200}};
        const Outcome a = evolve(single, ensemble);
        const Outcome b = evolve(twice, ensemble);
        EXPECT_EQ(a.states, b.states) << "beta " << beta << ", sigma " << sigma << ", " << points;
        EXPECT_EQ(a.counters[1], b.counters[1]);
        EXPECT_GT(a.counters[2], a.counters[0] / 2) << "float decides most";
        EXPECT_EQ(b.counters[2], 0u);
        EXPECT_EQ(a.counters[7], 0u) << "audit failures";
      }
    }
  }
}

TEST(Determinism, FloatAndDoubleDecideAlikeWhereSummandsCancel) {
  // At the minimum of a bad fit the terms of first order are large at every point and cancel: the change of
  // loss is about the rounding error of a float sum, and only an honest bound sends it on to double.
  const Problem problem(Network({1, 1}, Activation::tanh, true), make_sin_unit(65), Loss::mse);
  const Dataset& data = problem.data();
  long double t = 0;
  long double tt = 0;
  long double y = 0;
  long double ty = 0;
  for (std::size_t k = 0; k < data.points; ++k) {
    t += data.inputs[k] / 65;
    tt += static_cast<long double>(data.inputs[k]) * data.inputs[k] / 65;
    y += data.targets[k] / 65;
    ty += static_cast<long double>(data.inputs[k]) * data.targets[k] / 65;
  }
  const long double slope = (ty - t * y) / (tt - t * t);
  const std::vector<double> minimum{static_cast<double>(slope), static_cast<double>(y - slope * t)};
  for (const double sigma : {1e-9, 1e-8, 1e-7, 1e-6}) {
    std::vector<std::vector<double>> states;
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      const auto backend = make_ensemble(
          problem, {Metropolis{.beta = inf, .precision = precision}, {sigma, sigma}}, {.replicas = 100}, {});
      backend->set_all_parameters(minimum);
      backend->advance(200);
      states.push_back(backend->parameters(0, 100));
      EXPECT_LT(backend->counters().decided_by_float, backend->counters().steps);
    }
    EXPECT_EQ(states[0], states[1]) << "sigma " << sigma;
  }
}

TEST(RandomNumbers, AMutationIsItsStreamsNormalsTimesSigma) {
  // dead units: dU is 0, so every proposal is accepted and the gradient is 0
  const Problem problem(Network({1, 2, 1}, Activation::relu, false), make_sin_unit(33), Loss::mse);
  const std::vector<double> x{0.5, -0.5, -10, -10, 1, 2};
  const std::vector<double> sigma{1e-3, 2e-3, 3e-3, 1e-3, 1e-2, 1e-4};
  constexpr std::uint64_t seed = 0x123456789abcdef0;
  constexpr std::uint64_t step = 0x3123456789;  // more than 32 bits
  constexpr std::uint64_t stride = 4;
  for (const bool is_langevin : {false, true}) {
    const Rule rule = is_langevin ? Rule(Langevin{.beta = 10, .stride = stride}) : Rule(Metropolis{});
    const auto backend = make_ensemble(
        problem, {rule, sigma}, {.replicas = 3, .first_replica = 40, .seed = seed, .first_step = step}, {});
    backend->set_all_parameters(x);
    backend->advance(1);
    for (std::uint32_t r = 0; r < 3; ++r) {
      const Stream stream = is_langevin ? Stream::langevin_noise : Stream::mutation;
      std::vector<float> z(normal_buffer_size(x.size()));
      draw_normals(SerialTeam{}, RandomSource{seed, step, stream, 40 + r}, x.size(), z.data());
      const std::vector<double> after = backend->parameters(r, 1);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double scale = sigma[i] * (is_langevin ? 2 : 1);  // sqrt(stride)
        EXPECT_NEAR(after[i], x[i] + scale * static_cast<double>(z[i]), 2e-15);
      }
    }
  }
}

TEST(RandomNumbers, AcceptanceComparesTheChangeWithItsStreamsThreshold) {
  // one weight, two points: U(w) = ((w - 3)^2 + (2 w - 1)^2) / 2
  const Problem problem(
      Network({1, 1}, Activation::tanh, false),
      Dataset{.points = 2, .input_dim = 1, .target_dim = 1, .inputs = {1, 2}, .targets = {3, 1}}, Loss::mse);
  const auto loss = [](double w) { return ((w - 3) * (w - 3) + (2 * w - 1) * (2 * w - 1)) / 2; };
  constexpr double beta = 2;
  constexpr std::uint32_t replicas = 2000;
  constexpr std::uint64_t seed = 9;
  const auto backend = make_ensemble(problem, {Metropolis{.beta = beta}, {1.0}},
                                     {.replicas = replicas, .seed = seed, .first_step = 7}, {});
  const std::vector<double> w{1.3};
  backend->set_all_parameters(w);
  backend->advance(1);
  int uphill = 0;
  for (std::uint32_t r = 0; r < replicas; ++r) {
    std::array<float, 4> z{};
    draw_normals(SerialTeam{}, RandomSource{seed, 7, Stream::mutation, r}, 1, z.data());
    const RandomWords words = RandomSource{seed, 7, Stream::acceptance, r}.block(0);
    const double u = uniform_double(words.word[0], words.word[1]);
    const double proposed = w[0] + static_cast<double>(z[0]);
    const double change = loss(proposed) - loss(w[0]);
    const bool accepted = u <= std::exp(-beta * change);
    EXPECT_EQ(backend->parameters(r, 1).front(), accepted ? proposed : w[0]) << "replica " << r;
    uphill += accepted && change > 0 ? 1 : 0;
  }
  EXPECT_GT(uphill, 100);
}

TEST(Determinism, MomentsAndLossesAreThoseOfTheStates) {
  for (const std::uint64_t replicas : {1, 31, 32, 33, 100, 1000}) {
    const NamedRule rule = rules().front();
    const Outcome outcome = evolve(rule, {.replicas = replicas, .threads = 2, .blocks = {10}});
    const std::size_t n = outcome.mean.size();
    for (std::size_t i = 0; i < n; ++i) {
      long double mean = 0;
      for (std::uint64_t r = 0; r < replicas; ++r) mean += outcome.states[r * n + i];
      mean /= static_cast<long double>(replicas);
      long double square = 0;
      for (std::uint64_t r = 0; r < replicas; ++r) {
        const long double deviation = outcome.states[r * n + i] - mean;
        square += deviation * deviation;
      }
      EXPECT_NEAR(outcome.mean[i], static_cast<double>(mean), 1e-15) << replicas << " replicas";
      EXPECT_NEAR(outcome.sum_squared_deviations[i], static_cast<double>(square),
                  1e-11 * static_cast<double>(square) + 1e-30)
          << replicas << " replicas";
    }
    const auto backend = make_ensemble(make_problem(33), {Metropolis{}, std::vector<double>(n, 1)}, {}, {});
    for (std::uint64_t r = 0; r < replicas; ++r) {
      EXPECT_EQ(outcome.losses[r], backend->loss({outcome.states.data() + r * n, n}));
    }
  }
}

// A chunk of 32 replicas takes so much longer than one of a single replica that the second one is done first.
TEST(Moments, AreMergedInTheOrderOfReplicasNotOfCompletion) {
  const Problem problem(Network({1, 10'000, 1}, Activation::tanh, false), make_sin_unit(2), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  const auto ensemble =
      make_ensemble(problem, {Metropolis{}, std::vector<double>(n, 1e-3)},
                    {.replicas = replicas_per_chunk + 1}, {.kind = BackendKind::cpu, .threads = 2});
  for (std::uint64_t r = 0; r <= replicas_per_chunk; ++r) {
    ensemble->set_parameters(r, draw_initial_state(problem.network(), PytorchInit{}, 1, r));
  }
  const std::vector<Moments> chunks = ensemble->chunk_moments();
  ASSERT_EQ(chunks.size(), 2u);
  Moments expected = chunks[0];
  expected.merge(chunks[1]);
  Moments reversed = chunks[1];
  reversed.merge(chunks[0]);
  ASSERT_NE(expected.mean, reversed.mean) << "the order shows nothing";
  for (int i = 0; i < 10; ++i) {
    const Moments found = ensemble->parameter_moments();
    EXPECT_EQ(found.mean, expected.mean);
    EXPECT_EQ(found.sum_squared_deviations, expected.sum_squared_deviations);
  }
}

}  // namespace
}  // namespace langevo
