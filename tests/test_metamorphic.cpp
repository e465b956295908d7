// Changes of a problem that change no decision, or no loss, by a bit; each beside one that is nearly the same
// and must show.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t steps = 300;
constexpr std::uint64_t replicas = 3;

/// What is simulated, open to change.
struct Situation {
  Network network;
  Dataset data;
  Loss loss;
  Metropolis rule;
  std::vector<double> sigma;
  std::vector<double> x;

  [[nodiscard]] Problem problem() const { return {network, data, loss}; }
};

Situation regression(double beta, Acceptance acceptance) {
  Network network({1, 6, 1}, Activation::tanh, true);
  const std::size_t n = network.parameter_count();
  const std::vector<double> x = draw_initial_state(network, PytorchInit{}, 11, 0);
  return {std::move(network),
          make_sin_unit(60),
          Loss::mse,
          {.beta = beta, .acceptance = acceptance},
          std::vector<double>(n, 2e-3),
          x};
}

Situation classification(double beta, Acceptance acceptance) {
  Network network({2, 5, 3}, Activation::tanh, true);
  const std::size_t n = network.parameter_count();
  const std::vector<double> x = draw_initial_state(network, PytorchInit{}, 12, 0);
  Dataset data{.points = 48, .input_dim = 2, .target_dim = 3, .inputs = {}, .targets = {}};
  for (int i = 0; i < 48; ++i) {
    data.inputs.insert(data.inputs.end(), {std::cos(0.7 * i), std::sin(0.3 * i)});
    for (int c = 0; c < 3; ++c) data.targets.push_back(i % 3 == c ? 1 : 0);
  }
  return {std::move(network),           std::move(data),
          Loss::cross_entropy,          {.beta = beta, .acceptance = acceptance},
          std::vector<double>(n, 2e-3), x};
}

struct Path {
  std::vector<double> states;           ///< at the end
  std::vector<std::uint64_t> accepted;  ///< in each of several parts of the run
};

Path run(const Situation& setup) {
  const auto ensemble = make_ensemble(setup.problem(), {.rule = setup.rule, .sigma = setup.sigma},
                                      {.replicas = replicas, .first_replica = 0, .seed = 4},
                                      {.kind = BackendKind::cpu, .threads = 1});
  ensemble->set_all_parameters(setup.x);
  Path path;
  for (std::uint64_t part = 0; part < 10; ++part) {
    ensemble->advance(steps / 10);
    path.accepted.push_back(ensemble->counters().accepted);
  }
  path.states = ensemble->parameters(0, replicas);
  return path;
}

/// The parameters of the last layer times `factor`.
std::vector<double> scaled_output(const Network& network, std::vector<double> states, double factor) {
  const std::size_t n = network.parameter_count();
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (i % n >= network.layers().back().weight_offset) states[i] *= factor;
  }
  return states;
}

/// All of the regression in another unit of y.
Situation in_other_units(Situation setup, double unit, double beta_factor) {
  for (double& target : setup.data.targets) target *= unit;
  setup.x = scaled_output(setup.network, setup.x, unit);
  setup.sigma = scaled_output(setup.network, setup.sigma, unit);
  setup.rule.beta *= beta_factor;
  return setup;
}

class Metamorphic : public testing::TestWithParam<std::pair<double, Acceptance>> {
 protected:
  [[nodiscard]] static Situation values() { return regression(GetParam().first, GetParam().second); }
  [[nodiscard]] static Situation classes() { return classification(GetParam().first, GetParam().second); }
  [[nodiscard]] static bool at_a_temperature() { return std::isfinite(GetParam().first); }
};

TEST_P(Metamorphic, TheUnitOfTheTargetsIsThatOfTheTemperature) {
  const Situation setup = values();
  const Path path = run(setup);
  ASSERT_GT(path.accepted.back(), 100u);
  ASSERT_LT(path.accepted.back(), steps * replicas - 100);
  for (int k = -8; k <= 8; ++k) {
    SCOPED_TRACE(k);
    const double unit = std::ldexp(1.0, k);
    const Path other = run(in_other_units(setup, unit, 1 / (unit * unit)));
    EXPECT_EQ(other.accepted, path.accepted);
    EXPECT_EQ(scaled_output(setup.network, other.states, 1 / unit), path.states);
  }
  Situation wrong = in_other_units(setup, 2, 0.25);
  wrong.sigma = setup.sigma;
  EXPECT_NE(scaled_output(setup.network, run(wrong).states, 0.5), path.states);
  if (at_a_temperature()) {
    EXPECT_NE(run(in_other_units(setup, 2, 1)).accepted, path.accepted);
  }
}

/// Weights of the classes multiply the loss.
Situation heavier(Situation setup, double factor, double beta_factor) {
  for (double& target : setup.data.targets) target *= factor;
  setup.rule.beta *= beta_factor;
  return setup;
}

