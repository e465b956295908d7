// What callers pass to the rest of the library: each misuse is one sentence, those of the command line where
// it has one.
#include <gtest/gtest.h>

#include <limits>

#include "langevo/langevo.hpp"
#include "tests/misuse.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

struct Misuse {
  const char* name;
  const char* words;
  std::function<void()> call;
};

void expect_refusals(const std::vector<Misuse>& misuses) {
  for (const Misuse& misuse : misuses) expect_refusal(misuse.name, misuse.words, misuse.call);
}

TEST(Boundary, Networks) {
  const auto make = [](std::vector<int> widths) {
    return [widths] { (void)Network(widths, Activation::tanh, true); };
  };
  expect_refusals({{"no widths", "--widths has 0 width(s); give at least", make({})},
                   {"one width", "--widths has 1 width(s)", make({1})},
                   {"a width of zero", "--widths contains 0", make({1, 0, 1})},
                   {"a negative width", "--widths contains -3", make({1, -3, 1})},
                   {"more parameters than random numbers", "random numbers reach for 2^34",
                    make({1, 2147483647, 2147483647, 2147483647, 2147483647, 1})}});
}

TEST(Boundary, Data) {
  const auto make = [](const std::function<void(Dataset&)>& change, Loss loss = Loss::mse) {
    return [change, loss] {
      Dataset data{.points = 2, .input_dim = 2, .target_dim = 1, .inputs = {1, 2, 3, 4}, .targets = {1, 0}};
      change(data);
      (void)Problem(Network({2, 1}, Activation::tanh, true), data, loss);
    };
  };
  make([](Dataset&) {}, Loss::cross_entropy)();
  expect_refusals(
      {{"no points", "the data set has no points; give at least one", make([](Dataset& d) { d.points = 0; })},
       {"other widths", "--widths has 2 inputs and 1 outputs but the data have 3 and 1",
        make([](Dataset& d) { d.input_dim = 3; })},
       {"fewer inputs", "the data set has 3 input values for 2 point(s) of 2",
        make([](Dataset& d) { d.inputs.pop_back(); })},
       {"more targets", "the data set has 3 target values for 2 point(s) of 1",
        make([](Dataset& d) { d.targets.push_back(1); })},
       {"points that wrap", "the data set has 4 input values for 9223372036854775810 point(s) of 2",
        make([](Dataset& d) { d.points += std::size_t{1} << 63; })},
       {"an input that is nan", "the input at point 1, column 0 is nan, not a finite number",
        make([](Dataset& d) { d.inputs[2] = nan; })},
       {"an infinite target", "the target at point 1, column 0 is -inf",
        make([](Dataset& d) { d.targets[1] = -inf; })},
       {"a negative class weight", "--loss cross-entropy needs targets of at least 0",
        make([](Dataset& d) { d.targets[0] = -1; }, Loss::cross_entropy)},
       {"fewer weights", "the data set has 1 weight values for 2 point(s) of 1",
        make([](Dataset& d) { d.weights = {1}; })},
       {"a weight that is nan", "the weight at point 1, column 0 is nan, not a finite number",
        make([](Dataset& d) {
          d.weights = {1, nan};
        })},
       {"an infinite weight", "the weight at point 0, column 0 is inf", make([](Dataset& d) {
          d.weights = {inf, 1};
        })},
       {"a negative weight", "the weight of point 1 is -0.5; give weights of at least 0",
        make([](Dataset& d) {
          d.weights = {1, -0.5};
        })},
       {"no weight", "the weights of all 2 point(s) are 0; give at least one point a positive weight",
        make([](Dataset& d) {
          d.weights = {0, 0};
        })},
       {"a sum of weights below 0", "the weights of the points have the sum -1; give weights with a positive",
        [] {
          const Dataset data{2, 1, 1, {1, 2}, {1, 2}, {1, -2}};
          (void)Problem::with_signed_weights(Network({1, 1}, Activation::tanh, true), data, Loss::mse);
        }},
       {"no points built in", "with 0 points", [] { (void)make_sin_unit(0); }},
       {"one symmetric point", "with 1 point(s)", [] { (void)make_sin_symmetric(1); }}});
}

