// The same maths under other teams: an emulated warp of 32 lanes and an emulated block of 8 warps against the
// serial team.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>

#include "emulated_team.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/rules/advance.hpp"
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
  for (std::size_t i = 0; c.points % 64 == 1 && i < c.points; ++i)  // they have weights
    data.weights.push_back(0.25 + static_cast<double>(i % 5));
  return {Network(c.widths, c.activation, true), data, c.loss};
}

struct Trajectory {
  std::vector<double> x;
  StepCounters counters;
};

/// Part of every workspace lies in memory of its own, as it does on a GPU.
constexpr std::size_t on_chip_bytes = 20000;

/// A replica before its first step.
class Follower {
 public:
  Follower(const Problem& problem, double width)
      : host_(problem),
        view_(host_.view()),
        sigma_(problem.network().parameter_count()),
        directions_(directions_size(view_.network)),
        trajectory_{draw_initial_state(problem.network(), PytorchInit{}, 3, 0), {}} {
    for (std::size_t i = 0; i < sigma_.size(); ++i) sigma_[i] = width * (1 + static_cast<double>(i % 3));
  }
  /// To be called by every member of the team.
  template <class Team, class RuleType, class Workspace>
  void advance(const Team& team, const RuleType& rule, std::uint64_t steps, const Workspace& work,
               std::uint64_t first_step = 0) {
    StepCounters counters;
    advance_replica(team, StepContext{view_, sigma_.data(), 5, first_step, 0}, rule, steps,
                    {trajectory_.x.data(), &calibration_, &screening_, &learnt_,
                     directions_.empty() ? nullptr : directions_.data()},
                    work, counters);
    if (team.leads()) trajectory_.counters = counters;
  }
  [[nodiscard]] const NetworkView& network() const { return view_.network; }
  [[nodiscard]] const Trajectory& trajectory() const { return trajectory_; }

 private:
  HostProblem host_;
  ProblemView view_;
  std::vector<double> sigma_;
  std::vector<float> directions_;
  FloatCalibration calibration_{};
  ScreeningState screening_{};
  LearntCurvature learnt_{};
  Trajectory trajectory_;
};

template <class Team, class RuleType>
Trajectory follow(const Problem& problem, const RuleType& rule, std::uint64_t steps, double width = 1e-3) {
  using Workspace = typename WorkspaceOf<Team, RuleType>::Type;
  Follower follower(problem, width);
  run_team_in_workspace<Workspace, Team>(
      follower.network(), on_chip_bytes,
      [&](const Team& team, auto& work) { follower.advance(team, rule, steps, work); });
  return follower.trajectory();
}

class TeamTest : public testing::TestWithParam<Case> {};

template <template <bool> class Team>
void expect_same_bits_in_every_order(const Problem& problem) {
  const auto expect_same = [&](const auto& rule, std::uint64_t steps) {
    EXPECT_EQ(follow<Team<false>>(problem, rule, steps).x, follow<Team<true>>(problem, rule, steps).x);
  };
  expect_same(Metropolis{1e3, Precision::float32}, 50);
  expect_same(Metropolis{1e3, Precision::float64}, 50);
  expect_same(gradient_rule(Langevin{1e3, 1}), 20);
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
  expect_close(gradient_rule(Gradient{1e3}));
  expect_close(gradient_rule(NormalizedGradient{1e-2}));
  expect_close(gradient_rule(Langevin{1e3, 2}));
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

/// The gradient in float beside the one in double: within some roundings of its sums, and never the same.
template <class Team>
void expect_gradient_in_float(const Problem& problem) {
  const HostProblem host(problem);
  const ProblemView view = host.view();
  const std::size_t n = problem.network().parameter_count();
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 3, 0);
  std::vector<double> in_float(n);
  std::vector<double> in_double(n);
  double loss_in_float = 0;
  double loss_in_double = 0;
  run_team_in_workspace<GradientWorkspace<Team>, Team>(view.network, 0, [&](const Team& team, auto& work) {
    const double first = loss_and_float_gradient(team, view, x.data(), work);
    team.each(n, [&](std::size_t i) { in_float[i] = work.gradient[i]; });
    team.synchronize();
    const double second = loss_and_gradient(team, view, x.data(), work);
    team.each(n, [&](std::size_t i) { in_double[i] = work.gradient[i]; });
    if (team.leads()) {
      loss_in_float = first;
      loss_in_double = second;
    }
  });
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < n; ++i) {
    error += (in_float[i] - in_double[i]) * (in_float[i] - in_double[i]);
    size += in_double[i] * in_double[i];
  }
  EXPECT_LT(std::sqrt(error / size), 2e-6);
  EXPECT_GT(std::sqrt(error / size), 1e-9);
  EXPECT_NEAR(loss_in_float / loss_in_double, 1, 1e-6);
}