TEST_P(Metamorphic, TheUnitOfTheLossIsThatOfTheTemperature) {
  const Situation setup = classes();
  const Path path = run(setup);
  ASSERT_GT(path.accepted.back(), 100u);
  for (int k = -8; k <= 8; ++k) {
    SCOPED_TRACE(k);
    const double factor = std::ldexp(1.0, k);
    const Path other = run(heavier(setup, factor, 1 / factor));
    EXPECT_EQ(other.accepted, path.accepted);
    EXPECT_EQ(other.states, path.states);
  }
  Situation one_only = setup;
  one_only.data.targets[0] *= 2;
  EXPECT_NE(run(one_only).states, path.states);
  if (at_a_temperature()) {
    EXPECT_NE(run(heavier(setup, 16, 1)).states, path.states);
  }
}

TEST_P(Metamorphic, PointsThatAreAllThereTwiceCountAsOnce) {
  for (const Situation& setup : {values(), classes()}) {
    const Path path = run(setup);
    Situation twice = setup;
    twice.data.points *= 2;
    twice.data.inputs.insert(twice.data.inputs.end(), setup.data.inputs.begin(), setup.data.inputs.end());
    twice.data.targets.insert(twice.data.targets.end(), setup.data.targets.begin(), setup.data.targets.end());
    EXPECT_EQ(run(twice).states, path.states);
    Situation some_twice = setup;
    some_twice.data.points += 5;
    some_twice.data.inputs.insert(some_twice.data.inputs.end(), setup.data.inputs.begin(),
                                  setup.data.inputs.begin() + 5 * setup.data.input_dim);
    some_twice.data.targets.insert(some_twice.data.targets.end(), setup.data.targets.begin(),
                                   setup.data.targets.begin() + 5 * setup.data.target_dim);
    EXPECT_NE(run(some_twice).states, path.states);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Metamorphic,
    testing::Values(std::pair{std::numeric_limits<double>::infinity(), Acceptance::exact},
                    std::pair{std::numeric_limits<double>::infinity(), Acceptance::screened},
                    std::pair{3e3, Acceptance::exact}, std::pair{3e3, Acceptance::screened}));

/// The state with the signs of all weights of one hidden unit turned: of those to it, its bias, those from
/// it.
std::vector<double> turned(const Network& network, std::vector<double> x, int unit,
                           bool also_outgoing = true) {
  const Layer& in = network.layers()[0];
  const Layer& out = network.layers()[1];
  for (int j = 0; j < in.fan_in; ++j) {
    double& weight = x[in.weight_offset + static_cast<std::size_t>(unit * in.fan_in + j)];
    weight = -weight;
  }
  double& bias = x[in.bias_offset + static_cast<std::size_t>(unit)];
  bias = -bias;
  for (int c = 0; also_outgoing && c < out.fan_out; ++c) {
    double& weight = x[out.weight_offset + static_cast<std::size_t>(c * out.fan_in + unit)];
    weight = -weight;
  }
  return x;
}

// Proposals from a turned state with turned draws are the turned ones of the original: all along a
// trajectory, before and after each step, the losses that decide are the same bits.
TEST(MetamorphicSigns, OfATanhUnitChangeNoLossAlongATrajectory) {
  for (const Situation& setup :
       {regression(3e3, Acceptance::exact), classification(3e3, Acceptance::exact)}) {
    const auto ensemble =
        make_ensemble(setup.problem(), {.rule = setup.rule, .sigma = setup.sigma},
                      {.replicas = 1, .first_replica = 0, .seed = 4}, {.kind = BackendKind::cpu});
    ensemble->set_all_parameters(setup.x);
    for (int step = 0; step < 100; ++step) {
      const std::vector<double> x = ensemble->parameters(0, 1);
      for (const int unit : {0, 4}) {
        ASSERT_EQ(ensemble->loss(turned(setup.network, x, unit)), ensemble->loss(x)) << step;
        ASSERT_NE(ensemble->loss(turned(setup.network, x, unit, false)), ensemble->loss(x)) << step;
      }
      ensemble->advance(1);
    }
  }
}

TEST(MetamorphicSigns, OfATanhUnitStayTurnedAlongTheGradient) {
  const auto end_of = [](const Situation& setup, const std::vector<double>& x) {
    const auto ensemble =
        make_ensemble(setup.problem(), {.rule = Gradient{0.1}, .sigma = std::vector<double>(x.size(), 1)},
                      {.replicas = 1}, {.kind = BackendKind::cpu});
    ensemble->set_all_parameters(x);
    ensemble->advance(200);
    return ensemble->parameters(0, 1);
  };
  Situation setup = regression(1, Acceptance::exact);
  const std::vector<double> end = end_of(setup, setup.x);
  EXPECT_EQ(end_of(setup, turned(setup.network, setup.x, 2)), turned(setup.network, end, 2));
  setup.network = Network({1, 6, 1}, Activation::sigmoid, true);
  const std::vector<double> of_sigmoid = end_of(setup, setup.x);
  EXPECT_NE(end_of(setup, turned(setup.network, setup.x, 2)), turned(setup.network, of_sigmoid, 2));
}

}  // namespace
}  // namespace langevo
