// The same maths under other teams: an emulated warp of 32 lanes and an emulated block of 8 warps against the
// serial team.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "emulated_team.hpp"
#include "kernels/advance.hpp"
#include "kernels/cpu/host_problem.hpp"
#include "kernels/cpu/workspace_memory.hpp"
#include "langevo/initial_state.hpp"

namespace langevo {
namespace {

struct Case {
  std::vector<int> widths;
  Activation activation;
  Loss loss;
  std::size_t points;
};

Problem make_problem(const Case& c) {
  std::mt19937_64 generator(c.points + c.widths.size());
  std::normal_distribution<double> normal;
  Dataset data{c.points, c.widths.front(), c.widths.back(), {}, {}};
  for (std::size_t i = 0; i < c.points * c.widths.front(); ++i) data.inputs.push_back(normal(generator));
  for (std::size_t i = 0; i < c.points * c.widths.back(); ++i)
    data.targets.push_back(std::abs(normal(generator)));
  return {Network(c.widths, c.activation, true), data, c.loss};
}

struct Trajectory {
  std::vector<double> x;
  StepCounters counters;
};

/// Part of every workspace lies in memory of its own, as it does on a GPU.
constexpr std::size_t on_chip_bytes = 20000;

template <class Team, class RuleType>
Trajectory follow(const Problem& problem, const RuleType& rule, std::uint64_t steps) {
  const HostProblem host(problem);
  const std::size_t n = problem.network().parameter_count();
  std::vector<double> sigma(n);
  for (std::size_t i = 0; i < n; ++i) sigma[i] = 1e-3 * (1 + static_cast<double>(i % 3));
  using Workspace = typename WorkspaceOf<Team, RuleType>::Type;
  const ProblemView view = host.view();
  Arena arena{.on_chip = {nullptr, on_chip_bytes, 0}, .workers = Team::workers};
  WorkspaceMemory off_chip(measure_workspace<Workspace>(view.network, arena).used);
  WorkspaceMemory on_chip(on_chip_bytes);
  arena.base = off_chip.data();
  arena.on_chip.base = on_chip.data();
  Trajectory trajectory{draw_initial_state(problem.network(), PytorchInit{}, 3, 0), {}};
  FloatCalibration calibration;
  ScreeningState screening;
  std::vector<float> directions(directions_size(view.network));
  const StepContext context{view, sigma.data(), 5, 0, 0};
  run_team<Team>([&](const Team& team) {
    Arena mine = arena;
    mine.worker = static_cast<int>(team.worker());
    auto work = carve_workspace<Workspace>(view.network, mine);
    StepCounters counters;
    advance_replica(
        team, context, rule, steps,
        {trajectory.x.data(), &calibration, &screening, directions.empty() ? nullptr : directions.data()},
        work, counters);
    if (team.leads()) trajectory.counters = counters;
  });
  return trajectory;
}

class TeamTest : public testing::TestWithParam<Case> {};

template <template <bool> class Team>
void expect_same_bits_in_every_order(const Problem& problem) {
  const auto expect_same = [&](const auto& rule, std::uint64_t steps) {
    EXPECT_EQ(follow<Team<false>>(problem, rule, steps).x, follow<Team<true>>(problem, rule, steps).x);
  };
  expect_same(Metropolis{1e3, Precision::float32}, 50);
  expect_same(Metropolis{1e3, Precision::float64}, 50);
  expect_same(Langevin{1e3, 1}, 20);
}

template <class Team>
void expect_decisions_of_serial_team(const Problem& problem) {
  for (const double beta : {1e3, std::numeric_limits<double>::infinity()}) {
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      const Trajectory serial = follow<SerialTeam>(problem, Metropolis{beta, precision}, 200);
      const Trajectory actual = follow<Team>(problem, Metropolis{beta, precision}, 200);
      EXPECT_EQ(serial.x, actual.x);
      EXPECT_EQ(serial.counters.accepted, actual.counters.accepted);
    }
  }
}

template <class Team>
void expect_gradients_of_serial_team(const Problem& problem) {
  const auto expect_close = [&](const auto& rule) {
    const Trajectory serial = follow<SerialTeam>(problem, rule, 20);
    const Trajectory actual = follow<Team>(problem, rule, 20);
    for (std::size_t i = 0; i < serial.x.size(); ++i) ASSERT_NEAR(serial.x[i], actual.x[i], 1e-12);
    EXPECT_NE(serial.x, draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
  };
  expect_close(Gradient{1e3});
  expect_close(NormalizedGradient{1e-2});
  expect_close(Langevin{1e3, 2});
}

TEST_P(TeamTest, EveryOrderOfLanesGivesTheSameBits) {
  expect_same_bits_in_every_order<EmulatedWarp>(make_problem(GetParam()));
}
TEST_P(TeamTest, EveryOrderOfLanesOfABlockGivesTheSameBits) {
  expect_same_bits_in_every_order<EmulatedBlockOf8>(make_problem(GetParam()));
}
TEST_P(TeamTest, AWarpDecidesAsTheSerialTeamDoes) {
  expect_decisions_of_serial_team<EmulatedWarp<false>>(make_problem(GetParam()));
}
TEST_P(TeamTest, ABlockDecidesAsTheSerialTeamDoes) {
  expect_decisions_of_serial_team<EmulatedBlockOf8<false>>(make_problem(GetParam()));
}
TEST_P(TeamTest, GradientsOfAWarpAgreeToRounding) {
  expect_gradients_of_serial_team<EmulatedWarp<false>>(make_problem(GetParam()));
}
TEST_P(TeamTest, GradientsOfABlockAgreeToRounding) {
  expect_gradients_of_serial_team<EmulatedBlockOf8<false>>(make_problem(GetParam()));
}

template <template <bool> class Team>
void expect_screening_as_serial_team_decides(const Problem& problem) {
  for (const double beta : {1e3, std::numeric_limits<double>::infinity()}) {
    const ScreenedMetropolis screened{{.beta = beta, .acceptance = Acceptance::screened}};
    const Trajectory actual = follow<Team<false>>(problem, screened, 200);
    EXPECT_EQ(follow<SerialTeam>(problem, Metropolis{beta}, 200).x, actual.x);
    EXPECT_EQ(follow<Team<true>>(problem, screened, 200).x, actual.x);
  }
}

TEST_P(TeamTest, AWarpScreensAsTheSerialTeamDecides) {
  expect_screening_as_serial_team_decides<EmulatedWarp>(make_problem(GetParam()));
}
TEST_P(TeamTest, ABlockScreensAsTheSerialTeamDecides) {
  expect_screening_as_serial_team_decides<EmulatedBlockOf8>(make_problem(GetParam()));
}

TEST(Teams, SumsAreWholeForEveryLength) {
  for (const std::size_t n : {0, 1, 31, 33, 255, 257, 1000}) {
    run_team<EmulatedBlockOf8<false>>([&](const auto& team) {
      for (int repeat = 0; repeat < 20; ++repeat) {
        const double sum = team.sum(n, [](std::size_t i) { return static_cast<double>(i + 1); });
        EXPECT_EQ(sum, static_cast<double>(n * (n + 1) / 2));
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamTest,
                         testing::Values(Case{{1, 1}, Activation::identity, Loss::mse, 1},
                                         Case{{2, 31, 1}, Activation::tanh, Loss::mse, 31},
                                         Case{{1, 33, 2}, Activation::sigmoid, Loss::mse, 33},
                                         Case{{3, 5, 4, 3}, Activation::tanh, Loss::cross_entropy, 65},
                                         Case{{2, 8, 8, 2}, Activation::relu, Loss::cross_entropy, 64},
                                         Case{{1, 30, 1}, Activation::tanh, Loss::mse, 1000}));

}  // namespace
}  // namespace langevo
