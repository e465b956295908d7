// Screened acceptance: the local model against finite differences, its decisions against the exact test's,
// and planted errors, which may cost time but never a decision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <type_traits>

#include "definitions.hpp"
#include "kernel_fixture.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/rules/advance.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Problem make_problem(const std::vector<int>& widths, Activation activation, Loss loss, std::size_t points,
                     bool output_bias = true) {
  std::mt19937_64 generator(points + widths.size());
  std::normal_distribution<double> normal;
  Dataset data{points, widths.front(), widths.back(), {}, {}};
  for (std::size_t i = 0; i < points * widths.front(); ++i) data.inputs.push_back(normal(generator));
  for (std::size_t i = 0; i < points * widths.back(); ++i)
    data.targets.push_back(std::abs(normal(generator)));
  return {Network(widths, activation, output_bias), data, loss};
}

struct HessianCase {
  std::vector<int> widths;
  Activation activation;
  Loss loss;
  std::size_t points;
  bool output_bias = true;
};

class HessianTest : public testing::TestWithParam<HessianCase> {};

/// Every entry against central differences of the gradient in double.
TEST_P(HessianTest, IsTheSlopeOfTheGradient) {
  const HessianCase& c = GetParam();
  const Problem problem = make_problem(c.widths, c.activation, c.loss, c.points, c.output_bias);
  const HostProblem host(problem);
  const std::size_t n = problem.network().parameter_count();
  const std::size_t padded = padded_row(n);
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
  std::vector<double> sigma(n);
  for (std::size_t i = 0; i < n; ++i) sigma[i] = 1 + 0.1 * static_cast<double>(i % 7);
  OwnedWorkspace<CurvatureWorkspace> work(host.view().network);
  std::vector<float> hessian(padded * padded, -1);
  scaled_hessian(SerialTeam{}, host.view(), x.data(), sigma.data(), work.get(), hessian.data());

  KernelFixture kernels(problem);
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    constexpr double step = 1e-5;
    std::vector<double> moved = x;
    moved[i] += step;
    const std::vector<double> above = kernels.gradient(moved);
    moved[i] = x[i] - step;
    const std::vector<double> below = kernels.gradient(moved);
    for (std::size_t k = 0; k < n; ++k) {
      const double expected = sigma[i] * sigma[k] * (above[k] - below[k]) / (2 * step);
      EXPECT_NEAR(static_cast<double>(hessian[i * padded + k]), expected, 2e-5) << i << ", " << k;
      largest = std::max(largest, std::abs(expected));
    }
    for (std::size_t k = n; k < padded; ++k) EXPECT_EQ(hessian[i * padded + k], 0);
  }
  EXPECT_GT(largest, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Networks, HessianTest,
                         testing::Values(HessianCase{{1, 1}, Activation::identity, Loss::mse, 1},
                                         HessianCase{{3, 2}, Activation::tanh, Loss::mse, 33},
                                         HessianCase{{3, 4}, Activation::tanh, Loss::cross_entropy, 31},
                                         HessianCase{{1, 1, 1}, Activation::tanh, Loss::mse, 31, false},
                                         HessianCase{{1, 30, 1}, Activation::tanh, Loss::mse, 1000, false},
                                         HessianCase{{2, 17, 1}, Activation::sigmoid, Loss::mse, 65},
                                         HessianCase{{2, 5, 3}, Activation::tanh, Loss::mse, 64},
                                         HessianCase{{3, 7, 4}, Activation::sigmoid, Loss::cross_entropy, 33},
                                         HessianCase{{2, 6, 2}, Activation::relu, Loss::cross_entropy, 31},
                                         HessianCase{{4, 3, 2}, Activation::identity, Loss::mse, 33, false},
                                         HessianCase{{2, 7, 1}, Activation::softplus, Loss::mse, 65},
                                         HessianCase{{1, 9, 2}, Activation::gelu, Loss::cross_entropy, 33},
                                         HessianCase{{2, 5, 2}, Activation::gelu, Loss::huber, 64}));