TEST_P(TeamTest, GradientInFloat) {
  expect_gradient_in_float<SerialTeam>(make_problem(GetParam()));
  expect_gradient_in_float<EmulatedWarp<false>>(make_problem(GetParam()));
  expect_gradient_in_float<EmulatedBlockOf8<true>>(make_problem(GetParam()));
}
TEST(Teams, GradientInFloatOfMoreTilesThanOneFloatSumTakes) {
  const Case many{{2, 9, 3}, Activation::tanh, Loss::mse, 9001};
  static_assert(9001 > points_per_tile * gradient_tiles_per_float_sum * 8);
  expect_gradient_in_float<SerialTeam>(make_problem(many));
  expect_gradient_in_float<EmulatedWarp<true>>(make_problem(many));
  expect_gradient_in_float<EmulatedBlockOf8<false>>(make_problem(many));
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

/// Mutations small enough for models to decide most of them: long stretches, followed pending mutations,
/// renewed Hessians and learnt directions.
template <template <bool> class Team>
void expect_models_followed_for_long() {
  for (const std::vector<int>& widths : {std::vector<int>{1, 6, 1}, std::vector<int>{2, 5, 4, 1}}) {
    const Problem problem = make_problem({widths, Activation::tanh, Loss::mse, 65});
    for (const double beta : {1e5, std::numeric_limits<double>::infinity()}) {
      const ScreenedMetropolis screened{{.beta = beta, .acceptance = Acceptance::screened}};
      const Trajectory actual = follow<Team<false>>(problem, screened, 3000, 1e-5);
      EXPECT_EQ(follow<SerialTeam>(problem, Metropolis{beta}, 3000, 1e-5).x, actual.x);
      EXPECT_EQ(follow<Team<true>>(problem, screened, 3000, 1e-5).x, actual.x);
      EXPECT_EQ(actual.counters.steps, 3000u);
      EXPECT_GT(actual.counters.decided_by_model, 1500u);
    }
  }
}

TEST(Teams, AWarpFollowsModelsForLong) {
  expect_models_followed_for_long<EmulatedWarp>();
}
TEST(Teams, ABlockFollowsModelsForLong) {
  expect_models_followed_for_long<EmulatedBlockOf8>();
}

/// Proposals are taken a few at a time; calls end within such a few, and audits, undecided proposals and the
/// ends of stretches fall anywhere in it.
template <class Team>
void expect_batches_may_end_anywhere(const std::vector<int>& widths, double beta, unsigned seed) {
  using Workspace = ScreenedWorkspace<Team>;
  constexpr std::uint64_t steps = 2500;
  const Problem problem = make_problem({widths, Activation::tanh, Loss::mse, 65});
  const ScreenedMetropolis screened{{.beta = beta, .acceptance = Acceptance::screened}};
  std::mt19937_64 generator(seed);
  std::vector<std::uint64_t> ends;
  for (std::uint64_t end = 0; end < steps; ends.push_back(end))
    end = std::min(steps, end + 1 + generator() % (generator() % 8 == 0 ? 700 : 70));
  Follower follower(problem, 1e-5);
  std::uint64_t decided_by_model = 0;
  run_team_in_workspace<Workspace, Team>(
      follower.network(), on_chip_bytes, [&](const Team& team, auto& work) {
        std::uint64_t begin = 0;
        for (const std::uint64_t end : ends) {
          follower.advance(team, screened, end - begin, work, begin);
          if (team.leads()) decided_by_model += follower.trajectory().counters.decided_by_model;
          team.synchronize();
          begin = end;
        }
      });
  EXPECT_EQ(follower.trajectory().x, follow<SerialTeam>(problem, Metropolis{beta}, steps, 1e-5).x) << seed;
  EXPECT_GT(decided_by_model, steps / 2);
}

TEST(Teams, BatchesOfProposalsMayEndAnywhere) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (unsigned seed = 1; seed <= 4; ++seed) {
    expect_batches_may_end_anywhere<EmulatedWarp<false>>({1, 6, 1}, infinity, seed);
    expect_batches_may_end_anywhere<EmulatedWarp<true>>({1, 30, 1}, infinity, seed);
    expect_batches_may_end_anywhere<EmulatedWarp<false>>({1, 6, 1}, 1e5, seed);
    expect_batches_may_end_anywhere<SerialTeam>({1, 6, 1}, infinity, seed);
  }
  expect_batches_may_end_anywhere<EmulatedBlockOf8<false>>({1, 6, 1}, infinity, 5);
  expect_batches_may_end_anywhere<EmulatedWarp<false>>({1, 60, 1}, infinity, 6);  // longer than a lane takes
}

