// Small ensembles under every rule, by warps, by blocks and layer by layer, on the emulated device: small
// enough to be run in every order of threads and streams, and under the thread sanitizer. They end in the
// CPU's states.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/sin_targets.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cuda/executor.cuh"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "machine.hpp"
#include "tests/definitions.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::uint64_t first_replica = 5;
constexpr std::uint64_t seed = 3;

struct Case {
  std::string name;
  std::vector<int> widths;
  Activation activation;
  Loss loss;
  std::size_t points;
  double beta;
  double sigma;
  std::uint64_t replicas;
  std::uint64_t steps;
  bool has_weights = false;  ///< of either sign

  [[nodiscard]] Problem problem() const {
    Dataset data = make_sin_targets(points, widths.back(), loss);
    for (std::size_t i = 0; has_weights && i < points; ++i)
      data.weights.push_back(i % 5 == 2 ? -0.25 : static_cast<double>(i % 3));
    if (has_weights) return Problem::with_signed_weights(Network(widths, activation, true), data, loss);
    if (widths.front() == 1) return {Network(widths, activation, true), data, loss};
    Dataset wider{points, widths.front(), widths.back(), {}, data.targets};
    for (std::size_t i = 0; i < points * static_cast<std::size_t>(widths.front()); ++i)
      wider.inputs.push_back(std::sin(static_cast<double>(i)));
    return {Network(widths, activation, true), wider, loss};
  }
};

class SmallEnsemble : public testing::TestWithParam<Case> {
 protected:
  SmallEnsemble()
      : problem_(GetParam().problem()), sigma_(problem_.network().parameter_count(), GetParam().sigma) {
    for (std::size_t i = 0; i < sigma_.size(); i += 3) sigma_[i] *= 2;
  }
  void SetUp() override { emulated_cuda::reset_machine(); }

  [[nodiscard]] EnsembleShape shape() const { return {GetParam().replicas, first_replica, seed}; }

  std::unique_ptr<Ensemble> evolve(const Rule& rule, BackendKind kind, std::uint64_t steps,
                                   std::uint64_t device_memory_limit = 0) {
    BackendOptions options;
    options.kind = kind;
    options.device_memory_limit = device_memory_limit;
    auto backend = make_ensemble(problem_, {rule, sigma_}, shape(), options);
    backend->set_all_parameters(draw_initial_state(problem_.network(), PytorchInit{}, seed, 0));
    backend->advance(steps / 2);
    backend->advance(steps - steps / 2);
    return backend;
  }

  void expect_same_decisions(const Ensemble& expected, const Ensemble& actual) const {
    const std::uint64_t replicas = GetParam().replicas;
    EXPECT_EQ(expected.parameters(0, replicas), actual.parameters(0, replicas));
    EXPECT_EQ(expected.counters().accepted, actual.counters().accepted);
    EXPECT_EQ(expected.counters().steps, actual.counters().steps);
    EXPECT_EQ(actual.counters().model_failures, 0);
    EXPECT_EQ(actual.counters().audit_failures, 0);
    EXPECT_EQ(expected.parameter_moments().mean, actual.parameter_moments().mean);
    const std::vector<double> losses = expected.losses();
    const std::vector<double> found = actual.losses();
    for (std::size_t r = 0; r < losses.size(); ++r)
      EXPECT_NEAR(found[r], losses[r], 1e-12 * std::abs(losses[r]) + 1e-13);
  }

  Problem problem_;
  std::vector<double> sigma_;
};

