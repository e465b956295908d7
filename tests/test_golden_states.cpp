// Small ensembles under every rule end in the recorded states, bit for bit, on every instruction set.
//
// These values stand for every run that anyone has made: where they change, runs of before cannot be
// repeated.
//
// When they may be renewed: only where what a step does was meant to change, that is the physics, the
// random-number contract (which counter gives which number, and how it becomes a normal one) or the
// arithmetic of a state (the order of a gradient's sum, an elementary function). The commit that renews them
// says in its message which lines changed and why, and so does CHANGELOG.md, because trajectories are not
// those of the version before. Never for a refactoring, for an optimisation that promises the same bits, for
// another compiler or another machine: there a red line is the error that this test looks for.
//
// How: on a machine with AVX2 build test_golden_states, run
//
//   LANGEVO_PRINT_GOLDEN_STATES=1 build/release/tests/test_golden_states | grep '^      {"'
//
// which compares nothing and prints the lines of recorded() anew, and paste them over the old ones. A test
// that fails prints the line of its own ensemble.
//
// A mutation is drawn, scaled and added with roundings that are the same everywhere, and a bound on the
// change of the loss decides it, not the last bit; so for `metropolis` one value holds for the float and the
// double change, and for exact, screened and automatic acceptance. All sums have an order of their own, and
// each a b + c in them rounds once (multiply_add in kernels/base/scalar.hpp), so one value holds for every
// instruction set.
//
// Data are made by operations that IEEE arithmetic rounds in one way only: a C library's sine may differ in
// the last bit from machine to machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// How one of the ensembles below ends.
struct Golden {
  std::string name;
  std::uint64_t accepted = 0;
  std::uint64_t not_finite = 0;
  std::uint64_t states = 0;  ///< hash of all states

  friend bool operator==(const Golden&, const Golden&) = default;
};

std::vector<Golden> recorded() {
  return {
      {"metropolis, shallow, beta inf", 399, 0, 0xec56a2602d28f15f},
      {"metropolis, shallow, beta 1e4", 713, 0, 0x04496e653e020b59},
      {"metropolis, wide, beta 1e3", 247, 0, 0x5102f9a05dae453f},
      {"metropolis, deep, beta inf", 90, 0, 0x6f29f8d4d1f9eb78},
      {"metropolis, narrow, large mutations", 3798, 0, 0x87881956f2a57f3f},
      {"metropolis, linear, steps past 32 bits", 1670, 0, 0xb78609f726371125},
      {"metropolis, identity units, uneven sigma", 460, 0, 0x128d95ef24073679},
      {"metropolis, relu, classes, uneven sigma", 871, 0, 0x2ffaec339408179c},
      {"metropolis, sigmoid, classes, beta inf", 434, 0, 0x5341846b183a9f50},
      {"metropolis, relu, mutations without effect", 639, 0, 0xb9a549dcdabc0192},
      {"metropolis, losses past the largest number", 418, 82, 0x53250a7571009e6c},
      {"gradient, shallow", 200, 0, 0x5b7f9da375c70c79},
      {"gradient, relu, classes, uneven sigma", 150, 0, 0x361e0bc68481e6f8},
      {"normalized gradient, deep", 40, 0, 0x857a95c722d08619},
      {"normalized gradient, identity units, uneven sigma", 200, 0, 0x85fc7b10561f17be},
      {"langevin, wide, beta inf", 150, 0, 0x299523c2b0cfd066},
      {"langevin, sigmoid, beta 100, uneven sigma", 7000, 0, 0xab122631dc23d99c},
      {"langevin, classes, beta 1e3", 300, 0, 0xbb242d6d140f7324},
  };
}

/// What evolves, from where and how long.
struct Case {
  std::string name;
  std::vector<int> widths;
  Activation activation;
  bool output_bias;
  Loss loss;
  std::size_t points;
  Rule rule;
  double sigma;
  double initial_deviation;           ///< of normal weights; 0: PyTorch's uniform ones
  std::vector<std::uint64_t> blocks;  ///< steps of each call
  std::uint64_t replicas;
  bool uneven_sigma = false;        ///< every third parameter 4 times, every fifth a quarter of sigma
  bool own_initial_states = false;  ///< every replica its own one
  std::uint64_t first_replica = 0;
  std::uint64_t first_step = 0;
  std::uint64_t seed = 1;
  bool model_decides = true;  ///< some proposals, where acceptance is screened
  bool bounds_decide = true;  ///< all proposals; false where changes are exactly 0, which the value decides

