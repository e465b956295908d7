#include "langevo/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <future>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// U(w) = mean (w t - y)^2 = curvature (w - centre)^2 + minimum: one weight.
struct Parabola {
  Problem problem;
  double curvature;
  double centre;
  double minimum;
};

Parabola make_parabola() {
  const Dataset data{.points = 3,
                     .input_dim = 1,
                     .target_dim = 1,
                     .inputs = {1, 2, -1},
                     .targets = {2, 3, 1}};  // sum t^2 = 6, sum t y = 7, sum y^2 = 14
  return {Problem(Network({1, 1}, Activation::tanh, false), data, Loss::mse), 2, 7.0 / 6,
          (14 - 49.0 / 6) / 3};
}

double loss_at(const Parabola& p, double w) {
  return p.curvature * (w - p.centre) * (w - p.centre) + p.minimum;
}

Problem make_shallow() {
  return {Network({1, 4, 1}, Activation::tanh, false), make_sin_unit(50), Loss::mse};
}

std::vector<double> start_of(const Problem& problem) {
  return draw_initial_state(problem.network(), PytorchInit{}, 4, 0);
}

std::vector<EnsembleRecord> records_of(Simulation& simulation, const ReferenceTrajectory* reference = nullptr,
                                       const Progress& progress = {}) {
  std::vector<EnsembleRecord> records;
  simulation.run([&](const EnsembleRecord& record) { records.push_back(record); }, reference, progress);
  return records;
}

std::unique_ptr<Ensemble> mutating(const Problem& problem, std::uint64_t replicas, double sigma = 1e-3) {
  const std::size_t n = problem.network().parameter_count();
  auto backend =
      make_ensemble(problem, {Metropolis{}, std::vector<double>(n, sigma)}, {.replicas = replicas}, {});
  backend->set_all_parameters(start_of(problem));
  return backend;
}

/// Passes everything on, logs the blocks of steps, and can be slow.
class WatchedEnsemble final : public Ensemble {
 public:
  /// Called before each block with its first step and its length.
  using Watch = std::function<void(std::uint64_t first_step, std::uint64_t steps)>;
  using Blocks = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

  WatchedEnsemble(const Problem& problem, std::unique_ptr<Ensemble> inner, Watch watch)
      : Ensemble(problem, {}, inner->shape()), inner_(std::move(inner)), watch_(std::move(watch)) {}

 private:
  void do_set_all_parameters(std::span<const double> x) override { inner_->set_all_parameters(x); }
  void do_set_parameters(std::uint64_t first, std::span<const double> x) override {
    inner_->set_parameters(first, x);
  }
  std::vector<double> do_parameters(std::uint64_t first, std::uint64_t count) const override {
    return inner_->parameters(first, count);
  }
  void do_advance(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) override {
    watch_(first_step, steps);
    inner_->advance(steps);
    counters = inner_->counters();
  }
  std::future<EnsembleSnapshot> do_snapshot(std::uint64_t traced) const override {
    return inner_->snapshot(traced);
  }
  Moments do_parameter_moments() const override { return inner_->parameter_moments(); }
  std::vector<Moments> do_chunk_moments() const override { return inner_->chunk_moments(); }
  std::vector<double> do_losses() const override { return inner_->losses(); }
  double do_loss(std::span<const double> x) const override { return inner_->loss(x); }
  double do_gradient(std::span<const double> x, std::span<double> gradient) const override {
    return inner_->gradient(x, gradient);
  }
  Learnt do_learnt_layout() const override { return {}; }
  void do_save_learnt(std::span<std::byte> /*bytes*/) const override {}
  void do_restore_learnt(std::span<const std::byte> /*bytes*/) override {}
  std::string do_device() const override { return inner_->device(); }

  std::unique_ptr<Ensemble> inner_;
  Watch watch_;
};

