// The same bodies over every backend of this machine, held against the CPU; without a device they are
// skipped.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/sin_targets.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

bool usable(BackendKind kind) {
  for (const DeviceInfo& device : list_devices()) {
    if (device.kind == kind && device.usable) return true;
  }
  return false;
}

BackendOptions on(BackendKind kind) {
  BackendOptions options;
  options.kind = kind;
  return options;
}

class BackendTest : public testing::TestWithParam<BackendKind> {
 protected:
  void SetUp() override {
    if (!usable(GetParam())) GTEST_SKIP() << "no usable device";
  }

  /// The CPU's and the other backend's ensembles from the same start, after some steps.
  void evolve(const Rule& rule, double sigma, std::uint64_t replicas, std::uint64_t steps) {
    const std::size_t n = problem_.network().parameter_count();
    const Dynamics dynamics{rule, std::vector<double>(n, sigma)};
    const EnsembleShape shape{replicas, 5, 3};
    expected_ = make_ensemble(problem_, dynamics, shape, on(BackendKind::cpu));
    actual_ = make_ensemble(problem_, dynamics, shape, on(GetParam()));
    for (Ensemble* backend : {expected_.get(), actual_.get()}) {
      backend->set_all_parameters(draw_initial_state(problem_.network(), PytorchInit{}, 3, 0));
      backend->advance(steps / 2);
      backend->advance(steps - steps / 2);
    }
  }

  Problem problem_{Network({1, 30, 1}, Activation::tanh, true), make_sin_unit(100), Loss::mse};
  std::unique_ptr<Ensemble> expected_;
  std::unique_ptr<Ensemble> actual_;
};

TEST_P(BackendTest, MetropolisBitForBit) {
  for (const std::uint64_t replicas : {1, 31, 33, 1000}) {
    for (const double beta : {1e3, std::numeric_limits<double>::infinity()}) {
      for (const Precision precision : {Precision::float32, Precision::float64}) {
        evolve(Metropolis{beta, precision}, 1e-4, replicas, 60);
        EXPECT_EQ(expected_->parameters(0, replicas), actual_->parameters(0, replicas));
        EXPECT_EQ(expected_->counters().accepted, actual_->counters().accepted);
        EXPECT_EQ(expected_->counters().steps, actual_->counters().steps);
        const Moments expected = expected_->parameter_moments();
        const Moments actual = actual_->parameter_moments();
        EXPECT_EQ(expected.mean, actual.mean);
        EXPECT_EQ(expected.sum_squared_deviations, actual.sum_squared_deviations);
      }
    }
  }
}

/// A local model's decisions on either backend against the CPU's exact ones: a Hessian, one that is learnt,
/// finite beta, sigma by parameter, blocks of steps that end in the middle of a stretch.
TEST_P(BackendTest, ScreenedDecisionsAreExact) {
  struct Case {
    std::vector<int> widths;
    Loss loss;
    double beta;
    double sigma;
    std::uint64_t replicas;
    std::uint64_t steps;
  };
  const double inf = std::numeric_limits<double>::infinity();
  for (const Case& c :
       {Case{{1, 30, 1}, Loss::mse, inf, 1e-5, 33, 3000}, Case{{1, 30, 1}, Loss::mse, 1e4, 1e-4, 31, 2000},
        Case{{1, 8, 3}, Loss::cross_entropy, 1e5, 1e-5, 1, 2000},
        Case{{1, 9, 9, 1}, Loss::mse, inf, 1e-6, 33, 1500}}) {
    const Problem problem(Network(c.widths, Activation::tanh, true),
                          make_sin_targets(100, c.widths.back(), c.loss), c.loss);
    std::vector<double> sigma(problem.network().parameter_count(), c.sigma);
    for (std::size_t i = 0; i < sigma.size(); i += 3) sigma[i] *= 2;
    const auto evolve_by = [&](Acceptance acceptance, BackendKind kind) {
      const Dynamics dynamics{Metropolis{.beta = c.beta, .acceptance = acceptance}, sigma};
      auto backend = make_ensemble(problem, dynamics, {c.replicas, 5, 3}, on(kind));
      backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
      backend->advance(c.steps / 3);
      backend->advance(1);
      backend->advance(c.steps - c.steps / 3 - 1);
      return backend;
    };
    const auto expected = evolve_by(Acceptance::exact, BackendKind::cpu);
    const auto actual = evolve_by(Acceptance::screened, GetParam());
    EXPECT_EQ(expected->parameters(0, c.replicas), actual->parameters(0, c.replicas));
    EXPECT_EQ(expected->counters().accepted, actual->counters().accepted);
    EXPECT_GT(actual->counters().decided_by_model, c.replicas * c.steps / 2);
    EXPECT_EQ(actual->counters().model_failures, 0u);
  }
}

