#include "langevo/quadrature.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include "kernel_fixture.hpp"
#include "kernels/cpu/quadrature/choose_nodes.hpp"
#include "langevo/initial_state.hpp"
#include "misuse.hpp"
#include "random_problems.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// Rows 1, s, s^2 at points s = 0, 1/9, ..., 1: all that three points can know.
PointChanges parabolas() {
  PointChanges changes{10, 3, {}, {0, 0, 0}};
  for (int p = 0; p < 10; ++p) {
    const double s = p / 9.0;
    changes.rows.insert(changes.rows.end(), {1.0, s, s * s});
    for (int c = 0; c < 3; ++c) changes.mean[c] += 0.1 * changes.row(p)[c];
  }
  return changes;
}

TEST(NodeChoice, ThreePointsKnowTheMeanOfParabolas) {
  const PointChanges changes = parabolas();
  const NodeChoice choice(changes, 10);
  ASSERT_EQ(choice.points().size(), 3u);
  const std::vector<double> weights = choice.weights(3);
  EXPECT_LT(largest_error(changes, choice.points(), weights), 1e-14);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-14);
  // with two nodes least squares leave something
  EXPECT_GT(largest_error(changes, choice.points(), choice.weights(2)), 1e-3);
}

TEST(NodeChoice, FirstNodeIsThePointOfTheLargestRow) {
  const NodeChoice choice(parabolas(), 1);
  ASSERT_EQ(choice.points().size(), 1u);
  EXPECT_EQ(choice.points()[0], 9u);  // (1, 1, 1)
  // mean row (1, 1/2, 19/54), projected on (1, 1, 1)
  EXPECT_NEAR(choice.weights(1)[0], (1 + 0.5 + 19.0 / 54) / 3, 1e-14);
}

/// A run whose proposals the nodes decide.
struct NodesRun {
  const char* name;
  std::vector<int> widths;
  Activation activation;
  Loss loss;
  std::size_t points;
  double beta;
  double sigma;
  std::uint64_t steps;
  std::optional<std::size_t> nodes;
  bool weighted = false;

  [[nodiscard]] Problem problem() const {
    Dataset data;
    if (widths.front() == 1) {
      data = make_sin_unit(points);
      if (loss == Loss::cross_entropy) {  // two classes, the second where the sine is large
        std::vector<double> classes;
        for (const double target : data.targets)
          classes.insert(classes.end(), {0.5 - 0.4 * target, 0.5 + 0.4 * target});
        data.targets = classes;
        data.target_dim = 2;
      }
    } else {
      data = Dataset{points, 2, 1, {}, {}};
      for (std::size_t p = 0; p < points; ++p) {  // a spiral in the plane, without two equal points
        const double angle = 0.1 * static_cast<double>(p);
        const double radius = static_cast<double>(p + 1) / static_cast<double>(points);
        data.inputs.insert(data.inputs.end(), {radius * std::cos(angle), radius * std::sin(angle)});
        data.targets.push_back(radius * std::sin(2 * angle));
      }
    }
    for (std::size_t p = 0; weighted && p < points; ++p) data.weights.push_back(p % 7 == 3 ? 0 : 1.0 + p % 3);
    return {Network(widths, activation, true), data, loss};
  }
  [[nodiscard]] Dynamics dynamics(Acceptance acceptance) const {
    const std::size_t n = problem().network().parameter_count();
    Dynamics dynamics{Metropolis{.beta = beta, .acceptance = acceptance}, std::vector<double>(n, sigma)};
    for (std::size_t i = 0; i < n; i += 3) dynamics.sigma[i] *= 1.5;
    return dynamics;
  }
  [[nodiscard]] std::vector<double> start() const {
    return draw_initial_state(problem().network(), PytorchInit{}, 4, 0);
  }
  [[nodiscard]] Quadrature quadrature() const {
    return make_quadrature(problem(), dynamics(Acceptance::automatic), {.replicas = replicas, .seed = 7},
                           start(), steps, nodes);
  }

  static constexpr std::uint64_t replicas = 3;
};

struct Evolved {
  std::vector<double> x;
  StepCounters counters;
};

Evolved evolve(const NodesRun& run, Acceptance acceptance, const Quadrature& quadrature, int threads = 2,
               std::vector<std::uint64_t> blocks = {}, const std::string& instruction_set = "") {
  Dynamics dynamics = run.dynamics(acceptance);
  dynamics.quadrature = quadrature;
  const auto ensemble =
      make_ensemble(run.problem(), dynamics, {.replicas = NodesRun::replicas, .seed = 7},
                    {.kind = BackendKind::cpu, .threads = threads, .instruction_set = instruction_set});
  ensemble->set_all_parameters(run.start());
  for (const std::uint64_t block : blocks) ensemble->advance(block);
  ensemble->advance(run.steps - ensemble->step());
  return {ensemble->parameters(0, NodesRun::replicas), ensemble->counters()};
}