TEST(Simulation, RecordsWhereTheScheduleSays) {
  const Problem problem = make_shallow();
  Simulation simulation(mutating(problem, 40), {.record_steps = {0, 1, 10, 37}, .time_per_step = 0.5});
  const std::vector<EnsembleRecord> records = records_of(simulation);
  ASSERT_EQ(records.size(), 4u);
  const std::vector<std::uint64_t> steps{0, 1, 10, 37};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(records[i].step, steps[i]);
    EXPECT_EQ(records[i].time, 0.5 * static_cast<double>(steps[i]));
    EXPECT_EQ(records[i].replica_loss.size(), 40u);
    // each record is the ensemble that took as many steps in one go
    const auto alone = mutating(problem, 40);
    alone->advance(steps[i]);
    const Moments moments = alone->parameter_moments();
    EXPECT_EQ(records[i].parameter_mean, moments.mean);
    EXPECT_EQ(records[i].parameter_variance, moments.variance());
    EXPECT_EQ(records[i].replica_loss, alone->losses());
    EXPECT_EQ(records[i].loss_of_mean, alone->loss(moments.mean));
    const LossSummary summary = summarize_losses(alone->losses());
    EXPECT_EQ(records[i].loss.mean, summary.mean);
    EXPECT_EQ(records[i].loss.variance, summary.variance);
    EXPECT_EQ(records[i].loss.quantiles, summary.quantiles);
  }
}

TEST(Simulation, AcceptedFractionIsThatSinceTheLastRecord) {
  const Problem problem = make_shallow();
  Simulation simulation(mutating(problem, 40), {.record_steps = {0, 10, 37}, .time_per_step = 1});
  const std::vector<EnsembleRecord> records = records_of(simulation);
  const auto alone = mutating(problem, 40);
  alone->advance(10);
  const StepCounters first = alone->counters();
  alone->advance(27);
  const StepCounters rest = alone->counters() - first;
  EXPECT_TRUE(std::isnan(records[0].accepted_fraction)) << "nothing was proposed yet";
  EXPECT_EQ(records[1].accepted_fraction, static_cast<double>(first.accepted) / 400);
  EXPECT_EQ(records[2].accepted_fraction, static_cast<double>(rest.accepted) / (27 * 40));
  EXPECT_NE(records[1].accepted_fraction, records[2].accepted_fraction);
}

TEST(Simulation, TracesTheFirstReplicas) {
  const Problem problem = make_shallow();
  const std::size_t n = problem.network().parameter_count();
  Simulation simulation(mutating(problem, 40), {.record_steps = {0, 20}, .time_per_step = 1},
                        {.traced_replicas = 3, .reset_steps = {}});
  const std::vector<EnsembleRecord> records = records_of(simulation);
  EXPECT_EQ(records[1].trace_parameter, simulation.ensemble().parameters(0, 3));
  EXPECT_EQ(records[1].trace_parameter.size(), 3 * n);
  EXPECT_NE(records[1].trace_parameter, records[0].trace_parameter);
  Simulation untraced(mutating(problem, 40), {.record_steps = {0}, .time_per_step = 1});
  EXPECT_TRUE(records_of(untraced).front().trace_parameter.empty());
}

TEST(Simulation, BlocksAreContiguousAndTheirSizeChangesNothing) {
  const Problem problem = make_shallow();
  const Schedule schedule{.record_steps = {0, 100, 101, 400}, .time_per_step = 1};
  WatchedEnsemble::Blocks fast;
  WatchedEnsemble::Blocks slow;
  const auto watched = [&](WatchedEnsemble::Blocks& blocks, std::chrono::milliseconds delay) {
    return std::make_unique<WatchedEnsemble>(problem, mutating(problem, 5),
                                             [&blocks, delay](std::uint64_t first, std::uint64_t steps) {
                                               blocks.emplace_back(first, steps);
                                               std::this_thread::sleep_for(delay);
                                             });
  };
  Simulation quick(watched(fast, std::chrono::milliseconds(0)), schedule);
  Simulation slowed(watched(slow, std::chrono::milliseconds(20)), schedule);
  const std::vector<EnsembleRecord> a = records_of(quick);
  const std::vector<EnsembleRecord> b = records_of(slowed);
  EXPECT_NE(fast, slow) << "the same blocks show nothing";
  for (const WatchedEnsemble::Blocks& blocks : {fast, slow}) {
    std::uint64_t step = 0;
    std::vector<std::uint64_t> ends;
    for (const auto& [first, count] : blocks) {
      EXPECT_EQ(first, step);
      EXPECT_GT(count, 0u);
      step += count;
      ends.push_back(step);
    }
    EXPECT_EQ(step, 400u);
    for (const std::uint64_t record : {100, 101, 400})
      EXPECT_EQ(std::count(ends.begin(), ends.end(), record), 1);
  }
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].parameter_mean, b[i].parameter_mean);
    EXPECT_EQ(a[i].parameter_variance, b[i].parameter_variance);
    EXPECT_EQ(a[i].replica_loss, b[i].replica_loss);
    if (i > 0) {
      EXPECT_EQ(a[i].accepted_fraction, b[i].accepted_fraction);
    }
  }
}