TEST_P(BackendTest, GradientRulesToRounding) {
  for (const Rule& rule : {Rule{Gradient{1e-2}}, Rule{NormalizedGradient{1e-2}}, Rule{Langevin{1e3, 1}}}) {
    evolve(rule, std::holds_alternative<Langevin>(rule) ? 1e-3 : 1, 33, 50);
    const std::vector<double> expected = expected_->parameters(0, 33);
    const std::vector<double> actual = actual_->parameters(0, 33);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(expected[i], actual[i], 1e-12);
  }
}

TEST_P(BackendTest, LossesAndGradients) {
  evolve(Metropolis{}, 1e-3, 33, 20);
  const std::vector<double> expected = expected_->losses();
  const std::vector<double> actual = actual_->losses();
  for (std::size_t r = 0; r < expected.size(); ++r) EXPECT_NEAR(expected[r], actual[r], 1e-12 * expected[r]);
  const std::vector<double> x = expected_->parameters(7, 1);
  EXPECT_NEAR(expected_->loss(x), actual_->loss(x), 1e-12);
  std::vector<double> g(x.size());
  std::vector<double> h(x.size());
  EXPECT_NEAR(expected_->gradient(x, g), actual_->gradient(x, h), 1e-12);
  for (std::size_t i = 0; i < g.size(); ++i) EXPECT_NEAR(g[i], h[i], 1e-12);
}

/// Taken when later steps are under way, it is still the ensemble of its time.
TEST_P(BackendTest, SnapshotIsTheEnsembleAsItWas) {
  const std::size_t n = problem_.network().parameter_count();
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{65 * n * 9}}) {
    BackendOptions options = on(GetParam());
    options.device_memory_limit = limit;
    const auto backend =
        make_ensemble(problem_, {Metropolis{1e3}, std::vector<double>(n, 1e-3)}, {100, 0, 3}, options);
    backend->set_all_parameters(draw_initial_state(problem_.network(), PytorchInit{}, 3, 0));
    backend->advance(20);
    const Moments moments = backend->parameter_moments();
    const std::vector<double> losses = backend->losses();
    const std::vector<double> traced = backend->parameters(0, 40);
    const double loss_of_mean = backend->loss(moments.mean);
    std::future<EnsembleSnapshot> future = backend->snapshot(40);
    backend->advance(20);
    backend->set_parameters(0, std::vector<double>(n, 0.25));
    const EnsembleSnapshot snapshot = future.get();
    EXPECT_EQ(snapshot.moments.count, 100);
    EXPECT_EQ(snapshot.moments.mean, moments.mean);
    EXPECT_EQ(snapshot.moments.sum_squared_deviations, moments.sum_squared_deviations);
    EXPECT_EQ(snapshot.losses, losses);
    EXPECT_EQ(snapshot.traced, traced);
    EXPECT_EQ(snapshot.loss_of_mean, loss_of_mean);
    EXPECT_NE(backend->parameters(0, 40), traced);
  }
}

TEST_P(BackendTest, NotFiniteGradientNamesStepAndReplica) {
  const std::size_t n = problem_.network().parameter_count();
  const auto backend =
      make_ensemble(problem_, {Gradient{1e200}, std::vector<double>(n, 1.0)}, {3, 10, 1}, on(GetParam()));
  backend->set_all_parameters(draw_initial_state(problem_.network(), PytorchInit{}, 3, 0));
  try {
    backend->advance(100);
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("replica 10"), std::string::npos) << error.what();
  }
}