TEST_P(SmallEnsemble, DecidesAsTheCpu) {
  const Case& c = GetParam();
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const Metropolis exact{c.beta, precision, Acceptance::exact};
    expect_same_decisions(*evolve(exact, BackendKind::cpu, 30), *evolve(exact, BackendKind::cuda, 30));
    const auto expected = evolve(exact, BackendKind::cpu, c.steps);
    const Metropolis by_model{c.beta, precision, Acceptance::screened};
    const auto screened = evolve(by_model, BackendKind::cuda, c.steps);
    expect_same_decisions(*expected, *screened);
    const std::uint64_t on_cpu = evolve(by_model, BackendKind::cpu, c.steps)->counters().decided_by_model;
    EXPECT_EQ(on_cpu > 0, has_second_derivatives(c.activation, c.loss));  // over kinks no model decides
    EXPECT_GE(screened->counters().decided_by_model, on_cpu / 2)
        << "a model that knows nothing decides nothing";
  }
  expect_same_decisions(
      *evolve(Metropolis{c.beta}, BackendKind::cpu, c.steps),
      *evolve(Metropolis{.beta = c.beta, .acceptance = Acceptance::automatic}, BackendKind::cuda, c.steps));
}

TEST_P(SmallEnsemble, FollowsGradientsToRounding) {
  for (const Rule& rule : {Rule{Gradient{1e-2}}, Rule{NormalizedGradient{1e-2}}, Rule{Langevin{1e3, 1}}}) {
    const std::vector<double> expected =
        evolve(rule, BackendKind::cpu, 6)->parameters(0, GetParam().replicas);
    const std::vector<double> actual = evolve(rule, BackendKind::cuda, 6)->parameters(0, GetParam().replicas);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(expected[i], actual[i], 1e-12);
  }
}