TEST(Simulation, ProgressRisesToOneAndCanStop) {
  const Problem problem = make_shallow();
  const Schedule schedule{.record_steps = {0, 10, 2000}, .time_per_step = 1};
  Simulation simulation(mutating(problem, 5), schedule);
  std::vector<double> fractions;
  records_of(simulation, nullptr, [&](double fraction) {
    fractions.push_back(fraction);
    return true;
  });
  EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end()));
  EXPECT_GT(fractions.front(), 0);
  EXPECT_EQ(fractions.back(), 1);

  Simulation stopped(mutating(problem, 5), schedule);
  std::vector<std::uint64_t> recorded;
  const auto sink = [&](const EnsembleRecord& record) { recorded.push_back(record.step); };
  EXPECT_THROW(stopped.run(sink, nullptr, [](double fraction) { return fraction < 0.01; }), Stopped);
  EXPECT_EQ(recorded, (std::vector<std::uint64_t>{0, 10})) << "what was recorded before stands";
}

TEST(Simulation, TheNextIntervalRunsWhileARecordIsWritten) {
  const Problem problem = make_shallow();
  std::promise<void> under_way;
  bool first = true;
  Simulation simulation(std::make_unique<WatchedEnsemble>(problem, mutating(problem, 5),
                                                          [&](std::uint64_t, std::uint64_t) {
                                                            if (std::exchange(first, false))
                                                              under_way.set_value();
                                                          }),
                        {.record_steps = {0, 10}, .time_per_step = 1});
  const std::future<void> next = under_way.get_future();
  std::vector<std::uint64_t> recorded;
  const auto sink = [&](const EnsembleRecord& record) {
    if (record.step == 0) {
      EXPECT_EQ(next.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    }
    recorded.push_back(record.step);
  };
  const std::thread::id here = std::this_thread::get_id();
  simulation.run(sink, nullptr, [&](double) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    return true;
  });
  EXPECT_EQ(recorded, (std::vector<std::uint64_t>{0, 10}));
}

TEST(Simulation, WhatTheSinkThrowsEndsTheRun) {
  Simulation simulation(mutating(make_shallow(), 5), {.record_steps = {0, 10, 2000}, .time_per_step = 1});
  std::vector<std::uint64_t> recorded;
  const auto sink = [&](const EnsembleRecord& record) {
    if (record.step == 10) throw RunError("no space");
    recorded.push_back(record.step);
  };
  EXPECT_THROW(simulation.run(sink, nullptr, {}), RunError);
  EXPECT_EQ(recorded, (std::vector<std::uint64_t>{0}));
}

TEST(Simulation, ResetsReplicasToTheReferenceAfterTheRecord) {
  const Problem problem = make_shallow();
  const std::vector<double> x = start_of(problem);
  const std::vector<double> ones(x.size(), 1.0);
  const Dynamics rule{NormalizedGradient{.alpha = 1e-2}, ones};
  const std::vector<double> times{0, 10, 20, 30};
  const ReferenceTrajectory reference = follow_reference(problem, rule, 1, x, times, {});
  Simulation simulation(mutating(problem, 8), {.record_steps = {0, 10, 20, 30}, .time_per_step = 1},
                        {.traced_replicas = 0, .reset_steps = {10, 30}});
  const std::vector<EnsembleRecord> records = records_of(simulation, &reference);
  const auto alone = mutating(problem, 8);
  alone->advance(10);
  EXPECT_EQ(records[1].replica_loss, alone->losses()) << "the record comes before the reset";
  alone->set_all_parameters(reference.parameter[1]);
  alone->advance(10);
  EXPECT_EQ(records[2].replica_loss, alone->losses());
  alone->advance(10);
  EXPECT_EQ(records[3].replica_loss, alone->losses());
  EXPECT_EQ(simulation.ensemble().parameters(7, 1), reference.parameter[3]);
}