struct Trajectory {
  std::vector<double> x;
  StepCounters counters;
  ScreeningState screening = {};  ///< of the one replica, where there is but one
};

/// `sigma` differs from parameter to parameter; blocks of uneven size.
Trajectory evolve(const Problem& problem, const std::vector<double>& x, double beta, double sigma,
                  Acceptance acceptance, std::uint64_t replicas, std::uint64_t steps) {
  const std::size_t n = problem.network().parameter_count();
  Dynamics dynamics{Metropolis{.beta = beta, .acceptance = acceptance}, std::vector<double>(n, sigma)};
  for (std::size_t i = 0; i < n; i += 3) dynamics.sigma[i] *= 1.5;
  const auto backend = make_ensemble(problem, dynamics, {.replicas = replicas, .seed = 7}, {});
  backend->set_all_parameters(x);
  backend->advance(steps / 3);
  backend->advance(1);
  backend->advance(steps - steps / 3 - 1);
  return {backend->parameters(0, replicas), backend->counters()};
}

struct DecisionCase {
  const char* name;
  std::vector<int> widths;
  Activation activation;
  Loss loss;
  std::size_t points;
  double sigma;
  double beta;
  std::uint64_t steps;
};

class ScreenedDecisions : public testing::TestWithParam<DecisionCase> {};