  friend std::ostream& operator<<(std::ostream& out, const Case& ensemble) { return out << ensemble.name; }
};

const std::vector<int> shallow{1, 30, 1};
const std::vector<int> wide{1, 256, 1};
const std::vector<int> deep{1, 32, 32, 32, 32, 32, 32, 32, 32, 1};

std::vector<Case> ensembles() {
  using enum Activation;
  using enum Loss;
  return {
      {.name = "metropolis, shallow, beta inf",
       .widths = shallow,
       .activation = tanh,
       .output_bias = false,
       .loss = mse,
       .points = 1000,
       .rule = Metropolis{},
       .sigma = 1e-5,
       .initial_deviation = 0.01,
       .blocks = {150, 1, 249},
       .replicas = 2},
      {.name = "metropolis, shallow, beta 1e4",
       .widths = shallow,
       .activation = tanh,
       .output_bias = true,
       .loss = mse,
       .points = 333,
       .rule = Metropolis{.beta = 1e4},
       .sigma = 1e-3,
       .initial_deviation = 0,
       .blocks = {100, 250},
       .replicas = 4,
       .own_initial_states = true,
       .first_replica = 7},
      {.name = "metropolis, wide, beta 1e3",
       .widths = wide,
       .activation = tanh,
       .output_bias = false,
       .loss = mse,
       .points = 257,
       .rule = Metropolis{.beta = 1e3},
       .sigma = 1e-3,
       .initial_deviation = 0.01,
       .blocks = {130},
       .replicas = 2},
      {.name = "metropolis, deep, beta inf",
       .widths = deep,
       .activation = tanh,
       .output_bias = true,
       .loss = mse,
       .points = 101,
       .rule = Metropolis{},
       .sigma = 1e-4,
       .initial_deviation = 0,
       .blocks = {100},
       .replicas = 2},
      {.name = "metropolis, narrow, large mutations",
       .widths = {1, 2, 1},
       .activation = sigmoid,
       .output_bias = true,
       .loss = mse,
       .points = 65,
       .rule = Metropolis{.beta = 100},
       .sigma = 0.1,
       .initial_deviation = 0,
       .blocks = {100, 100},
       .replicas = 40,
       .first_replica = 3000000000,
       .model_decides = false},
      {.name = "metropolis, linear, steps past 32 bits",
       .widths = {2, 2},
       .activation = identity,
       .output_bias = false,
       .loss = mse,
       .points = 33,
       .rule = Metropolis{.beta = 10},
       .sigma = 0.05,
       .initial_deviation = 0.5,
       .blocks = {90, 210},
       .replicas = 7,
       .first_step = (std::uint64_t{1} << 32) - 100,
       .seed = 0x123456789abcdef0},
      {.name = "metropolis, identity units, uneven sigma",
       .widths = {2, 5, 4, 2},
       .activation = identity,
       .output_bias = true,
       .loss = mse,
       .points = 127,
       .rule = Metropolis{},
       .sigma = 1e-3,
       .initial_deviation = 0,
       .blocks = {300},
       .replicas = 3,
       .uneven_sigma = true},
      {.name = "metropolis, relu, classes, uneven sigma",
       .widths = {2, 16, 3},
       .activation = relu,
       .output_bias = true,
       .loss = cross_entropy,
       .points = 99,
       .rule = Metropolis{.beta = 1e3},
       .sigma = 2e-3,
       .initial_deviation = 0,
       .blocks = {1, 2, 297},
       .replicas = 4,
       .uneven_sigma = true,
       .model_decides = false},
      {.name = "metropolis, sigmoid, classes, beta inf",
       .widths = {3, 7, 5, 2},
       .activation = sigmoid,
       .output_bias = false,
       .loss = cross_entropy,
       .points = 130,
       .rule = Metropolis{},
       .sigma = 1e-4,
       .initial_deviation = 0.3,
       .blocks = {300},
       .replicas = 3,
       .own_initial_states = true,
       .seed = 99},
      {.name = "metropolis, relu, mutations without effect",  // a dead unit: change 0, accepted
       .widths = {1, 1, 1},
       .activation = relu,
       .output_bias = false,
       .loss = mse,
       .points = 33,
       .rule = Metropolis{},
       .sigma = 1e-3,
       .initial_deviation = 1,
       .blocks = {50},
       .replicas = 20,
       .own_initial_states = true,
       .model_decides = false,
       .bounds_decide = false},
      {.name = "metropolis, losses past the largest number",  // not finite unless the unit is dead
       .widths = {1, 1, 1},
       .activation = relu,
       .output_bias = false,
       .loss = mse,
       .points = 33,
       .rule = Metropolis{},
       .sigma = 1e200,
       .initial_deviation = 1,
       .blocks = {50},
       .replicas = 10,
       .own_initial_states = true,
       .model_decides = false,
       .bounds_decide = false},
      {.name = "gradient, shallow",
       .widths = shallow,
       .activation = tanh,
       .output_bias = false,
       .loss = mse,
       .points = 1000,
       .rule = Gradient{.alpha = 0.05},
       .sigma = 1,
       .initial_deviation = 0.01,
       .blocks = {60, 40},
       .replicas = 2,
       .own_initial_states = true},
      {.name = "gradient, relu, classes, uneven sigma",
       .widths = {2, 16, 3},
       .activation = relu,
       .output_bias = true,
       .loss = cross_entropy,
       .points = 99,
       .rule = Gradient{.alpha = 0.02},
       .sigma = 1,
       .initial_deviation = 0,
       .blocks = {150},
       .replicas = 1,
       .uneven_sigma = true},
      {.name = "normalized gradient, deep",
       .widths = deep,
       .activation = tanh,
       .output_bias = true,
       .loss = mse,
       .points = 101,
       .rule = NormalizedGradient{.alpha = 0.01},
       .sigma = 1,
       .initial_deviation = 0,
       .blocks = {20},
       .replicas = 2,
       .own_initial_states = true},
      {.name = "normalized gradient, identity units, uneven sigma",
       .widths = {2, 5, 4, 2},
       .activation = identity,
       .output_bias = false,
       .loss = mse,
       .points = 127,
       .rule = NormalizedGradient{.alpha = 1e-3},
       .sigma = 1,
       .initial_deviation = 0,
       .blocks = {1, 199},
       .replicas = 1,
       .uneven_sigma = true},
      {.name = "langevin, wide, beta inf",
       .widths = wide,
       .activation = tanh,
       .output_bias = false,
       .loss = mse,
       .points = 257,
       .rule = Langevin{.beta = inf, .stride = 10},
       .sigma = 1e-4,
       .initial_deviation = 0.01,
       .blocks = {50},
       .replicas = 3,
       .first_replica = 3000000000},
      {.name = "langevin, sigmoid, beta 100, uneven sigma",
       .widths = {1, 2, 1},
       .activation = sigmoid,
       .output_bias = true,
       .loss = mse,
       .points = 65,
       .rule = Langevin{.beta = 100, .stride = 3},
       .sigma = 1e-2,
       .initial_deviation = 0,
       .blocks = {100, 100},
       .replicas = 35,
       .uneven_sigma = true},
      {.name = "langevin, classes, beta 1e3",
       .widths = {3, 7, 5, 2},
       .activation = tanh,
       .output_bias = true,
       .loss = cross_entropy,
       .points = 130,
       .rule = Langevin{.beta = 1e3, .stride = 10},
       .sigma = 1e-3,
       .initial_deviation = 0.3,
       .blocks = {100},
       .replicas = 3,
       .seed = 99},
  };
}