/// What teams do with a few vectors at a time, in whole numbers.
template <class Team>
void expect_whole_vectors() {
  constexpr std::size_t most = Team::vectors_at_a_time;
  constexpr std::size_t longest = 784;
  constexpr std::size_t stride = longest + 16;
  constexpr int rows = 3;
  alignas(64) static float numbers[(most + rows) * stride];
  std::mt19937 generator(3);
  for (float& number : numbers) number = static_cast<float>(static_cast<int>(generator() % 17) - 8);
  const float* row[rows];
  for (std::size_t r = 0; r < rows; ++r) row[r] = numbers + (most + r) * stride;
  for (const std::size_t n : {4, 6, 16, 96, 112, 128, 144, 784}) {
    for (const std::size_t count : {std::size_t{1}, (most + 1) / 2, most}) {
      std::vector<double> products(rows * count);
      std::vector<std::uint64_t> folded(n, 1);
      std::vector<std::size_t> found(3);
      const std::uint32_t some = 0x5a5a5a5au & static_cast<std::uint32_t>((std::uint64_t{1} << count) - 1);
      run_team<Team>([&](const Team& team) {
        typename Team::template VectorValues<double> out[rows];
        team.template dots<rows>(n, count, numbers, stride, row, out);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t k = 0; k < count; ++k) {
            const double product = team.of_vector(out[r], k);
            if (team.leads()) products[r * count + k] = product;
          }
        }
        const auto first_odd = team.first_vector(0, count, [&](std::size_t k) { return k % 2 == 1; });
        const auto next_odd = team.first_vector(std::min<std::size_t>(2, count), count,
                                                [&](std::size_t k) { return k % 2 == 1; });
        const auto none = team.first_vector(0, count, [&](std::size_t k) { return k > count; });
        if (team.leads()) found = {first_odd, next_odd, none};
        team.synchronize();
        team.fold_vectors(n, some, folded.data(), [](std::uint64_t value, auto i, auto k) {
          return 3 * value + static_cast<std::uint64_t>(i + 7 * k);
        });
      });
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t k = 0; k < count; ++k) {
          double expected = 0;
          for (std::size_t i = 0; i < n; ++i)
            expected += static_cast<double>(row[r][i]) * static_cast<double>(numbers[k * stride + i]);
          ASSERT_EQ(products[r * count + k], expected) << n << " numbers, vector " << k;
        }
      }
      EXPECT_EQ(found,
                (std::vector<std::size_t>{std::min<std::size_t>(1, count), count > 3 ? 3 : count, count}));
      for (std::size_t i = 0; i < n; ++i) {
        std::uint64_t expected = 1;
        for (std::size_t k = 0; k < count; ++k) {
          if ((some >> k & 1u) != 0) expected = 3 * expected + i + 7 * k;
        }
        ASSERT_EQ(folded[i], expected) << n << " numbers";
      }
    }
  }
}