TEST_P(ScreenedDecisions, AreTheExactOnes) {
  const DecisionCase& c = GetParam();
  const Problem problem = make_problem(c.widths, c.activation, c.loss, c.points);
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
  constexpr std::uint64_t replicas = 3;
  const Trajectory exact = evolve(problem, x, c.beta, c.sigma, Acceptance::exact, replicas, c.steps);
  EXPECT_EQ(exact.counters.decided_by_model, 0u);
  for (const Acceptance acceptance : {Acceptance::screened, Acceptance::automatic}) {
    const Trajectory screened = evolve(problem, x, c.beta, c.sigma, acceptance, replicas, c.steps);
    EXPECT_EQ(screened.x, exact.x);
    EXPECT_EQ(screened.counters.steps, replicas * c.steps);
    EXPECT_EQ(screened.counters.decided(), replicas * c.steps);
    EXPECT_EQ(screened.counters.accepted, exact.counters.accepted);
    EXPECT_EQ(screened.counters.model_failures, 0u);
    if (!has_second_derivatives(c.activation, c.loss)) {  // no model decides over kinks
      EXPECT_EQ(screened.counters.decided_by_model, 0u);
    } else if (acceptance == Acceptance::screened) {
      EXPECT_GT(screened.counters.decided_by_model, replicas * c.steps / 2);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ScreenedDecisions,
    testing::Values(
        DecisionCase{"shallow", {1, 30, 1}, Activation::tanh, Loss::mse, 1000, 2.5e-6, inf, 9000},
        DecisionCase{"shallowLarge", {1, 30, 1}, Activation::tanh, Loss::mse, 100, 2.5e-4, inf, 6000},
        DecisionCase{"shallowFinite", {1, 30, 1}, Activation::tanh, Loss::mse, 100, 1e-4, 1e4, 6000},
        DecisionCase{"onePoint", {2, 3, 1}, Activation::sigmoid, Loss::mse, 1, 1e-5, inf, 9000},
        DecisionCase{"relu", {2, 9, 2}, Activation::relu, Loss::mse, 65, 1e-5, inf, 9000},
        DecisionCase{"classes", {3, 8, 4}, Activation::tanh, Loss::cross_entropy, 33, 1e-5, 1e5, 9000},
        DecisionCase{"softplus", {1, 12, 1}, Activation::softplus, Loss::mse, 100, 1e-5, inf, 9000},
        DecisionCase{"gelu", {2, 8, 2}, Activation::gelu, Loss::mse, 65, 1e-5, 1e5, 9000},
        DecisionCase{"huber", {1, 8, 1}, Activation::tanh, Loss::huber, 65, 1e-4, inf, 3000},
        DecisionCase{"linear", {3, 2}, Activation::identity, Loss::mse, 31, 1e-4, 1e4, 9000},
        DecisionCase{"twoParameters", {1, 1}, Activation::identity, Loss::mse, 33, 1e-3, inf, 9000},
        DecisionCase{"deep", {2, 9, 9, 1}, Activation::tanh, Loss::mse, 100, 1e-6, inf, 3000},
        DecisionCase{"deepFinite", {2, 9, 9, 2}, Activation::tanh, Loss::cross_entropy, 64, 1e-5, 1e4, 3000}),
    [](const auto& test) { return std::string(test.param.name); });

/// Where mutations are large beside the weights, few units make errors that come in very different sizes; see
/// bench/large_mutations.
TEST(ScreenedAcceptance, LargeMutationsOfFewUnitsAreDecidedExactly) {
  constexpr std::uint64_t replicas = 20;
  for (const Activation activation : {Activation::tanh, Activation::relu}) {
    for (const int units : {1, 4}) {
      const Problem problem(Network({1, units, 1}, activation, false), make_sin_unit(33), Loss::mse);
      for (const double sigma : {0.1, 0.03}) {
        const auto states = [&](Acceptance acceptance, std::uint64_t seed) {
          const Metropolis rule{.precision = Precision::float64, .acceptance = acceptance};
          const std::vector<double> widths(problem.network().parameter_count(), sigma);
          const auto ensemble = make_ensemble(problem, {rule, widths}, {.replicas = replicas, .seed = seed},
                                              {.kind = BackendKind::cpu});
          for (std::uint64_t r = 0; r < replicas; ++r)
            ensemble->set_parameters(r, draw_initial_state(problem.network(), GaussianInit{1.0}, seed, r));
          ensemble->advance(200);
          return ensemble->parameters(0, replicas);
        };
        for (std::uint64_t seed = 1; seed <= 10; ++seed)
          EXPECT_EQ(states(Acceptance::screened, seed), states(Acceptance::exact, seed));
      }
    }
  }
}

/// Late in a run of few units, one proposal in a thousand is accepted: the state hardly moves along a
/// stretch, and what a mutation itself makes of the curvature's change is more than the way before it has
/// shown.
TEST(ScreenedAcceptance, WhereFewAreAcceptedDecisionsAreExact) {
  const Problem problem(Network({1, 8, 1}, Activation::tanh, true), make_sin_symmetric(40), Loss::mse);
  const std::vector<double> sigma(problem.network().parameter_count(), 1e-3);
  const auto ensemble_of = [&](Acceptance acceptance) {
    auto ensemble = make_ensemble(problem, {Metropolis{.acceptance = acceptance}, sigma},
                                  {.replicas = 3, .first_replica = 1}, {.kind = BackendKind::cpu});
    ensemble->set_all_parameters(draw_initial_state(problem.network(), GaussianInit{0.5}, 1, 0));
    return ensemble;
  };
  const auto exact = ensemble_of(Acceptance::exact);
  const auto automatic = ensemble_of(Acceptance::automatic);
  const auto screened = ensemble_of(Acceptance::screened);
  for (const std::uint64_t steps : {285714, 285714, 285714, 142858, 285714, 117000}) {
    for (const auto& ensemble : {exact.get(), automatic.get(), screened.get()}) ensemble->advance(steps);
    EXPECT_EQ(automatic->parameters(0, 3), exact->parameters(0, 3)) << exact->step();
    EXPECT_EQ(screened->parameters(0, 3), exact->parameters(0, 3)) << exact->step();
  }
  EXPECT_LT(static_cast<double>(exact->counters().accepted),
            0.01 * static_cast<double>(exact->counters().steps));
  EXPECT_GT(static_cast<double>(screened->counters().decided_by_model),
            0.99 * static_cast<double>(exact->counters().steps));
}

/// Where a mutation is large the model does not pay: automatic steps aside, and nothing else changes.
TEST(ScreenedAcceptance, StepsAsideWhereItDoesNotPay) {
  const Problem problem = make_problem({1, 30, 1}, Activation::tanh, Loss::mse, 100);
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
  const Trajectory exact = evolve(problem, x, inf, 0.1, Acceptance::exact, 2, 3000);
  const Trajectory screened = evolve(problem, x, inf, 0.1, Acceptance::automatic, 2, 3000);
  EXPECT_EQ(screened.x, exact.x);
  EXPECT_GT(screened.counters.anchors, 0u);
  EXPECT_LT(screened.counters.anchors, 30u);
}

/// Exact steps come first, as many as cover what trying the model may cost.
TEST(ScreenedAcceptance, ShortRunsAreExact) {
  const Problem problem = make_problem({1, 30, 1}, Activation::tanh, Loss::mse, 100);
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
  const Trajectory brief = evolve(problem, x, inf, 1e-6, Acceptance::automatic, 2, 300);
  EXPECT_EQ(brief.counters.anchors, 0u);
  const Trajectory longer = evolve(problem, x, inf, 1e-6, Acceptance::automatic, 2, 9000);
  EXPECT_GT(longer.counters.decided_by_model, 9000u);
}

struct Balance {
  double exact = 0;         ///< steps
  double followed = 0;      ///< steps by the model
  double lost = 0;          ///< exact steps' worth of time, by the model
  double most_lost = -inf;  ///< beyond what the exact steps so far allow
};

/// The controller over about so many steps where stretches of 16 proposals cost what cost(k) says.
template <class Cost>
Balance control(double steps, const Cost& cost) {
  const ScreeningCosts costs{1000, 0.02, 7, 30, 5, 15};
  ScreeningState state;
  Balance balance;
  ScreeningPolicy::begin(costs, state);
  state.samples = ScreeningPolicy::samples_before_trust;
  for (int k = 0; balance.exact + balance.followed < steps;) {
    if (state.exact_left > 0) {
      balance.exact += static_cast<double>(state.exact_left);
      state.exact_left = 0;
      continue;
    }
    const double spent = cost(k++);
    ScreeningPolicy::settle(16, spent, costs, true, state);
    balance.followed += 16;
    balance.lost += spent - 16;
    balance.most_lost =
        std::max(balance.most_lost, balance.lost - ScreeningPolicy::share_to_lose * balance.exact);
  }
  return balance;
}

// Three stretches of the usual length with the same error: e along by its root mean square, e across by twice
// its mean (its spread is 0), both more for want of experience; and what is allowed for is that, nine times
// along.
TEST(AssumedError, ByHand) {
  AssumedError assumed{{}, 0, 0.25, 100, true, true};
  ErrorGrowth growth;
  const GradientError error{{3, -2, 0, 0}, 4};
  for (int stretch = 0; stretch < 3; ++stretch) take_gradient_error(error, assumed, 100, growth);
  take_gradient_error(error, assumed, 0, growth);  // the state has not moved: no growth to be seen
  const double seen = 1 + 0.95 + 0.95 * 0.95;
  EXPECT_NEAR(growth.seen, seen, 1e-6);
  assumed.assume(growth, 2);
  const double unseen = 2 * (1 + 4 / seen);
  EXPECT_NEAR(assumed.along[0], unseen * 0.03, 1e-7);
  EXPECT_NEAR(assumed.along[1], unseen * 0.02, 1e-7);
  EXPECT_EQ(assumed.along[3], 0);
  EXPECT_NEAR(assumed.across, unseen * 0.08, 1e-3 * unseen * 0.08);
  EXPECT_NEAR(assumed.excess_across(error, 100), 4 / (unseen * 8 + 0.25), 1e-4);
  EXPECT_NEAR(assumed.excess_along(error, 100), 3 / (9 * unseen * 3 + 0.25), 1e-7);
  EXPECT_EQ(assumed.excess(error, 100), assumed.excess_across(error, 100));
  EXPECT_NEAR(assumed.excess({{0, 5, 0, 0}, 0}, 100), 5 / (9 * unseen * 2 + 0.25), 1e-7);
  EXPECT_NEAR(assumed.excess({{0, 0, 1, 0}, 0}, 100), 4, 1e-12) << "where nothing was seen";
  // two of 0.04 and 0.12 across: mean 0.08, mean square 0.008
  ErrorGrowth spread{{}, 0.16f, std::sqrt(0.016f), 2, 100};
  assumed.assume(spread, 1);
  EXPECT_NEAR(assumed.across, 3 * (0.08 + 3 * std::sqrt(0.008 - 0.0064)), 1e-6);
}

TEST(AssumedError, GrowsAsItsHessianLetsItGrow) {
  const auto reach = [](bool curved, bool fresh, double done) {
    return AssumedError{{}, 0, 0, 1600, curved, fresh}.reach(done);
  };
  EXPECT_NEAR(reach(true, true, 100).along, 100 * 2, 1e-9);   // 100^(3/4) 1600^(1/4)
  EXPECT_NEAR(reach(true, true, 100).across, 100 * 4, 1e-9);  // 100^(1/2) 1600^(1/2)
  EXPECT_NEAR(reach(true, false, 100).along, 100 * 4, 1e-9);
  EXPECT_NEAR(reach(true, false, 100).across, 100 * 8, 1e-9);  // 100^(1/4) 1600^(3/4)
  EXPECT_NEAR(reach(false, false, 100).across, 100 * 4, 1e-9);
  for (const bool curved : {false, true}) {
    EXPECT_NEAR(reach(curved, curved, 1600).along, 1600, 1e-9);
    EXPECT_NEAR(reach(curved, curved, 3200).along, 6400, 1e-9);
    EXPECT_NEAR(reach(curved, curved, 3200).across, 6400, 1e-9);
  }
}

/// Whatever stretches cost, the loss is the sixteenth part of the exact steps so far at the most, and one
/// stretch; where they never pay it becomes much less, where they begin to pay it is a gain in the end.
TEST(ScreeningPolicy, LosesNoMoreThanItsShare) {
  for (const double cost : {14.0, 16.0, 17.0, 50.0, 200.0}) {
    const Balance loser = control(1e7, [&](int) { return cost; });
    EXPECT_LT(loser.most_lost, cost - 16 + 1e-6) << cost;
    EXPECT_LT(loser.lost, 0.01 * loser.exact) << cost;
    EXPECT_LT(loser.followed, 0.4 * loser.exact) << cost;
  }
  const Balance gainer = control(1e6, [](int) { return 4.0; });
  EXPECT_LT(gainer.exact, 3000);
  const Balance learner = control(1e6, [](int k) { return k < 40 ? 30.0 : 8.0; });
  EXPECT_LT(learner.most_lost, 14 + 1e-6);
  EXPECT_LT(learner.exact, 1e5);
  const Balance spoilt = control(1e7, [](int k) { return k < 1000 ? 8.0 : 50.0; });
  EXPECT_LT(spoilt.most_lost, 34 + 1e-6);
  EXPECT_LT(spoilt.followed, 0.05 * spoilt.exact);
}

TEST(ScreenedAcceptance, NetworkThatIsDead) {
  const Problem problem = make_problem({1, 4, 1}, Activation::relu, Loss::mse, 33);
  const std::vector<double> x(problem.network().parameter_count(),
                              0.0);  // gradient 0 but for the output bias
  const Trajectory exact = evolve(problem, x, inf, 1e-5, Acceptance::exact, 2, 2000);
  const Trajectory screened = evolve(problem, x, inf, 1e-5, Acceptance::screened, 2, 2000);
  EXPECT_EQ(screened.x, exact.x);
}

/// What is wrong with the model, once `healthy` Hessians were made.
enum class Fault {
  none,
  small_hessian_entry,
  hessian_entry,
  stale_gradient,
  wrong_gradient_sign,
  lost_hessian,
  float_gradient
};

/// A team whose linear algebra makes mistakes; everything else is right.
struct FaultyTeam : SerialTeam {
  static inline Fault fault = Fault::none;
  static inline int healthy = 0;
  static inline int hessians = 0;
  static inline std::uint64_t float_layers = 0;  ///< of gradients in float
  static constexpr std::size_t last = 36;        // the output bias of the network below, whose entry is 2

  void add_gram(std::size_t count, std::size_t stride, const float* rows, float* out) const {
    SerialTeam::add_gram(count, stride, rows, out);
    if (++hessians <= healthy) return;  // one tile of points in this test: one call a Hessian
    if (fault == Fault::small_hessian_entry) out[last * stride + last] *= 1.01f;
    if (fault == Fault::hessian_entry) out[last * stride + last] *= 1.03f;
    if (fault == Fault::lost_hessian) {
      for (std::size_t i = 0; i < stride * stride; ++i) out[i] = 0;
    }
  }

  template <class Sum, class Real>
  void add_dots(Sum* sums, std::size_t stride, int rows, int columns, const Real* a, const Real* b) const {
    SerialTeam::add_dots(sums, stride, rows, columns, a, b);
    if constexpr (std::is_same_v<Real, float>) {
      ++float_layers;
      if (fault != Fault::float_gradient) return;
      for (int i = 0; i < rows; ++i) {
        for (int k = 0; k < columns; ++k) {
          for (float& partial :
               sums[static_cast<std::size_t>(i) * stride + static_cast<std::size_t>(k)].partial)
            partial *= 1.01f;
        }
      }
    }
  }

  void combine_rows(std::size_t rows, std::size_t stride, const float* matrix, const float* factor,
                    float* out) const {
    SerialTeam::combine_rows(rows, stride, matrix, factor, out);
    if (hessians <= healthy) return;
    const float scale = fault == Fault::stale_gradient        ? 0.0f
                        : fault == Fault::wrong_gradient_sign ? -1.0f
                                                              : 1.0f;
    for (std::size_t c = 0; c < stride; ++c) out[c] *= scale;
  }
};

template <class Team, class RuleType>
Trajectory follow(const Problem& problem, const RuleType& rule, std::uint64_t steps) {
  const HostProblem host(problem);
  const std::size_t n = problem.network().parameter_count();
  const std::vector<double> sigma(n, 1e-6);
  OwnedWorkspace<typename WorkspaceOf<Team, RuleType>::Type> work(host.view().network);
  Trajectory trajectory{draw_initial_state(problem.network(), PytorchInit{}, 3, 0), {}};
  FloatCalibration calibration;
  LearntCurvature learnt;
  const StepContext context{host.view(), sigma.data(), 5, 0, 0};
  advance_replica(Team{}, context, rule, steps,
                  {trajectory.x.data(), &calibration, &trajectory.screening, &learnt}, work.get(),
                  trajectory.counters);
  return trajectory;
}

/// Gradients in float serve almost all anchors where they are right, and none where comparisons with those in
/// double show them to be wrong.
TEST(ScreenedAcceptance, GradientsInFloatServeWhereTheyAreRight) {
  const Problem problem = make_problem({2, 9, 9, 1}, Activation::tanh, Loss::mse, 33);  // one tile
  constexpr std::uint64_t steps = 100000;
  const ScreenedMetropolis rule{{.acceptance = Acceptance::screened}};
  const Trajectory exact = follow<SerialTeam>(problem, Metropolis{}, steps);
  for (const Fault fault : {Fault::none, Fault::float_gradient}) {
    FaultyTeam::fault = fault;
    FaultyTeam::float_layers = 0;
    const Trajectory screened = follow<FaultyTeam>(problem, rule, steps);
    EXPECT_EQ(screened.x, exact.x);
    const auto gradients = static_cast<double>(screened.screening.gradients);
    const double in_float = static_cast<double>(FaultyTeam::float_layers) / 3;
    EXPECT_GT(gradients, 200);
    if (fault == Fault::none) {
      EXPECT_GT(in_float, 0.9 * gradients);
    } else {
      EXPECT_LE(in_float, 5 + gradients / ScreeningPolicy::gradients_per_comparison);
    }
  }
  FaultyTeam::fault = Fault::none;
}

TEST(ScreeningPolicy, GradientInFloatByHand) {
  ScreeningState state;
  EXPECT_TRUE(ScreeningPolicy::compares_gradients(state));
  EXPECT_FALSE(ScreeningPolicy::float_gradient_serves(state)) << "nothing is known yet";
  state.gradients = 4;
  state.growth[0].across = 3;  // 3 stretches with 1 a proposal
  state.growth[0].seen = 3;
  state.growth[0].length = 32;
  ScreeningPolicy::take_float_gradient_error(2, state);  // 32 / 16
  EXPECT_TRUE(ScreeningPolicy::float_gradient_serves(state));
  EXPECT_FALSE(ScreeningPolicy::compares_gradients(state));
  ScreeningPolicy::take_float_gradient_error(2.01, state);
  EXPECT_FALSE(ScreeningPolicy::float_gradient_serves(state));
  ScreeningPolicy::take_float_gradient_error(0, state);
  EXPECT_NEAR(state.float_gradient_error, 0.9 * 2.01, 1e-6);
  ScreeningPolicy::take_float_gradient_error(std::numeric_limits<double>::quiet_NaN(), state);
  EXPECT_FALSE(ScreeningPolicy::float_gradient_serves(state));
  state.gradients = 128;
  EXPECT_TRUE(ScreeningPolicy::compares_gradients(state));
}

TEST(ScreenedAcceptance, PlantedErrorsCostTimeButNoDecision) {
  const Problem problem = make_problem({1, 12, 1}, Activation::tanh, Loss::mse, 33);
  constexpr std::uint64_t steps = 200000;
  const ScreenedMetropolis rule{{.acceptance = Acceptance::screened}};
  const Trajectory exact = follow<SerialTeam>(problem, Metropolis{}, steps);
  FaultyTeam::fault = Fault::none;
  const Trajectory sound = follow<FaultyTeam>(problem, rule, steps);
  EXPECT_EQ(sound.x, exact.x);
  for (const Fault fault : {Fault::small_hessian_entry, Fault::hessian_entry, Fault::stale_gradient,
                            Fault::wrong_gradient_sign, Fault::lost_hessian}) {
    for (const int healthy : {0, 5}) {
      FaultyTeam::fault = fault;
      FaultyTeam::healthy = healthy;
      FaultyTeam::hessians = 0;
      const Trajectory faulty = follow<FaultyTeam>(problem, rule, steps);
      const StepCounters& c = faulty.counters;
      EXPECT_EQ(faulty.x, exact.x) << static_cast<int>(fault) << ", " << healthy;
      if (fault == Fault::small_hessian_entry) continue;  // less than what the remainder does to a length
      // seen: as a larger measured error, which makes stretches shorter, and where it begins too suddenly for
      // the bound in use, by replays
      EXPECT_LT(faulty.screening.length, 0.95f * sound.screening.length)
          << static_cast<int>(fault) << ", " << healthy;
      if (healthy > 0 && fault != Fault::hessian_entry) {
        EXPECT_GT(c.replays, sound.counters.replays) << static_cast<int>(fault);
      }
    }
  }
}

}  // namespace
}  // namespace langevo
