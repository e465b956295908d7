// The float change from carried values against the double change, along trajectories: its bound holds however
// many acceptances were carried, and nothing is left of a state that was changed by someone else.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/change/ladder/ladder.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "random_problems.hpp"

namespace langevo {
namespace {

class CarriedValuesTest : public RandomProblems {
 protected:
  CarriedValuesTest() : RandomProblems(11) {}

  Problem random_problem(const std::vector<int>& widths, Loss loss, std::size_t points) {
    return RandomProblems::random_problem(widths, Activation::tanh, loss, points);
  }
};

/// One replica's carried values beside the double change.
class Follower {
 public:
  explicit Follower(const Problem& problem) : host_(problem), owned_(host_.view().network) {}

  CarriedValues<SerialTeam>& carried() { return owned_.get().carried.get(); }

  /// Error of the carried change in units of its bound.
  double error(std::uint64_t step, const std::vector<double>& x, const std::vector<double>& proposed) {
    const LadderWorkspace<SerialTeam>& work = owned_.get();
    const ProblemView view = host_.view();
    carried().begin_step(0, step);
    LossChange own;
    if (!change_of_carried_step(SerialTeam{}, view, x.data(), proposed.data(), work.single_precision,
                                work.double_precision, carried(), own))
      own = loss_change(SerialTeam{}, view, x.data(), proposed.data(), work.single_precision);
    used_ += carried().gave_change() ? 1 : 0;
    ahead_ += carried().gave_change() && carried().shallow.left == ValuesLeft::proposed ? 1 : 0;
    most_carried_ = std::max(most_carried_, carried().acceptances);
    const LossChange exact =
        loss_change(SerialTeam{}, view, x.data(), proposed.data(), work.double_precision);
    return std::max(0.0, std::abs(own.change - exact.change) - exact.error_bound) / own.error_bound;
  }
  void end(bool accepted) {
    carried().end_step(SerialTeam{}, accepted, host_.view().network, owned_.get().single_precision);
  }

  [[nodiscard]] int used() const { return used_; }
  /// Passes that left the proposal's values.
  [[nodiscard]] int ahead() const { return ahead_; }
  [[nodiscard]] int most_carried() const { return most_carried_; }