TEST(Teams, VectorsAreWholeForEverySize) {
  expect_whole_vectors<SerialTeam>();
  expect_whole_vectors<EmulatedWarp<false>>();
  expect_whole_vectors<EmulatedWarp<true>>();
  expect_whole_vectors<EmulatedBlockOf8<false>>();
}

TEST(Teams, SumsAreWholeForEveryLength) {
  for (const std::size_t n : {0, 1, 31, 33, 255, 257, 1000}) {
    run_team<EmulatedBlockOf8<false>>([&](const auto& team) {
      for (int repeat = 0; repeat < 20; ++repeat) {
        const double sum = team.sum(n, [](std::size_t i) { return static_cast<double>(i + 1); });
        const std::size_t expected = n * (n + 1) / 2;
        EXPECT_EQ(sum, static_cast<double>(expected));
      }
    });
  }
}

/// Memory in which what nobody has written is NaN.
template <class Workspace>
class UnwrittenWorkspace {
 public:
  explicit UnwrittenWorkspace(const NetworkView& network) : memory_(workspace_bytes_of<Workspace>(network)) {
    std::memset(memory_.data(), 0xff, workspace_bytes_of<Workspace>(network));
    work_.emplace(carve_workspace<Workspace>(network, memory_.data()));
  }
  [[nodiscard]] const Workspace& get() const { return *work_; }

 private:
  WorkspaceMemory memory_;
  std::optional<Workspace> work_;
};

template <class RuleType>
void expect_same_steps_on_few_points(const Problem& problem, const RuleType& rule, double width) {
  using Workspace = typename WorkspaceOf<SerialTeam, RuleType>::Type;
  const auto steps_of = [&](const SerialTeam& team) {
    Follower follower(problem, width);
    const UnwrittenWorkspace<Workspace> work(follower.network());
    follower.advance(team, rule, 150, work.get());
    return follower.trajectory();
  };
  const Trajectory whole = steps_of(SerialTeam{});
  const Trajectory few = steps_of(SerialTeam::for_points(problem.data().points));
  ASSERT_EQ(whole.x, few.x);
  ASSERT_EQ(whole.counters.accepted, few.counters.accepted);
  ASSERT_EQ(whole.counters.decided_by_float, few.counters.decided_by_float);
  ASSERT_EQ(whole.counters.decided_by_model, few.counters.decided_by_model);
  ASSERT_NE(whole.x, draw_initial_state(problem.network(), PytorchInit{}, 3, 0));
}

template <class Real>
void expect_same_changes_on_few_points(const Problem& problem, double width) {
  const HostProblem host(problem);
  const ProblemView view = host.view();
  const std::vector<double> x = draw_initial_state(problem.network(), PytorchInit{}, 3, 0);
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  for (int repeat = 0; repeat < 10; ++repeat) {
    std::vector<double> proposed = x;
    for (double& value : proposed) value += width * normal(generator);
    const auto change_of = [&](const SerialTeam& team) {
      const UnwrittenWorkspace<LossChangeWorkspace<SerialTeam, Real>> work(view.network);
      return loss_change(team, view, x.data(), proposed.data(), work.get());
    };
    const LossChange whole = change_of(SerialTeam{});
    const LossChange few = change_of(SerialTeam::for_points(problem.data().points));
    ASSERT_EQ(whole.change, few.change);
    ASSERT_EQ(whole.error_bound, few.error_bound);
  }
}