TEST(Boundary, InitialStates) {
  const Network network({1, 3, 1}, Activation::tanh, true);
  expect_refusals(
      {{"a replica beyond the last", "2^32 - 1",
        [&] { (void)draw_initial_state(network, PytorchInit{}, 1, std::uint64_t{1} << 32); }},
       {"the same for normals", "2^32 - 1",
        [&] { (void)draw_initial_state(network, GaussianInit{}, 1, last); }},
       {"no width", "--init-std is 0", [&] { (void)draw_initial_state(network, GaussianInit{0}, 1, 0); }},
       {"an infinite width", "--init-std is inf",
        [&] { (void)draw_initial_state(network, GaussianInit{inf}, 1, 0); }}});
}

TEST(Boundary, Statistics) {
  Moments moments(3);
  const std::vector<double> two(2, 0.5);
  const std::vector<double> three(3, 0.5);
  moments.add(three);
  Moments of_two(2);
  of_two.add(two);
  expect_refusals({{"fewer values", "of 3 and of 2 numbers", [&] { moments.add(two); }},
                   {"moments of fewer", "of 3 and of 2 numbers", [&] { moments.merge(of_two); }},
                   {"no losses", "there is no loss", [] { (void)summarize_losses({}); }},
                   {"vectors of other sizes", "of 2 and of 3 numbers",
                    [&] { (void)mean_squared_difference(two, three); }}});
  EXPECT_EQ(moments.count, 1);
  EXPECT_EQ(moments.mean, three);
}

TEST(Boundary, WhatMakesNoEnsemble) {
  struct Change {
    const char* name;
    const char* words;
    std::function<void(Making&)> apply;
  };
  const std::vector<Change> changes{
      {"no replicas", "--replicas is 0; give at least 1", [](Making& m) { m.shape.replicas = 0; }},
      {"replicas beyond the last",
       "--first-replica 4294967292 and --replicas 5 reach beyond replica 2^32 - 1",
       [](Making& m) { m.shape.first_replica = (std::uint64_t{1} << 32) - 4; }},
      {"replicas that wrap", "2^32 - 1", [](Making& m) { m.shape.first_replica = last; }},
      {"too many replicas", "2^32 - 1", [](Making& m) { m.shape.replicas = last; }},
      {"a step beyond the last", "the first step is 72057594037927936, beyond 2^56 - 1",
       [](Making& m) { m.shape.first_step = std::uint64_t{1} << 56; }},
      {"a sigma too few", "sigma has 9 numbers, but the network has 10 parameters",
       [](Making& m) { m.sigma.pop_back(); }},
      {"a sigma too many", "sigma has 11 numbers", [](Making& m) { m.sigma.push_back(1); }},
      {"no sigma", "sigma has 0 numbers", [](Making& m) { m.sigma.clear(); }},
      {"sigma zero", "sigma is 0 for parameter 2; give positive numbers", [](Making& m) { m.sigma[2] = 0; }},
      {"sigma negative", "sigma is -1 for", [](Making& m) { m.sigma[9] = -1; }},
      {"sigma nan", "sigma is nan for", [](Making& m) { m.sigma[0] = nan; }},
      {"sigma infinite", "sigma is inf for", [](Making& m) { m.sigma[0] = inf; }},
      {"beta zero", "--beta is 0; give a positive number or inf",
       [](Making& m) { m.rule = Metropolis{.beta = 0}; }},
      {"beta nan", "--beta is nan", [](Making& m) { m.rule = Metropolis{.beta = nan}; }},
      {"beta negative", "--beta is -2", [](Making& m) { m.rule = Langevin{.beta = -2}; }},
      {"stride zero", "--stride is 0", [](Making& m) { m.rule = Langevin{.beta = 1, .stride = 0}; }},
      {"stride infinite", "--stride is inf", [](Making& m) { m.rule = Langevin{.beta = 1, .stride = inf}; }},
      {"alpha zero", "--alpha is 0; give a positive number", [](Making& m) { m.rule = Gradient{}; }},
      {"alpha nan", "--alpha is nan", [](Making& m) { m.rule = NormalizedGradient{nan}; }},
      {"alpha infinite", "--alpha is inf", [](Making& m) { m.rule = Gradient{inf}; }},
      {"threads negative", "--threads is -1; give 1 to 4096", [](Making& m) { m.options.threads = -1; }},
      {"absurd threads", "--threads is 5000", [](Making& m) { m.options.threads = 5000; }},
      {"device negative", "--device is -1", [](Making& m) { m.options.device = -1; }},
      {"more states than memory", "of memory for",
       [](Making& m) {
         m.widths = {1, 3000, 3000, 1};
         m.sigma.assign(m.problem().network().parameter_count(), 1);
         m.shape = {.replicas = std::uint64_t{1} << 32};
       }},
  };
  for (const Change& change : changes) {
    Making made;
    change.apply(made);
    expect_refusal(change.name, change.words, [&] { (void)made.bare(); });
  }
}

