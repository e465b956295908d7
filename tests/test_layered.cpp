// Whole layers at a time, run by the host: changes of the loss within their bounds, gradients, steps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "definitions.hpp"
#include "emulated_team.hpp"
#include "host_layers.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

struct Case {
  std::vector<int> widths;
  std::size_t points;
};

Problem make_problem(const Case& c, Activation activation, Loss loss) {
  std::mt19937_64 generator(c.points + c.widths.size());
  std::normal_distribution<double> normal;
  const auto inputs = static_cast<std::size_t>(c.widths.front());
  const auto outputs = static_cast<std::size_t>(c.widths.back());
  Dataset data{c.points, c.widths.front(), c.widths.back(), {}, {}};
  for (std::size_t i = 0; i < c.points * inputs; ++i) data.inputs.push_back(normal(generator));
  for (std::size_t i = 0; i < c.points * outputs; ++i) data.targets.push_back(std::abs(normal(generator)));
  for (std::size_t i = 0; c.points == 33 && i < c.points; ++i)  // they have weights
    data.weights.push_back(0.25 + static_cast<double>(i % 5));
  return {Network(c.widths, activation, true), data, loss};
}

/// Changes of all members at once, by layers; the double ones in another order.
template <class Real>
std::vector<LossChange> layered(const Problem& problem, const std::vector<double>& x,
                                const std::vector<double>& proposed, std::vector<std::uint32_t> members,
                                bool backwards = false) {
  const HostLayers layers(problem);
  const LayeredProblem view = layers.view();
  HostMachine machine(backwards);
  LayeredChangeWorkspace<SerialTeam, Real> work;
  const LayeredShape shape{view.host.network, view.tiles(), members.size()};
  Arena measure;
  work.carve(measure, shape);
  Arena arena{machine.memory(measure.used)};
  work.carve(arena, shape);
  layered_loss_change<Real>(machine, view,
                            {x.data(), proposed.data(), members.data(), problem.network().parameter_count()},
                            members.size(), work);
  return {work.result, work.result + members.size()};
}

LossChange oracle(const Problem& problem, const double* x, const double* proposed) {
  const HostProblem host(problem);
  OwnedWorkspace<LossChangeWorkspace<SerialTeam, double>> work(host.view().network);
  return loss_change(SerialTeam{}, host.view(), x, proposed, work.get());
}

void expect_within_bounds(const LossChange& found, const LossChange& exact, const std::string& what) {
  ASSERT_TRUE(std::isfinite(found.change) && std::isfinite(found.error_bound)) << what;
  EXPECT_LE(std::abs(found.change - exact.change), found.error_bound + exact.error_bound) << what;
}

const Case cases[] = {{{1, 1}, 1},           {{3, 2}, 33},          {{1, 31, 1}, 31},      {{2, 33, 2}, 1000},
                      {{1, 257, 31, 1}, 33}, {{5, 33, 257, 3}, 65}, {{1, 1, 257, 1}, 1000}};

template <class Body>
void each_problem(const Body& body) {
  for (const Case& c : cases) {
    for (const Activation activation : all_activations()) {
      for (const Loss loss : all_losses()) {
        body(make_problem(c, activation, loss), "widths " + testing::PrintToString(c.widths) + ", points " +
                                                    std::to_string(c.points) + ", activation " +
                                                    name_of(activation) + ", loss " + name_of(loss));
      }
    }
  }
}