/// Points on a lattice in [-1, 1]. Targets: a cubic that looks like a sine, or the class of the sum of the
/// inputs.
Problem make_problem(const Case& ensemble) {
  const Network network(ensemble.widths, ensemble.activation, ensemble.output_bias);
  Dataset data{ensemble.points, network.input_dim(), network.output_dim(), {}, {}};
  const auto count = static_cast<double>(data.points);
  for (std::size_t k = 0; k < data.points; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(data.input_dim); ++i) {
      const auto place = static_cast<double>(k * (1 + 6 * i) % data.points);
      data.inputs.push_back((2 * place + 1 - count) / count);
      sum += data.inputs.back();
    }
    const int label = sum < -0.25 ? 0 : (sum < 0.375 ? 1 : 2);
    for (int j = 0; j < data.target_dim; ++j) {
      const bool own = j == std::min(label, data.target_dim - 1);
      const double cubic = (2.5 + j) * sum * (1 - sum * sum);
      data.targets.push_back(ensemble.loss == Loss::mse ? cubic : (own ? 1 : 0));
    }
  }
  return {network, data, ensemble.loss};
}

Dynamics make_dynamics(const Case& ensemble, std::size_t parameters) {
  Dynamics dynamics{ensemble.rule, std::vector<double>(parameters, ensemble.sigma)};
  if (!ensemble.uneven_sigma) return dynamics;
  for (std::size_t i = 0; i < parameters; i += 3) dynamics.sigma[i] *= 4;
  for (std::size_t i = 0; i < parameters; i += 5) dynamics.sigma[i] /= 4;
  return dynamics;
}