/// Of a tile that is not whole, the team works on the points there are, with what every point gave before.
TEST(Teams, StepsOnFewPointsAreThoseOfTheWholeTile) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const std::size_t points : {1, 13, 16, 17, 31, 33, 48, 49, 64, 65}) {
    for (const Case& c : {Case{{1, 30, 1}, Activation::tanh, Loss::mse, points},
                          Case{{2, 9, 1}, Activation::tanh, Loss::mse, points},
                          Case{{2, 9, 6, 3}, Activation::tanh, Loss::mse, points},
                          Case{{1, 33, 33, 1}, Activation::tanh, Loss::mse, points},
                          Case{{2, 7, 3}, Activation::gelu, Loss::cross_entropy, points},
                          Case{{1, 8, 1}, Activation::relu, Loss::huber, points}}) {
      SCOPED_TRACE(testing::Message()
                   << points << " points, widths from " << c.widths[0] << ", " << c.widths[1]);
      const Problem problem = make_problem(c);
      for (const double width : {1e-5, 1e-2}) {
        expect_same_changes_on_few_points<float>(problem, width);
        expect_same_changes_on_few_points<double>(problem, width);
        expect_same_steps_on_few_points(problem, Metropolis{1e3}, width);
        expect_same_steps_on_few_points(problem, Metropolis{infinity, Precision::float64}, width);
        const ScreenedMetropolis screened{{.beta = infinity, .acceptance = Acceptance::screened}};
        expect_same_steps_on_few_points(problem, screened, width);
      }
      expect_same_steps_on_few_points(problem, gradient_rule(Langevin{1e3, 1}), 1e-3);
    }
  }
  EXPECT_EQ(SerialTeam::for_points(1000).points, points_per_tile);
  EXPECT_EQ(SerialTeam::for_points(17).points, 32);
}

/// Small whole numbers, whose sums are exact in every order.
template <class Real>
std::vector<Real> whole_numbers(std::size_t count, int seed) {
  std::vector<Real> numbers(count);
  for (std::size_t i = 0; i < count; ++i)
    numbers[i] = static_cast<Real>(static_cast<int>((i * 7 + static_cast<std::size_t>(seed)) % 11) - 5);
  return numbers;
}

constexpr int sizes_around_registers[] = {1, 3, 4, 5, 8, 9, 31, 33};

template <class Team, class Real>
void expect_whole_dots() {
  const auto row_start = [](int row) { return static_cast<std::size_t>(row) * points_per_tile; };
  for (const int rows : sizes_around_registers) {
    for (const int columns : sizes_around_registers) {
      const auto a = whole_numbers<Real>(static_cast<std::size_t>(rows) * points_per_tile, 1);
      const auto b = whole_numbers<Real>(static_cast<std::size_t>(columns) * points_per_tile, 2);
      const std::size_t stride = static_cast<std::size_t>(columns) + 2;
      std::vector<typename PointSumOf<Team, Real>::Type> sums(static_cast<std::size_t>(rows) * stride);
      run_team<Team>([&](const Team& team) {
        for (auto& sum : sums) team.clear(sum);
        for (int tile = 0; tile < 2; ++tile)
          team.add_dots(sums.data(), stride, rows, columns, a.data(), b.data());
        for (int i = 0; i < rows; ++i) {
          for (int k = 0; k < columns; ++k) {
            double expected = 0;
            for (int p = 0; p < points_per_tile; ++p)
              expected += 2 * static_cast<double>(a[row_start(i) + static_cast<std::size_t>(p)] *
                                                  b[row_start(k) + static_cast<std::size_t>(p)]);
            ASSERT_EQ(team.total(sums[static_cast<std::size_t>(i) * stride + static_cast<std::size_t>(k)]),
                      expected);
          }
        }
      });
    }
  }
}