TEST(GradientDescent, FollowsItsClosedForm) {
  const Parabola p = make_parabola();
  constexpr double alpha = 0.03;
  constexpr double start = -2;
  const double factor = 1 - 2 * alpha * p.curvature;
  auto backend = make_ensemble(p.problem, {Gradient{alpha}, {1.0}}, {.replicas = 3}, {});
  backend->set_all_parameters(std::vector<double>{start});
  Simulation simulation(std::move(backend), {.record_steps = {0, 1, 2, 25}, .time_per_step = alpha});
  for (const EnsembleRecord& record : records_of(simulation)) {
    const double w = p.centre + std::pow(factor, static_cast<double>(record.step)) * (start - p.centre);
    EXPECT_NEAR(record.parameter_mean.front(), w, 1e-13) << record.step;
    EXPECT_EQ(record.parameter_variance.front(), 0);
    EXPECT_NEAR(record.loss.mean, loss_at(p, w), 1e-12);
    EXPECT_NEAR(record.loss_of_mean, loss_at(p, w), 1e-12);
    if (record.step > 0) {
      EXPECT_EQ(record.accepted_fraction, 1);
    }
  }
}

TEST(GradientDescent, SigmaScalesEveryParametersStepBySigmaSquared) {
  const Problem problem = make_shallow();
  const std::vector<double> x = start_of(problem);
  std::vector<double> sigma(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) sigma[i] = 0.5 + 0.1 * static_cast<double>(i);
  std::vector<double> g(x.size());
  for (const bool normalized : {false, true}) {
    constexpr double alpha = 1e-2;
    const Rule rule = normalized ? Rule(NormalizedGradient{alpha}) : Rule(Gradient{alpha});
    const auto backend = make_ensemble(problem, {rule, sigma}, {}, {});
    backend->set_all_parameters(x);
    backend->gradient(x, g);
    double norm = 0;
    for (std::size_t i = 0; i < x.size(); ++i) norm += sigma[i] * g[i] * sigma[i] * g[i];
    norm = normalized ? std::sqrt(norm) : 1;
    backend->advance(1);
    const std::vector<double> after = backend->parameters(0, 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(after[i], x[i] - alpha * sigma[i] * sigma[i] * g[i] / norm, 1e-15);
    }
  }
}

TEST(NormalizedGradientDescent, MovesAlphaPerStep) {
  const Problem problem = make_shallow();
  const std::vector<double> x = start_of(problem);
  constexpr double alpha = 1e-3;
  const auto backend =
      make_ensemble(problem, {NormalizedGradient{alpha}, std::vector<double>(x.size(), 1.0)}, {}, {});
  backend->set_all_parameters(x);
  std::vector<double> before = x;
  double loss = backend->loss(x);
  for (std::uint64_t step = 0; step < 20; ++step) {
    backend->advance(1);
    const std::vector<double> after = backend->parameters(0, 1);
    const double n = static_cast<double>(x.size());
    EXPECT_NEAR(std::sqrt(n * mean_squared_difference(before, after)), alpha, 1e-15);
    EXPECT_LT(backend->loss(after), loss);
    loss = backend->loss(after);
    before = after;
  }
}

TEST(NormalizedGradientDescent, StaysWhereTheGradientIsZero) {
  const Problem problem(Network({1, 2, 1}, Activation::relu, false), make_sin_unit(33), Loss::mse);
  const std::vector<double> x{0.5, -0.5, -10, -10, 1, 2};  // all units dead
  for (const Rule& rule : {Rule(NormalizedGradient{0.1}), Rule(Gradient{0.1})}) {
    const auto backend = make_ensemble(problem, {rule, std::vector<double>(6, 1.0)}, {}, {});
    backend->set_all_parameters(x);
    backend->advance(5);
    EXPECT_EQ(backend->parameters(0, 1), x);
  }
}

TEST(Reference, IsTheClosedFormAtStepsAndOnTheLineBetweenThem) {
  const Parabola p = make_parabola();
  constexpr double alpha = 0.03;
  constexpr double start = -2;
  // 0.29 is 9.67 steps, 0.3 and 0.9 are whole numbers of steps but for rounding; three times in one step.
  const std::vector<double> times{0, 0.03, 0.033, 0.045, 0.0597, 0.06, 0.29, 0.3, 0.9};
  const std::vector<std::uint64_t> whole{0, 1, 1, 1, 1, 2, 9, 10, 30};
  const std::vector<double> rest{0, 0, 0.1, 0.5, 0.99, 0, 29.0 / 3 - 9, 0, 0};
  const std::vector<double> x{start};
  const ReferenceTrajectory reference =
      follow_reference(p.problem, {Gradient{alpha}, {1.0}}, alpha, x, times, {});
  EXPECT_EQ(reference.step, whole);
  const auto at = [&](std::uint64_t step) {
    return p.centre + std::pow(1 - 2 * alpha * p.curvature, static_cast<double>(step)) * (start - p.centre);
  };
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double w = (1 - rest[i]) * at(whole[i]) + rest[i] * at(whole[i] + 1);
    EXPECT_DOUBLE_EQ(reference.time[i], times[i]);
    EXPECT_NEAR(reference.parameter[i].front(), w, 1e-13);
    EXPECT_NEAR(reference.loss[i], loss_at(p, w), 1e-12);
    EXPECT_NEAR(reference.gradient_norm[i], std::abs(2 * p.curvature * (w - p.centre)), 1e-12);
  }
  EXPECT_THROW(
      follow_reference(p.problem, {Gradient{alpha}, {1.0}}, alpha, x, times, [](double) { return false; }),
      Stopped);
}