TEST(Boundary, Simulations) {
  const auto simulate = [](Schedule schedule, SimulationOptions options = {}) {
    return [=] {
      auto ensemble = Making().make();
      ensemble->advance(10);
      Simulation simulation(std::move(ensemble), schedule, options);
      simulation.run([](const EnsembleRecord&) {}, nullptr, {});
    };
  };
  simulate({.record_steps = {10, 12}, .time_per_step = 1})();
  expect_refusals(
      {{"no ensemble", "no ensemble", [] { (void)Simulation(nullptr, {.record_steps = {0}}); }},
       {"no records", "the schedule has no record step", simulate({})},
       {"back in time", "the first record step is 0, but the ensemble is at step 10 and steps do not go back",
        simulate({.record_steps = {0, 20}})},
       {"records in disorder", "record step 15 comes after 20", simulate({.record_steps = {10, 20, 15}})},
       {"the same record twice", "record step 20 comes after 20", simulate({.record_steps = {10, 20, 20}})},
       {"beyond the last step", "beyond 2^56", simulate({.record_steps = {10, last}})},
       {"more traced than there are", "--trace is 6, but there are only 5 replicas",
        simulate({.record_steps = {10}}, {.traced_replicas = 6, .reset_steps = {}})},
       {"resets between records", "reset at step 15, which is no record step",
        simulate({.record_steps = {10, 20}}, {.traced_replicas = 0, .reset_steps = {15}})},
       {"resets without a reference", "no state for every record",
        simulate({.record_steps = {10, 20}}, {.traced_replicas = 0, .reset_steps = {20}})}});
  Simulation again(Making().make(), {.record_steps = {0, 20}, .time_per_step = 1});
  const auto run = [&] { again.run([](const EnsembleRecord&) {}, nullptr, {}); };
  run();
  expect_refusal("run again", "the ensemble is at step 20", run);
}

TEST(Boundary, References) {
  const Problem problem = Making().problem();
  const std::vector<double> x(10, 0.5);
  const auto follow = [&](const std::vector<double>& times, double time_per_step, std::size_t numbers) {
    return [=] {
      (void)follow_reference(problem, {Gradient{0.1}, std::vector<double>(10, 1)}, time_per_step,
                             {x.data(), numbers}, times, {});
    };
  };
  follow({0, 1, 1, 2}, 0.1, 10)();
  expect_refusals({{"a short state", "the state has 9 numbers", follow({0, 1}, 0.1, 9)},
                   {"times in disorder", "time 1 of the reference comes after 2", follow({0, 2, 1}, 0.1, 10)},
                   {"a time before the start", "time -1 of the reference", follow({-1}, 0.1, 10)},
                   {"a time that is nan", "time nan of the reference", follow({0, nan}, 0.1, 10)},
                   {"more steps than there are", "of less than 2^56 steps", follow({0, 1e300}, 0.1, 10)},
                   {"steps of no time", "the time of one reference step is 0", follow({0, 1}, 0, 10)}});
}

TEST(Boundary, OneStepMoments) {
  const Problem problem = Making().problem();
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 3, 0);
  const std::vector<double> sigma(10, 1e-3);
  const OneStepProbe probe(problem, x, sigma);
  const std::vector<double> nine(9, 1);
  expect_refusals(
      {{"a short state", "the state has 9 numbers", [&] { (void)OneStepProbe(problem, nine, sigma); }},
       {"a short sigma", "sigma has 9 numbers", [&] { (void)OneStepProbe(problem, x, nine); }},
       {"a = 0", "a is 0; give a positive number or inf", [&] { (void)probe.measure(0, {.replicas = 1}); }},
       {"no replicas", "--replicas is 0", [&] { (void)probe.measure(1, {.replicas = 0}); }},
       {"replicas beyond the last", "2^32 - 1",
        [&] { (void)probe.measure(1, {.replicas = 2, .first_replica = last}); }},
       {"steps beyond the last", "beyond 2^56 - 1",
        [&] { (void)probe.measure(1, {.replicas = 1, .step = last}); }}});
}

}  // namespace
}  // namespace langevo
