// The same maths under other teams: an emulated warp of 32 lanes against the serial team.
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

template <class Team, class RuleType>
Trajectory follow(const Problem& problem, const RuleType& rule, std::uint64_t steps) {
  const HostProblem host(problem);
  const std::size_t n = problem.network().parameter_count();
  std::vector<double> sigma(n);
  for (std::size_t i = 0; i < n; ++i) sigma[i] = 1e-3 * (1 + static_cast<double>(i % 3));
  OwnedWorkspace<typename WorkspaceOf<Team, RuleType>::Type> work(host.view().network);
  Trajectory trajectory{draw_initial_state(problem.network(), PytorchInit{}, 3, 0), {}};
  RungCalibration calibration;
  ScreeningState screening;
  const StepContext context{host.view(), sigma.data(), 5, 0, 0};
  advance_replica(Team{}, context, rule, steps, {trajectory.x.data(), &calibration, &screening}, work.get(),
                  trajectory.counters);
  return trajectory;
}

class TeamTest : public testing::TestWithParam<Case> {};

TEST_P(TeamTest, EveryOrderOfLanesGivesTheSameBits) {
  const Problem problem = make_problem(GetParam());
  for (const Precision precision : {Precision::float32, Precision::float64}) {
    const Metropolis rule{1e3, precision};
    EXPECT_EQ((follow<EmulatedWarpTeam<false>>(problem, rule, 50).x),
              (follow<EmulatedWarpTeam<true>>(problem, rule, 50).x));
  }
  const ScreenedMetropolis screened{{.beta = 1e3, .acceptance = Acceptance::screened}};
  EXPECT_EQ((follow<EmulatedWarpTeam<false>>(problem, screened, 50).x),
            (follow<EmulatedWarpTeam<true>>(problem, screened, 50).x));
  const Langevin rule{1e3, 1};
  EXPECT_EQ((follow<EmulatedWarpTeam<false>>(problem, rule, 20).x),
            (follow<EmulatedWarpTeam<true>>(problem, rule, 20).x));
}

TEST_P(TeamTest, DecidesAsTheSerialTeamDoes) {
  const Problem problem = make_problem(GetParam());
  for (const double beta : {1e3, std::numeric_limits<double>::infinity()}) {
    for (const Precision precision : {Precision::float32, Precision::float64}) {
      const Trajectory serial = follow<SerialTeam>(problem, Metropolis{beta, precision}, 200);
      const Trajectory warp = follow<EmulatedWarpTeam<false>>(problem, Metropolis{beta, precision}, 200);
      EXPECT_EQ(serial.x, warp.x);
      EXPECT_EQ(serial.counters.accepted, warp.counters.accepted);
    }
    const ScreenedMetropolis screened{{.beta = beta, .acceptance = Acceptance::screened}};
    EXPECT_EQ((follow<SerialTeam>(problem, Metropolis{beta}, 200).x),
              (follow<EmulatedWarpTeam<false>>(problem, screened, 200).x));
  }
}

TEST_P(TeamTest, GradientsAgreeToRounding) {
  const Problem problem = make_problem(GetParam());
  const auto expect_close = [&](const auto& rule) {
    const Trajectory serial = follow<SerialTeam>(problem, rule, 20);
    const Trajectory warp = follow<EmulatedWarpTeam<false>>(problem, rule, 20);
    for (std::size_t i = 0; i < serial.x.size(); ++i) ASSERT_NEAR(serial.x[i], warp.x[i], 1e-12);
    EXPECT_NE(serial.x, draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
  };
  expect_close(Gradient{1e3});
  expect_close(NormalizedGradient{1e-2});
  expect_close(Langevin{1e3, 2});
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