TEST(LayeredChange, IsWithinItsBoundOfTheDoubleChange) {
  each_problem([](const Problem& problem, const std::string& what) {
    const std::size_t n = problem.network().parameter_count();
    constexpr std::size_t replicas = 4;
    std::mt19937_64 generator(n);
    std::normal_distribution<double> normal;
    std::vector<double> x;
    std::vector<double> proposed;
    for (std::size_t r = 0; r < replicas; ++r) {
      const double sigma = std::pow(10.0, -2.0 * static_cast<double>(r) - 1.0);
      for (const double value : draw_initial_state(problem.network(), PytorchInit{}, 7, r)) {
        x.push_back(2 * value);
        proposed.push_back(2 * value + sigma * normal(generator));
      }
    }
    for (const bool backwards : {false, true}) {
      const std::vector<std::uint32_t> members{0, 1, 2, 3};
      const std::vector<std::uint32_t> some{3, 1};
      const auto single = layered<float>(problem, x, proposed, members, backwards);
      const auto precise = layered<double>(problem, x, proposed, some, backwards);
      for (std::size_t r = 0; r < replicas; ++r) {
        const LossChange exact = oracle(problem, &x[r * n], &proposed[r * n]);
        expect_within_bounds(single[r], exact, what + ", replica " + std::to_string(r));
        EXPECT_LT(exact.error_bound, single[r].error_bound) << what;
      }
      for (std::size_t i = 0; i < some.size(); ++i) {
        const std::size_t r = some[i];
        expect_within_bounds(precise[i], oracle(problem, &x[r * n], &proposed[r * n]), what + ", double");
        EXPECT_LT(precise[i].error_bound, 1e-6 * single[r].error_bound) << what;
      }
    }
  });
}

constexpr int inputs = 257;
constexpr double half_root = 0x1p-12;  // its square is half the distance between 1 and the next float

/// Sums that begin with 1 and go on with 256 numbers too small to change it: the bound of a value is nearly
/// reached.
TEST(LayeredChange, ValueBoundHoldsForTheWorstOrder) {
  std::vector<double> row(inputs, half_root);
  row[0] = 1;
  const Problem problem(Network({inputs, 1}, Activation::identity, true), Dataset{1, inputs, 1, row, {1.0}},
                        Loss::mse);
  std::vector<double> x = row;
  x.push_back(0);
  std::vector<double> proposed = x;
  proposed.back() = 0x1p-20;
  const LossChange found = layered<float>(problem, x, proposed, {0}).front();
  const LossChange exact = oracle(problem, x.data(), proposed.data());
  const double error = std::abs(found.change - exact.change);
  EXPECT_LE(error, found.error_bound);
  EXPECT_GE(error, 0.6 * found.error_bound) << "the example is no longer the worst";
}

/// The same for the two sums of a change.
TEST(LayeredChange, ChangeBoundHoldsForTheWorstOrder) {
  const Problem problem(Network({1, inputs, 1}, Activation::identity, false),
                        Dataset{1, 1, 1, {1.0}, {1000.0}}, Loss::mse);
  constexpr double delta = 0x1p-10;
  std::vector<double> x(3 * inputs, 0.0);  // weights and biases of the first layer, weights of the second
  x[0] = 1;
  std::vector<double> proposed = x;
  proposed[2 * inputs] = delta;
  for (std::size_t k = 1; k < inputs; ++k) {
    x[k] = half_root;
    proposed[k] = half_root + 0x0.ffp-20 * delta;  // a little less, as proposed weights are a little more
    x[2 * inputs + k] = 0x1p-4;
    proposed[2 * inputs + k] = 0x1p-4 + half_root * delta;
  }
  const LossChange found = layered<float>(problem, x, proposed, {0}).front();
  const LossChange exact = oracle(problem, x.data(), proposed.data());
  const double error = std::abs(found.change - exact.change);
  EXPECT_LE(error, found.error_bound);
  EXPECT_GE(error, 0.6 * found.error_bound) << "the example is no longer the worst";
}

TEST(LayeredGradient, AgreesWithThatOfOneReplica) {
  each_problem([](const Problem& problem, const std::string& what) {
    const HostLayers layers(problem);
    const std::size_t n = problem.network().parameter_count();
    const HostProblem host(problem);
    OwnedWorkspace<GradientWorkspace<SerialTeam>> one(host.view().network);
    LayeredSteps<HostMachine> steps(HostMachine(true), layers.view(), 2, false);
    std::vector<double> x;
    std::vector<double> losses(3);
    for (std::size_t r = 0; r < losses.size(); ++r) {
      const std::vector<double> state = draw_initial_state(problem.network(), PytorchInit{}, 7, r);
      x.insert(x.end(), state.begin(), state.end());
    }
    steps.losses(x.data(), losses.size(), losses.data());
    for (std::size_t r = 0; r < losses.size(); ++r) {
      const double expected = loss_and_gradient(SerialTeam{}, host.view(), &x[r * n], one.get());
      EXPECT_NEAR(losses[r], expected, 1e-12 * std::abs(expected)) << what;
      double loss = 0;
      const double* gradient = steps.gradient(&x[r * n], &loss);
      EXPECT_EQ(loss, losses[r]) << what;
      double largest = 0;
      for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(one.get().gradient[i]));
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_NEAR(gradient[i], one.get().gradient[i], 1e-12 * largest) << what << ", parameter " << i;
    }
  });
}