class DecisionsOnNodes : public testing::TestWithParam<NodesRun> {};

TEST_P(DecisionsOnNodes, AreThoseOnAllPoints) {
  const NodesRun& run = GetParam();
  const Quadrature quadrature = run.quadrature();
  ASSERT_FALSE(quadrature.empty()) << quadrature.remark;
  EXPECT_LT(quadrature.nodes.size(), run.points);
  for (const std::uint64_t node : quadrature.nodes)
    EXPECT_TRUE(!run.weighted || node % 7 != 3) << "its weight is 0";
  const Evolved exact = evolve(run, Acceptance::exact, {});
  for (const Acceptance acceptance : {Acceptance::automatic, Acceptance::screened}) {
    const Evolved on_nodes = evolve(run, acceptance, quadrature);
    EXPECT_EQ(on_nodes.x, exact.x);
    const StepCounters& c = on_nodes.counters;
    EXPECT_EQ(c.accepted, exact.counters.accepted);
    EXPECT_EQ(c.steps, run.steps * NodesRun::replicas);
    EXPECT_EQ(c.decided(), c.steps);
    EXPECT_EQ(c.repeated_spans, 0u);
    EXPECT_GT(c.spans, 0u);
    EXPECT_LT(c.decided_exactly(), c.steps / 20);  // the nodes' defect leaves few open
    EXPECT_GT(c.decided_on_nodes, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, DecisionsOnNodes,
    testing::Values(
        NodesRun{"shallow", {1, 30, 1}, Activation::tanh, Loss::mse, 1000, inf, 2.5e-6, 20000, 24},
        NodesRun{
            "shallowLargeMutations", {1, 30, 1}, Activation::tanh, Loss::mse, 1000, inf, 2.5e-4, 6000, 32},
        NodesRun{"shallowWarm", {1, 16, 1}, Activation::tanh, Loss::mse, 400, 1e3, 4e-4, 10000, 32},
        NodesRun{"wide", {1, 128, 1}, Activation::tanh, Loss::mse, 1000, 1e3, 1e-4, 4000, 24},
        NodesRun{"deep", {1, 12, 12, 1}, Activation::tanh, Loss::mse, 1001, inf, 1e-5, 6000, 40},
        NodesRun{"softplus", {1, 12, 1}, Activation::softplus, Loss::mse, 500, inf, 1e-5, 6000, 32},
        NodesRun{"gelu", {1, 12, 1}, Activation::gelu, Loss::mse, 500, 1e4, 1e-4, 6000, 32},
        NodesRun{"crossEntropy", {1, 10, 2}, Activation::tanh, Loss::cross_entropy, 500, inf, 1e-5, 6000, 32},
        NodesRun{"twoInputs", {2, 12, 1}, Activation::tanh, Loss::mse, 1000, inf, 1e-5, 6000, 96},
        NodesRun{"weightedPoints", {1, 16, 1}, Activation::tanh, Loss::mse, 500, inf, 1e-5, 6000, 32, true}),
    [](const auto& instance) { return std::string(instance.param.name); });

NodesRun small_run() {
  return {"small", {1, 16, 1}, Activation::tanh, Loss::mse, 500, inf, 1e-5, 12000, 24};
}

/// |g - sum_k w_k g_k| / |g| at x, with g_k the gradient of the problem that has node k alone.
double gradient_error(const NodesRun& run, const Quadrature& quadrature, const std::vector<double>& x) {
  const Problem problem = run.problem();
  const Dynamics dynamics{Gradient{1}, std::vector<double>(x.size(), 1.0)};
  const auto gradient_of = [&](const Problem& of) {
    std::vector<double> gradient(x.size());
    make_ensemble(of, dynamics, {}, {.kind = BackendKind::cpu})->gradient(x, gradient);
    return gradient;
  };
  const std::vector<double> gradient = gradient_of(problem);
  std::vector<double> rest = gradient;
  for (std::size_t k = 0; k < quadrature.nodes.size(); ++k) {
    Dataset point = make_sin_unit(run.points);
    const std::size_t p = quadrature.nodes[k];
    point.points = 1;
    point.inputs = {point.inputs[p]};
    point.targets = {point.targets[p]};
    const std::vector<double> of_node = gradient_of({problem.network(), point, problem.loss()});
    for (std::size_t i = 0; i < x.size(); ++i) rest[i] -= quadrature.weights[k] * of_node[i];
  }
  const auto norm = [](const std::vector<double>& v) {
    return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
  };
  return norm(rest) / norm(gradient);
}

TEST(Quadrature, HasTheGradientOfAllPoints) {
  const NodesRun run = small_run();
  Quadrature quadrature = run.quadrature();
  EXPECT_LT(gradient_error(run, quadrature, run.start()), 1e-10);
  EXPECT_LT(quadrature.gradient_error, 1e-10);
  quadrature.weights[5] *= 1 + 1e-6;
  EXPECT_GT(gradient_error(run, quadrature, run.start()), 1e-9);
}

TEST(Quadrature, StatesDependOnNeitherThreadsNorBlocksNorInstructions) {
  const NodesRun run = small_run();
  const Quadrature quadrature = run.quadrature();
  const Evolved one = evolve(run, Acceptance::automatic, quadrature, 1);
  EXPECT_EQ(evolve(run, Acceptance::automatic, quadrature, 3).x, one.x);
  EXPECT_EQ(evolve(run, Acceptance::automatic, quadrature, 2, {1, 2, 40, 700, 5001}).x, one.x);
  for (const std::string& set : usable_instruction_sets())
    EXPECT_EQ(evolve(run, Acceptance::automatic, quadrature, 2, {}, set).x, one.x) << set;
}

TEST(Quadrature, IsTheSameBitsEverywhere) {
  const NodesRun run = small_run();
  const Quadrature quadrature = run.quadrature();
  std::uint64_t digest = 0;
  for (std::size_t k = 0; k < quadrature.nodes.size(); ++k) {
    std::uint64_t word = 0;
    static_assert(sizeof word == sizeof(double));
    std::memcpy(&word, &quadrature.weights[k], sizeof word);
    digest = (digest ^ quadrature.nodes[k] ^ word) * 0x100000001b3u;
  }
  EXPECT_EQ(digest, 4036316377962386944u) << "recorded where gradients became the same on every instruction "
                                             "set; another number means other nodes "
                                             "or weights";
  EXPECT_TRUE(std::is_sorted(quadrature.nodes.begin(), quadrature.nodes.end()));
}

TEST(Quadrature, WhatIsLearntGoesOnWithTheState) {
  const NodesRun run = small_run();
  Dynamics dynamics = run.dynamics(Acceptance::screened);
  dynamics.quadrature = run.quadrature();
  const auto make = [&] {
    return make_ensemble(run.problem(), dynamics, {.replicas = 2}, {.kind = BackendKind::cpu});
  };
  const auto whole = make();
  whole->set_all_parameters(run.start());
  whole->advance(3000);
  const auto other = make();
  other->restore(whole->save());
  other->restore_learnt(whole->learnt());
  whole->advance(3000);
  other->advance(3000);
  EXPECT_EQ(other->parameters(0, 2), whole->parameters(0, 2));
  EXPECT_EQ(other->counters().spans, whole->counters().spans);
  dynamics.quadrature.weights[0] *= 2;
  EXPECT_THROW(make()->restore_learnt(whole->learnt()), InputError);
}

// What is wrong with a quadrature costs time, and changes no decision.
struct Damage {
  const char* name;
  std::function<void(Quadrature&)> damage;
  double sigma_times = 1;  ///< of the sigma that it was made for
};

class DamagedQuadrature : public testing::TestWithParam<Damage> {};

TEST_P(DamagedQuadrature, CostsTimeAndNoDecision) {
  NodesRun run = small_run();
  run.steps = 9000;  // so few that no replica is told what another one has noticed
  Quadrature quadrature = run.quadrature();
  GetParam().damage(quadrature);
  run.sigma *= GetParam().sigma_times;
  const Evolved exact = evolve(run, Acceptance::exact, {});
  const Evolved on_nodes = evolve(run, Acceptance::automatic, quadrature);
  EXPECT_EQ(on_nodes.x, exact.x);
  EXPECT_GT(on_nodes.counters.repeated_spans, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DamagedQuadrature,
    testing::Values(Damage{"aWeightThatIsOff", [](Quadrature& q) { q.weights[5] *= 1 + 3e-5; }},
                    Damage{"aNodeExchanged", [](Quadrature& q) { q.nodes[7] += 1; }},
                    Damage{"aNodeLeftOut", [](Quadrature& q) { q.nodes.pop_back(), q.weights.pop_back(); }}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(Quadrature, ANetThatLeavesWhatTheNodesKnowIsDecidedOnAllPoints) {
  NodesRun run = small_run();
  run.nodes = 6;
  run.steps = 200;  // the pilots end early
  const Quadrature quadrature = run.quadrature();
  run.steps = 12000;
  run.sigma *= 30;
  const Evolved exact = evolve(run, Acceptance::exact, {});
  const Evolved on_nodes = evolve(run, Acceptance::automatic, quadrature);
  EXPECT_EQ(on_nodes.x, exact.x);
  EXPECT_GT(on_nodes.counters.repeated_spans, 0u);
}

TEST(Quadrature, TheDefectIsFollowedByItsGradient) {
  NodesRun run = small_run();
  run.steps = 9000;  // so few that no replica is told what another one has noticed
  Quadrature quadrature = run.quadrature();
  for (double& weight : quadrature.weights) weight *= 2;  // the defect is now -U, as large as the loss itself
  quadrature.gradient_error = 2e-2;                       // and changes by about 16 times that in a span
  const Evolved exact = evolve(run, Acceptance::exact, {});
  const Evolved on_nodes = evolve(run, Acceptance::screened, quadrature);
  EXPECT_EQ(on_nodes.x, exact.x);
  // not followed, it is as large as the gradient itself, and nearly all spans are done again
  EXPECT_LT(2 * on_nodes.counters.repeated_spans, on_nodes.counters.spans);
  EXPECT_LT(on_nodes.counters.decided_exactly(), on_nodes.counters.steps / 4);
}

class QuadratureOfRandomData : public RandomProblems {
 protected:
  QuadratureOfRandomData() : RandomProblems(11) {}
};

TEST_F(QuadratureOfRandomData, IsNone) {
  const Problem problem = random_problem({10, 4, 1}, Activation::tanh, Loss::mse, 440);
  const std::size_t n = problem.network().parameter_count();
  const Dynamics dynamics{Metropolis{.acceptance = Acceptance::automatic}, std::vector<double>(n, 1e-5)};
  const Quadrature quadrature =
      make_quadrature(problem, dynamics, {.replicas = 1000}, random_state(problem, 0.5), 1000000);
  EXPECT_TRUE(quadrature.empty());
  EXPECT_NE(quadrature.remark.find("of 440 points"), std::string::npos) << quadrature.remark;
}

TEST(Quadrature, IsTakenByItselfWhereItPays) {
  NodesRun run = small_run();
  run.nodes = {};
  run.steps = 100000000;
  const Quadrature quadrature = run.quadrature();
  EXPECT_GE(quadrature.nodes.size(), 8u);
  EXPECT_LE(quadrature.nodes.size(), 40u);
  EXPECT_LT(quadrature.gradient_error, 1e-5);
  run.steps = 10;
  EXPECT_NE(run.quadrature().remark.find("too short"), std::string::npos);
  run.steps = 100000000;
  run.activation = Activation::relu;
  EXPECT_NE(run.quadrature().remark.find("kinks"), std::string::npos);
}

TEST(Quadrature, MisuseIsRefused) {
  const NodesRun run = small_run();
  const Problem problem = run.problem();
  const Dynamics dynamics = run.dynamics(Acceptance::automatic);
  const std::vector<double> x = run.start();
  const auto make = [&](const std::vector<double>& start, std::optional<std::size_t> nodes) {
    return make_quadrature(problem, dynamics, {}, start, 100, nodes);
  };
  expect_refusal("no state", "have 0 numbers", [&] { make({}, {}); });
  expect_refusal("half a state", "not a multiple", [&] { make({x.begin(), x.end() - 1}, {}); });
  expect_refusal("no nodes", "--quadrature 0", [&] { make(x, 0); });
  expect_refusal("too many", "--quadrature 501", [&] { make(x, 501); });
  const auto with = [&](const std::function<void(Quadrature&)>& change) {
    Dynamics damaged = dynamics;
    damaged.quadrature.nodes = {3, 499};
    damaged.quadrature.weights = {0.5, 0.5};
    change(damaged.quadrature);
    make_ensemble(problem, damaged, {}, {.kind = BackendKind::cpu});
  };
  EXPECT_NO_THROW(with([](Quadrature&) {}));
  expect_refusal("weights", "2 nodes and 1 weight",
                 [&] { with([](Quadrature& q) { q.weights.pop_back(); }); });
  expect_refusal("point", "is point 500", [&] { with([](Quadrature& q) { q.nodes[1] = 500; }); });
  expect_refusal("nan", "weight of node 0", [&] { with([](Quadrature& q) { q.weights[0] = NAN; }); });
  expect_refusal("error", "errors of the quadrature",
                 [&] { with([](Quadrature& q) { q.change_error = NAN; }); });
}

}  // namespace
}  // namespace langevo