TEST(Reference, OfNormalizedGradientOnAParabolaIsAStraightLine) {
  const Parabola p = make_parabola();
  const std::vector<double> times{0, 1, 2};
  const std::vector<double> x{-2};
  const ReferenceTrajectory reference =
      follow_reference(p.problem, {NormalizedGradient{0.01}, {1.0}}, 0.01, x, times, {});
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_NEAR(reference.parameter[i].front(), -2 + times[i], 1e-12);
  }
}

/// Data on the line y = t: at w = 1 residuals and gradient are exactly 0.
Problem make_exact_line() {
  return {Network({1, 1}, Activation::tanh, false),
          Dataset{.points = 3, .input_dim = 1, .target_dim = 1, .inputs = {1, 2, -1}, .targets = {1, 2, -1}},
          Loss::mse};
}

/// Of five replicas numbered from 7 on, the third leaves the finite numbers in its third step; the others are
/// at the minimum.
std::unique_ptr<Ensemble> exploding(std::uint64_t steps) {
  const double alpha = 1e100 / 4;  // g = 4 (w - 1): each step multiplies w - 1 by about -1e100
  auto backend =
      make_ensemble(make_exact_line(), {Gradient{alpha}, {1.0}}, {.replicas = 5, .first_replica = 7}, {});
  backend->set_all_parameters(std::vector<double>{1});
  backend->set_parameters(2, std::vector<double>{2});
  backend->advance(steps);
  return backend;
}

TEST(NotFinite, GradientStepNamesStepAndReplica) {
  const auto backend = exploding(2);  // w is 1e200 now: its loss is not finite, step 2 cannot be taken
  EXPECT_TRUE(std::isfinite(backend->parameters(2, 1).front()));
  try {
    backend->advance(10);
    FAIL() << "a loss that is not finite went unnoticed";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("step 2 "), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("replica 9;"), std::string::npos) << error.what();
  }
}

TEST(NotFinite, RecordStopsTheRun) {
  Simulation simulation(exploding(2), {.record_steps = {2}, .time_per_step = 1});
  EXPECT_THROW(records_of(simulation), RunError);
}

TEST(NotFinite, RecordNamesTheReplicaByItsNumberInAll) {
  Simulation simulation(exploding(2), {.record_steps = {2}, .time_per_step = 1});
  try {
    records_of(simulation);
    FAIL() << "a loss that is not finite went unnoticed";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("replica 9 "), std::string::npos) << error.what();
  }
}

TEST(NotFinite, TheRecordsErrorComesBeforeThatOfLaterSteps) {
  Simulation simulation(exploding(2), {.record_steps = {2, 12}, .time_per_step = 1});
  try {
    records_of(simulation);
    FAIL() << "a loss that is not finite went unnoticed";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("is not finite at step 2"), std::string::npos) << error.what();
  }
}

TEST(NotFinite, ReferenceStopsTheRun) {
  const Parabola p = make_parabola();
  const std::vector<double> times{0, 1000};
  const std::vector<double> x{5};
  EXPECT_THROW(follow_reference(p.problem, {Gradient{10}, {1.0}}, 1, x, times, {}), RunError);
}

TEST(NotFinite, ProposalIsRejectedAndCounted) {
  const Parabola p = make_parabola();
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const auto backend = make_ensemble(p.problem, {Metropolis{.beta = inf, .precision = precision}, {1e200}},
                                       {.replicas = 20}, {});
    const std::vector<double> x{p.centre + 1};
    backend->set_all_parameters(x);
    backend->advance(10);
    EXPECT_EQ(backend->counters().not_finite, 200u);
    EXPECT_EQ(backend->counters().accepted, 0u);
    EXPECT_EQ(backend->counters().steps, 200u);
    for (std::uint64_t r = 0; r < 20; ++r) EXPECT_EQ(backend->parameters(r, 1), x);
  }
}

}  // namespace
}  // namespace langevo