/// Replicas 7, 8, ... of an ensemble in groups of three, by layers.
struct LayeredRun {
  std::vector<double> x;
  StepCounters counters;
  std::vector<std::uint64_t> taken;
};

constexpr std::uint64_t replicas = 5;

template <class Machine = HostMachine, class RuleType>
LayeredRun run_layered(const Problem& problem, const RuleType& rule, const std::vector<double>& sigma,
                       std::vector<double> x, std::uint64_t steps) {
  constexpr bool mutates = std::is_same_v<RuleType, Metropolis>;
  const HostLayers layers(problem);
  LayeredSteps<Machine> layered(Machine{}, layers.view(), 3, mutates);
  LayeredRun run{std::move(x), {}, std::vector<std::uint64_t>(replicas)};
  const LayeredEnsemble ensemble{sigma.data(), run.x.data(), replicas, 7, 11};
  if constexpr (mutates) {
    std::vector<FloatCalibration> calibrations(replicas);
    layered.advance(rule, ensemble, 0, steps / 2, calibrations.data(), run.counters);
    layered.advance(rule, ensemble, steps / 2, steps - steps / 2, calibrations.data(), run.counters);
  } else {
    layered.advance(rule, ensemble, 0, steps, run.taken.data(), run.counters);
  }
  return run;
}

std::unique_ptr<Ensemble> on_cpu(const Problem& problem, const Rule& rule, const std::vector<double>& sigma,
                                 const std::vector<double>& x, std::uint64_t steps) {
  auto backend = make_ensemble(problem, {rule, sigma}, {replicas, 7, 11}, {.kind = BackendKind::cpu});
  backend->set_parameters(0, x);
  backend->advance(steps);
  return backend;
}

std::vector<double> starts(const Problem& problem) {
  std::vector<double> x;
  for (std::uint64_t r = 0; r < replicas; ++r) {
    const std::vector<double> state = draw_initial_state(problem.network(), PytorchInit{}, 7, r);
    x.insert(x.end(), state.begin(), state.end());
  }
  return x;
}

const Case step_cases[] = {{{1, 1}, 1}, {{2, 33, 2}, 31}, {{1, 70, 70, 1}, 100}};

TEST(LayeredSteps, MetropolisDecidesAsTheCpuDoes) {
  for (const Case& c : step_cases) {
    for (const Activation activation : all_activations()) {
      for (const double beta : {1e3, inf}) {
        for (const Precision precision : {Precision::float32, Precision::float64}) {
          const Loss loss = c.widths.back() > 1 ? Loss::cross_entropy : beta == inf ? Loss::mse : Loss::huber;
          const Problem problem = make_problem(c, activation, loss);
          std::vector<double> sigma(problem.network().parameter_count());
          for (std::size_t i = 0; i < sigma.size(); ++i) sigma[i] = 1e-4 * (1 + static_cast<double>(i % 3));
          constexpr std::uint64_t steps = 60;
          const Metropolis rule{beta, precision};
          const LayeredRun run = run_layered(problem, rule, sigma, starts(problem), steps);
          const auto expected = on_cpu(problem, rule, sigma, starts(problem), steps);
          EXPECT_EQ(run.x, expected->parameters(0, replicas));
          EXPECT_EQ(run.counters.steps, replicas * steps);
          EXPECT_EQ(run.counters.accepted, expected->counters().accepted);
          EXPECT_EQ(run.counters.decided(), replicas * steps);
          EXPECT_EQ(run.counters.audit_failures, 0);
          if (precision == Precision::float32) {
            EXPECT_GT(run.counters.decided_by_float, replicas * steps / 4);
            EXPECT_GT(run.counters.audits, 0);
          } else {
            EXPECT_EQ(run.counters.decided_by_float + run.counters.audits, 0);
          }
        }
      }
    }
  }
}