/// The executor for wide networks, asked for directly: the choice would give these a team each.
TEST_P(SmallEnsemble, LayerByLayerLikewise) {
  const std::uint64_t replicas = GetParam().replicas;
  const std::size_t n = sigma_.size();
  const HostProblem host(problem_);
  for (const Rule& rule : {Rule{Metropolis{GetParam().beta}}, Rule{Langevin{1e3, 1}}}) {
    constexpr std::uint64_t steps = 6;
    const DeviceDynamics dynamics(host, {rule, sigma_}, shape());
    CudaEnsemble ensemble(n, ReplicaBatches::fit(replicas, 1, replicas));
    const std::unique_ptr<Executor> executor = make_layered_executor(dynamics, host, 2);
    const std::vector<double> x = draw_initial_state(problem_.network(), PytorchInit{}, seed, 0);
    for (std::uint64_t r = 0; r < replicas; ++r) ensemble.set(r, x);
    executor->forget(0, replicas);
    ensemble.visit(CudaEnsemble::Access::write,
                   [&](const CudaEnsemble::Visit& visit) { executor->advance_async(visit, 0, steps); });
    StepCounters counters;
    executor->finish(0, steps, counters);
    const auto expected = evolve(rule, BackendKind::cpu, steps);
    const std::vector<double> states = expected->parameters(0, replicas);
    const std::vector<double> found = ensemble.get(0, replicas);
    for (std::size_t i = 0; i < states.size(); ++i) ASSERT_NEAR(states[i], found[i], 1e-12);
    EXPECT_EQ(counters.accepted, expected->counters().accepted);
    EXPECT_EQ(counters.steps, expected->counters().steps);

    std::vector<std::byte> learnt(replicas * executor->learnt_bytes_per_replica());
    executor->save_learnt(learnt.data());
    const std::vector<std::byte> nothing(learnt.size());
    EXPECT_EQ(learnt == nothing, !std::holds_alternative<Metropolis>(rule));
    const std::unique_ptr<Executor> other = make_layered_executor(dynamics, host, 2);
    other->restore_learnt(learnt.data());
    std::vector<std::byte> restored(learnt.size());
    other->save_learnt(restored.data());
    EXPECT_EQ(restored, learnt);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SmallEnsemble,
    testing::Values(
        Case{"hessian", {1, 5, 1}, Activation::tanh, Loss::mse, 100, inf, 1e-4, 3, 200},
        Case{"hessian_at_a_temperature", {1, 6, 1}, Activation::sigmoid, Loss::mse, 130, 1e4, 1e-3, 2, 120},
        Case{"classes", {1, 5, 3}, Activation::tanh, Loss::cross_entropy, 50, 1e5, 1e-4, 2, 120},
        Case{"straight_lines", {1, 5, 2}, Activation::relu, Loss::mse, 70, inf, 1e-4, 2, 120},
        Case{"learnt_by_a_block", {1, 5, 4, 1}, Activation::tanh, Loss::mse, 100, inf, 1e-5, 2, 200},
        Case{"learnt_by_a_warp", {1, 5, 4, 1}, Activation::tanh, Loss::mse, 60, inf, 1e-5, 3, 200},
        Case{"not_monotone", {2, 5, 1}, Activation::gelu, Loss::mse, 70, inf, 1e-4, 2, 120},
        Case{"outliers", {1, 5, 1}, Activation::softplus, Loss::huber, 70, 1e4, 1e-4, 2, 60},
        Case{"weights_by_a_block", {1, 5, 2}, Activation::tanh, Loss::mse, 160, inf, 1e-4, 2, 120, true},
        Case{"weights_by_a_warp",
             {1, 5, 3},
             Activation::tanh,
             Loss::cross_entropy,
             60,
             1e5,
             1e-4,
             2,
             120,
             true},
        Case{"weights_and_outliers", {1, 5, 1}, Activation::relu, Loss::huber, 90, 1e4, 1e-4, 2, 60, true},
        Case{"one_layer", {2, 2}, Activation::identity, Loss::mse, 100, 1e4, 1e-4, 2, 120}),
    [](const auto& which) { return which.param.name; });

/// More replicas than fit on the device go there in turns, while a snapshot of them is on its way.
TEST(SmallEnsembles, BatchesAndSnapshotsOnSeveralStreams) {
  emulated_cuda::reset_machine();
  const Problem problem(Network({1, 3, 1}, Activation::tanh, true), make_sin_unit(40), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  const auto make = [&](BackendKind kind, std::uint64_t limit) {
    BackendOptions options;
    options.kind = kind;
    options.device_memory_limit = limit;
    auto backend =
        make_ensemble(problem, {Metropolis{1e3}, std::vector<double>(n, 1e-3)}, {150, 0, seed}, options);
    backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, seed, 0));
    backend->set_parameters(149, std::vector<double>(n, 0.25));
    backend->advance(6);
    return backend;
  };
  const auto expected = make(BackendKind::cpu, 0);
  const std::vector<double> states = expected->parameters(0, 150);
  const EnsembleSnapshot then = expected->snapshot(70).get();
  expected->advance(4);
  for (const std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{65 * n * 9}}) {
    const auto backend = make(BackendKind::cuda, limit);
    EXPECT_EQ(backend->parameters(0, 150), states);
    std::future<EnsembleSnapshot> future = backend->snapshot(70);
    backend->advance(4);
    const EnsembleSnapshot snapshot = future.get();
    EXPECT_EQ(snapshot.moments.mean, then.moments.mean);
    EXPECT_EQ(snapshot.moments.sum_squared_deviations, then.moments.sum_squared_deviations);
    EXPECT_EQ(snapshot.traced, then.traced);
    for (std::size_t r = 0; r < then.losses.size(); ++r)
      EXPECT_NEAR(snapshot.losses[r], then.losses[r], 1e-13);
    EXPECT_EQ(backend->parameters(0, 150), expected->parameters(0, 150));
  }
}

TEST(SmallEnsembles, ANotFiniteGradientNamesStepAndReplica) {
  emulated_cuda::reset_machine();
  const Problem problem(Network({1, 3, 1}, Activation::tanh, true), make_sin_unit(40), Loss::mse);
  const std::size_t n = problem.network().parameter_count();
  BackendOptions options;
  options.kind = BackendKind::cuda;
  const auto backend =
      make_ensemble(problem, {Gradient{1e200}, std::vector<double>(n, 1.0)}, {3, 10, 1}, options);
  backend->set_all_parameters(draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
  try {
    backend->advance(100);
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("replica 10"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace langevo