 private:
  HostProblem host_;
  OwnedWorkspace<LadderWorkspace<SerialTeam>> owned_;
  int used_ = 0;
  int ahead_ = 0;
  int most_carried_ = 0;
};

TEST_F(CarriedValuesTest, BoundsHoldAlongTrajectories) {
  double largest = 0;
  for (int net = 0; net < 120; ++net) {
    const Loss loss = net % 3 == 0 ? Loss::cross_entropy : Loss::mse;
    std::vector<int> widths{net % 5 == 1 ? shallow_fan_in + 3 : 1 + net % 3};
    for (int l = 0; l < net % 4; ++l) widths.push_back(1 + (net * 7 + l * 5) % 37);
    widths.push_back(loss == Loss::mse ? 1 + net % 2 : 3);
    const Problem problem = random_problem(widths, loss, 1 + static_cast<std::size_t>(net * 13) % 150);
    Follower follower(problem);
    std::vector<double> x = random_state(problem, std::pow(10.0, -1 + net % 5 * 0.4));
    const double sigma = std::pow(10.0, -8 + net % 6);
    for (std::uint64_t step = 0; step < 150; ++step) {
      const std::vector<double> proposed = moved(x, sigma);
      const double error = follower.error(step, x, proposed);
      ASSERT_LE(error, 1) << "net " << net << ", step " << step;
      largest = std::max(largest, error);
      const bool accepted = step % 3 != 1;
      follower.end(accepted);
      if (accepted) x = proposed;
    }
    if (sigma < 1e-4 && net % 5 < 2) {
      EXPECT_EQ(follower.used(), 150) << "net " << net << " is evaluated anew";
    }
    EXPECT_LT(follower.most_carried(), CarriedValues<SerialTeam>::acceptances_before_renewal);
  }
  EXPECT_GT(largest, 1e-3) << "a bound this loose tests nothing";
}

// Changes of two units that cancel at the only point, so that their errors are all that is left of them.
TEST_F(CarriedValuesTest, ErrorsOfCancellingChangesAreInTheBound) {
  const Problem problem(Network({1, 2, 1}, Activation::tanh, false), Dataset{1, 1, 1, {0.7}, {5}}, Loss::mse);
  double largest = 0;
  for (int trial = 0; trial < 400; ++trial) {
    Follower follower(problem);
    const std::vector<double> x = moved({0.6, 0.8, 0.3, -0.2, 1.0, 0.9}, 0.1);
    const auto preactivation = [&](int j) { return x[j] * 0.7 + x[2 + j]; };
    const double h[] = {std::tanh(preactivation(0)), std::tanh(preactivation(1))};
    std::vector<double> proposed = x;
    const double size = 5e-4 * (1 + trial % 5);
    if (trial % 2 == 0) {  // of the weights above
      proposed[4] += size;
      proposed[5] -= size * h[0] / h[1];
    } else {  // of the values
      const double rise = std::tanh(preactivation(0) + size) - h[0];
      proposed[2] += size;
      proposed[3] = std::atanh(h[1] - x[4] * rise / x[5]) - x[1] * 0.7;
    }
    const double error = follower.error(static_cast<std::uint64_t>(trial), x, proposed);
    ASSERT_EQ(follower.used(), 1);
    ASSERT_LE(error, 1) << "trial " << trial;
    largest = std::max(largest, error);
  }
  EXPECT_GT(largest, 0.05) << "a bound this loose tests nothing";
}

// Where most proposals are accepted, passes leave their values, and a rejection takes them back: nothing of
// it shows in what comes after.
TEST_F(CarriedValuesTest, RejectionsAreTakenBack) {
  double largest = 0;
  for (int trial = 0; trial < 6; ++trial) {
    const double sigma = std::vector<double>{1e-6, 1e-4, 6e-4}[trial / 2];
    const Problem problem = random_problem({1, trial % 2 == 0 ? 2 : 20, 1}, Loss::mse, 100);
    Follower follower(problem);
    std::vector<double> x = random_state(problem, 0.3);
    for (std::uint64_t step = 0; step < 400; ++step) {
      const std::vector<double> proposed = moved(x, sigma);
      const double error = follower.error(step, x, proposed);
      ASSERT_LE(error, 1) << "step " << step;
      if (step > 100) largest = std::max(largest, error);
      const bool accepted = step % 5 != 4;
      follower.end(accepted);
      if (accepted) x = proposed;
    }
    EXPECT_EQ(follower.used(), 400);
    EXPECT_GT(follower.ahead(), 300);
  }
  EXPECT_GT(largest, 5e-3) << "a bound this loose tests nothing";
}

// The bound of a way back is that of one more way there.
TEST(ChangeBounds, OfAWayBack) {
  for (const double d : {1e-6, 1e-2, 1.0}) {
    const ChangeBounds<double> way{d, 0};
    const ChangeBounds<double> values{5, 1e-7};
    const auto after = [&](const ChangeBounds<double>& from) {
      return changed_value_bounds(series_change_bounds<TanhActivation>(way, from.error, 1e-8), from.norm,
                                  from.error);
    };
    const ChangeBounds<double> next = after(values);
    const ChangeBounds<double> back = values_taken_back<TanhActivation>(values, next);
    EXPECT_DOUBLE_EQ(back.norm, after(next).norm);
    EXPECT_DOUBLE_EQ(back.error, after(next).error);
  }
}

// What ways back leave behind adds up, and the bound counts it: here most acceptances are followed by the
// rejection of a far larger proposal.
TEST_F(CarriedValuesTest, WaysBackAddUpInTheBound) {
  const Problem problem = random_problem({1, 20, 1}, Loss::mse, 100);
  Follower follower(problem);
  std::vector<double> x = random_state(problem, 0.3);
  float error_before = 0;
  for (std::uint64_t step = 0; step < 120; ++step) {
    const bool accepted = step < 40 || step % 4 != 0;
    const std::vector<double> proposed = moved(x, accepted ? 1e-7 : 6e-4);
    ASSERT_LE(follower.error(step, x, proposed), 1) << "step " << step;
    const float error = follower.carried().shallow.bounds[follower.carried().side].hidden.error;
    if (step >= 40 && step % 4 == 1) {
      EXPECT_GT(error, error_before * 1.02f) << "step " << step;
    }
    error_before = error;
    follower.end(accepted);
    if (accepted) x = proposed;
  }
  EXPECT_EQ(follower.used(), 120);
  EXPECT_GT(follower.ahead(), 60);
}

TEST_F(CarriedValuesTest, OthersMovesAreForgotten) {
  const Problem problem = random_problem({1, 20, 1}, Loss::mse, 100);
  const std::vector<double> x = random_state(problem, 0.5);
  const std::vector<double> elsewhere = moved(x, 0.1);
  const std::vector<double> proposed = moved(elsewhere, 1e-6);
  const auto begin = [&](Follower& follower) {
    follower.error(7, x, moved(x, 1e-6));
    follower.end(false);
  };
  Follower stale(problem);
  begin(stale);
  EXPECT_GT(stale.error(8, elsewhere, proposed), 1) << "the values were not carried";
  Follower told(problem);
  begin(told);
  told.carried().forget();
  EXPECT_LE(told.error(8, elsewhere, proposed), 1);
  Follower later(problem);
  begin(later);
  EXPECT_LE(later.error(9, elsewhere, proposed), 1) << "a step was taken by someone else";
}

// A change beyond the reach of the series is evaluated anew, and what was carried is forgotten if it is
// taken.
TEST_F(CarriedValuesTest, LargeChangesAreEvaluatedAnew) {
  const Problem problem = random_problem({1, 20, 1}, Loss::mse, 100);
  Follower follower(problem);
  std::vector<double> x = random_state(problem, 0.5);
  for (std::uint64_t step = 0; step < 20; ++step) {
    const std::vector<double> proposed = moved(x, step % 2 == 0 ? 0.1 : 1e-6);
    ASSERT_LE(follower.error(step, x, proposed), 1) << "step " << step;
    EXPECT_EQ(follower.carried().gave_change(), step % 2 == 1);
    follower.end(true);
    x = proposed;
  }
}

}  // namespace
}  // namespace langevo