TEST(Teams, DotsOfRowsAreWholeForEverySize) {
  expect_whole_dots<SerialTeam, double>();
  expect_whole_dots<SerialTeam, float>();
  expect_whole_dots<EmulatedWarp<false>, double>();
  expect_whole_dots<EmulatedWarp<false>, float>();
}

template <class Team, class Real>
void expect_whole_affine_maps() {
  for (const int fan_in : sizes_around_registers) {
    for (const int fan_out : sizes_around_registers) {
      const Network network({fan_in, fan_out}, Activation::identity, true);
      const Layer layer = network.layers()[0];
      const std::size_t n = network.parameter_count();
      const auto rows = static_cast<std::size_t>(fan_in) * points_per_tile;
      const auto w = whole_numbers<Real>(n, 1);
      const auto e = whole_numbers<Real>(n, 2);
      const auto h = whole_numbers<Real>(rows, 3);
      const auto dh = whole_numbers<Real>(rows, 4);
      std::vector<Real> proposed(n);
      for (std::size_t i = 0; i < n; ++i) proposed[i] = w[i] + e[i];
      std::vector<Real> a(static_cast<std::size_t>(fan_out) * points_per_tile);
      std::vector<Real> d = a;
      const AffineRows<Real> affine{w.data(), proposed.data(), e.data(), h.data(), dh.data()};
      run_team<Team>([&](const Team& team) {
        each_unit_block<Team::units_with_change>(fan_out, [&](auto units, int j) {
          const std::size_t row = static_cast<std::size_t>(j) * points_per_tile;
          affine_with_change<units>(team, layer, j, false, affine, a.data() + row, d.data() + row);
        });
      });
      for (std::size_t j = 0; j < static_cast<std::size_t>(fan_out); ++j) {
        for (std::size_t p = 0; p < points_per_tile; ++p) {
          Real value = w[layer.bias_offset + j];
          Real after = proposed[layer.bias_offset + j];
          for (std::size_t k = 0; k < static_cast<std::size_t>(fan_in); ++k) {
            const std::size_t weight = layer.weight_offset + j * static_cast<std::size_t>(fan_in) + k;
            const std::size_t at = k * points_per_tile + p;
            value += w[weight] * h[at];
            after += proposed[weight] * (h[at] + dh[at]);
          }
          ASSERT_EQ(a[j * points_per_tile + p], value);
          ASSERT_EQ(d[j * points_per_tile + p], after - value);
        }
      }
    }
  }
}

TEST(Teams, AffineMapsAreWholeForEverySize) {
  expect_whole_affine_maps<SerialTeam, float>();
  expect_whole_affine_maps<SerialTeam, double>();
  expect_whole_affine_maps<EmulatedWarp<true>, float>();
  expect_whole_affine_maps<EmulatedWarp<true>, double>();
}

INSTANTIATE_TEST_SUITE_P(Sizes, TeamTest,
                         testing::Values(Case{{1, 1}, Activation::identity, Loss::mse, 1},
                                         Case{{2, 31, 1}, Activation::tanh, Loss::mse, 31},
                                         Case{{1, 33, 2}, Activation::sigmoid, Loss::mse, 33},
                                         Case{{3, 5, 4, 3}, Activation::tanh, Loss::cross_entropy, 65},
                                         Case{{2, 8, 8, 2}, Activation::relu, Loss::cross_entropy, 64},
                                         Case{{1, 30, 1}, Activation::tanh, Loss::mse, 1000},
                                         Case{{2, 7, 2}, Activation::gelu, Loss::huber, 65},
                                         Case{{1, 5, 4, 1}, Activation::softplus, Loss::mse, 33}));

}  // namespace
}  // namespace langevo