TEST(LayeredSteps, GradientRulesAgreeWithTheCpusToRounding) {
  for (const Case& c : step_cases) {
    const Problem problem = make_problem(c, Activation::tanh, Loss::mse);
    const std::vector<double> sigma(problem.network().parameter_count(), 0.7);
    const auto expect_close = [&](const auto& rule) {
      constexpr std::uint64_t steps = 20;
      const LayeredRun run = run_layered(problem, gradient_rule(rule), sigma, starts(problem), steps);
      const auto cpu = on_cpu(problem, rule, sigma, starts(problem), steps);
      const std::vector<double> expected = cpu->parameters(0, replicas);
      EXPECT_NE(run.x, starts(problem));
      for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(run.x[i], expected[i], 1e-12);
      EXPECT_EQ(run.counters.accepted, cpu->counters().accepted);
      EXPECT_EQ(run.taken, std::vector<std::uint64_t>(replicas, steps));
    };
    expect_close(Gradient{1e-2});
    expect_close(NormalizedGradient{1e-3});
    expect_close(Langevin{1e3, 1e-4});
    expect_close(Langevin{inf, 1e-4});
  }
}

/// A GPU's warp.
struct RunWarp {
  template <class Body>
  void operator()(const Body& body) const {
    run_team<EmulatedWarp<true>>(body);
  }
};
using WarpMachine = HostMachineOf<EmulatedWarp<true>, RunWarp>;

TEST(LayeredSteps, AWarpTakesThemAsTheSerialTeamDoes) {
  for (const Case& c : step_cases) {
    const Problem problem = make_problem(c, Activation::tanh, Loss::mse);
    const std::vector<double> sigma(problem.network().parameter_count(), 1e-3);
    const Metropolis rule{1e3, Precision::float32};
    const LayeredRun serial = run_layered(problem, rule, sigma, starts(problem), 40);
    const LayeredRun warp = run_layered<WarpMachine>(problem, rule, sigma, starts(problem), 40);
    EXPECT_EQ(serial.x, warp.x);
    EXPECT_EQ(serial.counters.accepted, warp.counters.accepted);
    const LayeredRun drift =
        run_layered(problem, gradient_rule(Langevin{1e3, 1}), sigma, starts(problem), 10);
    const LayeredRun other =
        run_layered<WarpMachine>(problem, gradient_rule(Langevin{1e3, 1}), sigma, starts(problem), 10);
    EXPECT_NE(drift.x, starts(problem));
    for (std::size_t i = 0; i < drift.x.size(); ++i) ASSERT_NEAR(drift.x[i], other.x[i], 1e-12);
  }
}

TEST(LayeredSteps, AReplicaThatLeavesTheFiniteNumbersStaysThere) {
  const Problem problem(Network({1, 1}, Activation::identity, false),
                        Dataset{2, 1, 1, {1.0, 2.0}, {1.0, 2.0}}, Loss::mse);
  std::vector<double> x(replicas, 1.0);  // the minimum
  x[3] = 2;
  const LayeredRun run = run_layered(problem, gradient_rule(Gradient{1e100}), {1.0}, x, 10);
  EXPECT_EQ(run.taken, (std::vector<std::uint64_t>{10, 10, 10, 2, 10}));
  EXPECT_TRUE(std::isfinite(run.x[3]));
  EXPECT_EQ(run.x[2], 1);
  EXPECT_EQ(run.counters.steps, 42);
}

TEST(LayeredSteps, AProposalThatIsNotFiniteIsRejectedAndCounted) {
  const Problem problem = make_problem({{1, 33, 1}, 33}, Activation::identity, Loss::mse);
  const std::vector<double> sigma(problem.network().parameter_count(), 1e200);
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const LayeredRun run = run_layered(problem, Metropolis{inf, precision}, sigma, starts(problem), 10);
    EXPECT_EQ(run.x, starts(problem));
    EXPECT_EQ(run.counters.not_finite, 10 * replicas);
    EXPECT_EQ(run.counters.accepted, 0);
  }
}

}  // namespace
}  // namespace langevo