/// States that do not fit on the device take turns there; nothing else changes.
TEST_P(BackendTest, BatchesOfReplicasChangeNoBit) {
  const std::size_t n = problem_.network().parameter_count();
  const std::vector<double> x = draw_initial_state(problem_.network(), PytorchInit{}, 3, 0);
  const std::vector<double> other(n, 0.25);
  for (const std::uint64_t replicas : {1, 31, 33, 1000}) {
    const auto evolve_within = [&](std::uint64_t limit, Acceptance acceptance) {
      BackendOptions options = on(GetParam());
      options.device_memory_limit = limit;
      auto backend = make_ensemble(
          problem_, {Metropolis{1e3, Precision::float32, acceptance}, std::vector<double>(n, 1e-3)},
          {replicas, 5, 3}, options);
      backend->set_all_parameters(x);
      backend->set_parameters(replicas - 1, other);
      backend->advance(20);
      backend->advance(11);
      return backend;
    };
    const auto whole = evolve_within(0, Acceptance::exact);
    for (const std::uint64_t room : {65, 200, 600}) {  // replicas
      const auto screened = evolve_within(room * n * 9, Acceptance::screened);
      EXPECT_EQ(whole->parameters(0, replicas), screened->parameters(0, replicas));
      const auto cut = evolve_within(room * n * 9, Acceptance::exact);
      EXPECT_EQ(whole->parameters(0, replicas), cut->parameters(0, replicas));
      EXPECT_EQ(whole->losses(), cut->losses());
      EXPECT_EQ(whole->parameter_moments().mean, cut->parameter_moments().mean);
      EXPECT_EQ(whole->parameter_moments().sum_squared_deviations,
                cut->parameter_moments().sum_squared_deviations);
      EXPECT_EQ(whole->counters().accepted, cut->counters().accepted);
      EXPECT_EQ(whole->counters().decided_by_double, cut->counters().decided_by_double);
      EXPECT_EQ(whole->loss(x), cut->loss(x));
    }
  }
}

/// Shapes for every kind of team: many small replicas, few, deep, wide, with parameters on chip and off.
TEST_P(BackendTest, EveryShapeDecidesAsTheCpu) {
  struct Shape {
    std::vector<int> widths;
    std::uint64_t replicas;
    std::size_t points;
  };
  for (const Shape& shape :
       {Shape{{1, 30, 1}, 5000, 64}, Shape{{1, 30, 1}, 3, 1000}, Shape{{1, 32, 32, 32, 1}, 40, 200},
        Shape{{1, 256, 1}, 200, 100}, Shape{{2, 300, 300, 2}, 2, 130}, Shape{{1, 1}, 2000, 1},
        Shape{{1, 400, 400, 1}, 8, 130}}) {
    const Problem problem(Network(shape.widths, Activation::tanh, true),
                          Dataset{shape.points, shape.widths.front(), shape.widths.back(),
                                  std::vector<double>(shape.points * shape.widths.front(), 0.5),
                                  std::vector<double>(shape.points * shape.widths.back(), 0.25)},
                          Loss::mse);
    const Dynamics dynamics{Metropolis{1e3, Precision::float32},
                            std::vector<double>(problem.network().parameter_count(), 1e-4)};
    const EnsembleShape ensemble{shape.replicas, 0, 3};
    const auto expected = make_ensemble(problem, dynamics, ensemble, on(BackendKind::cpu));
    const auto actual = make_ensemble(problem, dynamics, ensemble, on(GetParam()));
    for (Ensemble* backend : {expected.get(), actual.get()}) {
      backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
      backend->advance(24);
    }
    EXPECT_EQ(expected->parameters(0, shape.replicas), actual->parameters(0, shape.replicas));
    EXPECT_EQ(expected->counters().accepted, actual->counters().accepted);
  }
}

/// Networks that go layer by layer on a GPU, whole and cut into batches.
TEST_P(BackendTest, WholeLayersDoAsTheCpu) {
  problem_ = Problem(Network({1, 150, 150, 1}, Activation::tanh, true), make_sin_unit(64), Loss::mse);
  const std::size_t n = problem_.network().parameter_count();
  constexpr std::uint64_t replicas = 96;
  evolve(Metropolis{1e3}, 1e-5, replicas, 6);
  EXPECT_EQ(expected_->parameters(0, replicas), actual_->parameters(0, replicas));
  EXPECT_EQ(expected_->counters().accepted, actual_->counters().accepted);
  const std::vector<double> losses = expected_->losses();
  const std::vector<double> found = actual_->losses();
  for (std::size_t r = 0; r < replicas; ++r) EXPECT_NEAR(found[r], losses[r], 1e-12);

  BackendOptions options = on(GetParam());
  options.device_memory_limit = 65 * n * 9;
  const auto cut =
      make_ensemble(problem_, {Metropolis{1e3}, std::vector<double>(n, 1e-5)}, {replicas, 5, 3}, options);
  cut->set_all_parameters(draw_initial_state(problem_.network(), PytorchInit{}, 3, 0));
  cut->advance(6);
  EXPECT_EQ(expected_->parameters(0, replicas), cut->parameters(0, replicas));

  for (const Rule& rule : {Rule{NormalizedGradient{1e-2}}, Rule{Langevin{1e3, 1}}}) {
    evolve(rule, std::holds_alternative<Langevin>(rule) ? 1e-3 : 1, replicas, 4);
    const std::vector<double> expected = expected_->parameters(0, replicas);
    const std::vector<double> actual = actual_->parameters(0, replicas);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(expected[i], actual[i], 1e-12);
  }
}