std::vector<double> initial_state(const Case& ensemble, const Network& network, std::uint64_t replica) {
  if (ensemble.initial_deviation == 0)
    return draw_initial_state(network, PytorchInit{}, ensemble.seed, replica);
  return draw_initial_state(network, GaussianInit{ensemble.initial_deviation}, ensemble.seed, replica);
}

/// FNV-1a over the bytes of the numbers, lowest first on every machine.
std::uint64_t hash(const std::vector<double>& numbers) {
  std::uint64_t result = 0xcbf29ce484222325;
  for (const double number : numbers) {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    for (int byte = 0; byte < 8; ++byte) result = (result ^ (bits >> (8 * byte) & 0xff)) * 0x100000001b3;
  }
  return result;
}

struct Outcome {
  std::uint64_t states = 0;
  StepCounters counters;
};

Outcome evolve(const Case& ensemble, const std::string& instruction_set) {
  const Problem problem = make_problem(ensemble);
  const Network& network = problem.network();
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = 1;
  options.instruction_set = instruction_set;
  const auto backend = make_ensemble(problem, make_dynamics(ensemble, network.parameter_count()),
                                     {.replicas = ensemble.replicas,
                                      .first_replica = ensemble.first_replica,
                                      .seed = ensemble.seed,
                                      .first_step = ensemble.first_step},
                                     options);
  backend->set_all_parameters(initial_state(ensemble, network, 0));
  for (std::uint64_t r = 0; ensemble.own_initial_states && r < ensemble.replicas; ++r)
    backend->set_parameters(r, initial_state(ensemble, network, ensemble.first_replica + r));
  for (const std::uint64_t block : ensemble.blocks) backend->advance(block);
  EXPECT_EQ(backend->counters().steps, ensemble.replicas * (backend->step() - ensemble.first_step));
  return {hash(backend->parameters(0, ensemble.replicas)), backend->counters()};
}

const std::vector<std::string> instruction_sets{"generic", "avx2", "avx512"};

bool is_usable(const std::string& instruction_set) {
  return list_devices().front().capability.find(instruction_set) != std::string::npos;
}

/// One of the ways to the same decisions.
struct Way {
  std::string name;
  Rule rule;
  bool screens = false;
};

std::vector<Way> ways(const Rule& rule) {
  const auto* const metropolis = std::get_if<Metropolis>(&rule);
  if (metropolis == nullptr) return {{"", rule}};
  const auto way = [&](Precision precision, Acceptance acceptance) {
    return Metropolis{metropolis->beta, precision, acceptance};
  };
  return {{", exact, float", way(Precision::float32, Acceptance::exact)},
          {", exact, double", way(Precision::float64, Acceptance::exact)},
          {", screened", way(Precision::float32, Acceptance::screened), true},
          {", automatic", way(Precision::float32, Acceptance::automatic)}};
}