/// Weights of either sign, of which some are 0.
TEST_P(BackendTest, WeightedPointsDoAsOnTheCpu) {
  for (const std::size_t points : {31, 130}) {
    Dataset data = make_sin_unit(points);
    for (std::size_t i = 0; i < points; ++i)
      data.weights.push_back(i % 5 == 2 ? -0.25 : static_cast<double>(i % 3));
    problem_ = Problem::with_signed_weights(Network({1, 7, 1}, Activation::tanh, true), data, Loss::mse);
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      for (const Acceptance acceptance : {Acceptance::exact, Acceptance::screened}) {
        evolve(Metropolis{1e3, precision, acceptance}, 1e-4, 33, 100);
        EXPECT_EQ(expected_->parameters(0, 33), actual_->parameters(0, 33));
        EXPECT_EQ(expected_->counters().accepted, actual_->counters().accepted);
      }
    }
    evolve(Langevin{1e3, 1}, 1e-3, 33, 10);
    const std::vector<double> expected = expected_->losses();
    const std::vector<double> actual = actual_->losses();
    for (std::size_t r = 0; r < expected.size(); ++r) EXPECT_NEAR(expected[r], actual[r], 1e-12);
    const std::vector<double> x = expected_->parameters(7, 1);
    std::vector<double> g(x.size());
    std::vector<double> h(x.size());
    EXPECT_NEAR(expected_->gradient(x, g), actual_->gradient(x, h), 1e-12);
    for (std::size_t i = 0; i < g.size(); ++i) EXPECT_NEAR(g[i], h[i], 1e-12);
  }
}

/// Small enough for a checker of memory and races; with one tile of points a warp works on each replica.
TEST_P(BackendTest, OneTileOfPoints) {
  problem_ = Problem(Network({1, 5, 3, 1}, Activation::tanh, true), make_sin_unit(40), Loss::mse);
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    for (const Acceptance acceptance : {Acceptance::exact, Acceptance::screened}) {
      evolve(Metropolis{1e3, precision, acceptance}, 1e-3, 5, 40);
      EXPECT_EQ(expected_->parameters(0, 5), actual_->parameters(0, 5));
    }
  }
  evolve(Langevin{1e3, 1}, 1e-3, 5, 10);
  const std::vector<double> expected = expected_->losses();
  const std::vector<double> actual = actual_->losses();
  for (std::size_t r = 0; r < expected.size(); ++r) EXPECT_NEAR(expected[r], actual[r], 1e-12);
}

TEST_P(BackendTest, SeveralBackendsTakeTurns) {
  evolve(Metropolis{}, 1e-3, 33, 20);
  const auto first = std::move(actual_);
  evolve(Langevin{1e3, 1}, 1e-3, 1000, 4);  // with other kernels and another share of the memory on chip
  const std::vector<double> before = first->parameters(0, 33);
  first->advance(5);
  EXPECT_NE(before, first->parameters(0, 33));
}

INSTANTIATE_TEST_SUITE_P(All, BackendTest, testing::Values(BackendKind::cpu, BackendKind::cuda),
                         [](const auto& which) { return which.param == BackendKind::cpu ? "cpu" : "cuda"; });

TEST(Backends, AMissingDeviceIsAnInputError) {
  if (usable(BackendKind::cuda)) GTEST_SKIP() << "there is a device";
  const Problem problem(Network({1, 2, 1}, Activation::tanh, true), make_sin_unit(10), Loss::mse);
  const Dynamics dynamics{Metropolis{}, std::vector<double>(problem.network().parameter_count(), 1e-3)};
  EXPECT_THROW(make_ensemble(problem, dynamics, {}, on(BackendKind::cuda)), InputError);
}

TEST(Backends, EveryDeviceThatCannotBeUsedSaysWhy) {
  for (const DeviceInfo& device : list_devices()) EXPECT_EQ(device.usable, device.why_not.empty());
}

TEST(Backends, ADeviceThatDoesNotExistIsAnInputError) {
  const Problem problem(Network({1, 2, 1}, Activation::tanh, true), make_sin_unit(10), Loss::mse);
  const Dynamics dynamics{Metropolis{}, std::vector<double>(problem.network().parameter_count(), 1e-3)};
  for (const int index : {-1, 1000}) {
    BackendOptions options = on(BackendKind::cuda);
    options.device = index;
    EXPECT_THROW(make_ensemble(problem, dynamics, {}, options), InputError);
  }
}

}  // namespace
}  // namespace langevo