std::string line(const Golden& golden) {
  char numbers[100];
  std::snprintf(
      numbers, sizeof numbers, "%llu, %llu, 0x%016llx", static_cast<unsigned long long>(golden.accepted),
      static_cast<unsigned long long>(golden.not_finite), static_cast<unsigned long long>(golden.states));
  return "      {\"" + golden.name + "\", " + numbers + "},";
}

/// How this ensemble ends now, evaluated exactly. A value that this machine cannot compute stays as it was.
Golden golden_of(const Case& ensemble, const Golden& before) {
  Case exact = ensemble;
  exact.rule = ways(ensemble.rule).front().rule;
  Golden now = before;
  now.name = ensemble.name;
  for (const std::string& set : instruction_sets) {
    if (!is_usable(set)) continue;
    const Outcome outcome = evolve(exact, set);
    now.accepted = outcome.counters.accepted;
    now.not_finite = outcome.counters.not_finite;
    now.states = outcome.states;
  }
  return now;
}

Golden find_recorded(const std::string& name) {
  for (const Golden& golden : recorded())
    if (golden.name == name) return golden;
  return {.name = name};
}

bool is_to_print() {
  return std::getenv("LANGEVO_PRINT_GOLDEN_STATES") != nullptr;
}

class GoldenStatesTest : public testing::TestWithParam<Case> {};

TEST_P(GoldenStatesTest, AreThoseRecorded) {
  const Case& ensemble = GetParam();
  const Golden golden = find_recorded(ensemble.name);
  if (is_to_print()) {
    std::cout << line(golden_of(ensemble, golden)) << "\n";
    GTEST_SKIP() << "nothing is compared where values are printed anew";
  }
  for (const std::string& set : instruction_sets) {
    if (!is_usable(set)) continue;
    for (const Way& way : ways(ensemble.rule)) {
      SCOPED_TRACE(set + way.name);
      Case one = ensemble;
      one.rule = way.rule;
      const Outcome outcome = evolve(one, set);
      const StepCounters& counters = outcome.counters;
      EXPECT_EQ(line({golden.name, counters.accepted, counters.not_finite, outcome.states}), line(golden));
      if (ensemble.bounds_decide) {
        EXPECT_EQ(counters.decided_by_value, 0u)
            << "a decision hangs on the last bit: not the same everywhere";
      }
      if (way.screens && ensemble.model_decides) {
        EXPECT_GT(counters.decided_by_model, 0u);
      }
    }
  }
  if (!HasFailure()) return;
  const Golden now = golden_of(ensemble, golden);
  if (now == golden) {
    ADD_FAILURE() << "The exact evaluation ends as recorded; what is traced above does not.";
  } else {
    ADD_FAILURE() << "Where this was meant to change (see the beginning of the file), the new line is\n"
                  << line(now);
  }
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char letter : info.param.name) {
    if (letter == ' ') name += '_';
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0) name += letter;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Each, GoldenStatesTest, testing::ValuesIn(ensembles()), test_name);

TEST(GoldenStates, HaveALineForEachEnsembleAndNoOther) {
  std::vector<std::string> lines;
  std::vector<std::string> names;
  for (const Golden& golden : recorded()) lines.push_back(golden.name);
  for (const Case& ensemble : ensembles()) names.push_back(ensemble.name);
  EXPECT_EQ(lines, names);
}

/// Says on which instruction sets nothing was compared.
class InstructionSetTest : public testing::TestWithParam<std::string> {};

TEST_P(InstructionSetTest, IsComparedHere) {
  if (!is_usable(GetParam())) GTEST_SKIP() << "this machine has no " << GetParam() << ": nothing is compared";
}

INSTANTIATE_TEST_SUITE_P(Each, InstructionSetTest, testing::ValuesIn(instruction_sets),
                         [](const auto& set) { return set.param; });

}  // namespace
}  // namespace langevo
