// The float change from forward passes against the double change: its bound holds along trajectories, the
// outputs that it keeps are those of the state, and steps that it decides are decided as double does.
#include <gtest/gtest.h>

#include <cmath>

#include "definitions.hpp"
#include "kernel_fixture.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/rules/metropolis.hpp"
#include "random_problems.hpp"

namespace langevo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class TwoPassChangeTest : public RandomProblems {
 protected:
  TwoPassChangeTest() : RandomProblems(7) {}
};

/// One replica whose outputs are kept.
class Follower {
 public:
  explicit Follower(const Problem& problem) : host_(problem), view_(host_.view()), owned_(here()) {}

  const LadderWorkspace<SerialTeam>& work() { return owned_.get(); }
  const TwoPassOutputs<SerialTeam>& forward() { return work().forward; }
  [[nodiscard]] const ProblemView& view() const { return view_; }

  LossChange change(std::uint64_t step, const std::vector<double>& x, const std::vector<double>& proposed) {
    forward().begin_step(SerialTeam{}, 0, step, true);
    return two_pass_loss_change(SerialTeam{}, view_, x.data(), proposed.data(), work().single_precision,
                                forward());
  }
  /// Error in units of the bound.
  double error(std::uint64_t step, const std::vector<double>& x, const std::vector<double>& proposed) {
    const LossChange own = change(step, x, proposed);
    const LossChange exact =
        loss_change(SerialTeam{}, view_, x.data(), proposed.data(), work().double_precision);
    return std::max(0.0, std::abs(own.change - exact.change) - exact.error_bound) / own.error_bound;
  }

 private:
  /// Without carried values, beside which forward passes do not always pay.
  const NetworkView& here() {
    view_.network.carried_tiles = 0;
    return view_.network;
  }

  HostProblem host_;
  ProblemView view_;
  OwnedWorkspace<LadderWorkspace<SerialTeam>> owned_;
};

TEST_F(TwoPassChangeTest, QuickActivationsAreWithinTheirErrors) {
  for (const Activation activation : all_activations()) {
    with_activation(activation, [&](auto act) {
      using Act = decltype(act);
      const auto bound = [](double h) {
        return static_cast<double>(Limits<float>::unit_roundoff *
                                   Act::quick_error().of_norm(1, static_cast<float>(std::abs(h))));
      };
      double largest = 0;
      const auto expect_near = [&](float a, float quick) {
        const double value = activate(activation, static_cast<double>(a));
        const double error = std::abs(static_cast<double>(quick) - value);
        ASSERT_LE(error, bound(value)) << name_of(activation) << a;
        if (error > 0) largest = std::max(largest, error / bound(value));
      };
      for (float a = -12; a < 12; a += 1.0f / 512) {
        float argument[FloatLanes::count];
        float value[FloatLanes::count];
        for (int i = 0; i < FloatLanes::count; ++i)
          argument[i] = a + static_cast<float>(i) / (512.0f * FloatLanes::count);
        Act::quick_value(FloatLanes::load(argument)).store(value);
        for (int i = 0; i < FloatLanes::count; ++i) {
          expect_near(argument[i], value[i]);
          expect_near(argument[i], Act::quick_value(argument[i]));
        }
      }
      EXPECT_TRUE(largest > 0.8 || bound(1) == 0) << "a bound too loose";
      float lanes[FloatLanes::count];
      Act::quick_value(FloatLanes(std::nanf(""))).store(lanes);
      EXPECT_TRUE(std::isnan(lanes[0])) << name_of(activation);
      EXPECT_TRUE(std::isnan(Act::quick_value(std::nanf("")))) << name_of(activation);
      for (const float a : {-HUGE_VALF, HUGE_VALF}) {
        const auto limit = static_cast<float>(activate(activation, static_cast<double>(a)));
        Act::quick_value(FloatLanes(a)).store(lanes);
        for (const float value : {lanes[0], Act::quick_value(a)}) {
          if (std::isfinite(limit)) {
            EXPECT_NEAR(value, limit, bound(limit)) << name_of(activation);
          } else {
            EXPECT_EQ(value, limit) << name_of(activation);
          }
        }
      }
    });
  }
}

// f = 2 x + 1 becomes 2.5 x + 1: at x = 1 with y = 4 the error falls from 1 to 1/4, at x = -2 with y = -1
// it rises from 4 to 9, so that U changes by (-3/4 + 5)/2.
TEST_F(TwoPassChangeTest, ByHand) {
  const Problem problem(Network({1, 1}, Activation::tanh, true), Dataset{2, 1, 1, {1, -2}, {4, -1}},
                        Loss::mse);
  Follower follower(problem);
  const LossChange change = follower.change(0, {2, 1}, {2.5, 1});
  EXPECT_EQ(change.change, (-0.75 + 5) / 2);
  EXPECT_GT(change.error_bound, 0);
  EXPECT_LT(change.error_bound, 1e-4);
}

TEST_F(TwoPassChangeTest, BoundsHoldAlongTrajectories) {
  double largest = 0;
  for (int net = 0; net < 120; ++net) {
    const Loss loss = all_losses()[net % all_losses().size()];
    std::vector<int> widths{1 + net % 4};
    for (int l = 0; l < net % 4; ++l) widths.push_back(1 + (net * 7 + l * 5) % 37);
    widths.push_back(loss == Loss::cross_entropy ? 3 : 1 + net % 2);
    const Problem problem = random_problem(widths, all_activations()[net / 4 % all_activations().size()],
                                           loss, 1 + static_cast<std::size_t>(net * 13) % 150);
    Follower follower(problem);
    std::vector<double> x = random_state(problem, std::pow(10.0, -1 + net % 5 * 0.3));
    const double sigma = std::pow(10.0, -8 + net % 8);
    for (std::uint64_t step = 0; step < 50; ++step) {
      const std::vector<double> proposed = moved(x, sigma);
      const double error = follower.error(step, x, proposed);
      ASSERT_LE(error, 1) << "net " << net << ", step " << step;
      largest = std::max(largest, error);
      follower.forward().end_step(SerialTeam{}, step % 3 != 1);
      if (step % 3 != 1) x = proposed;
    }
  }
  EXPECT_GT(largest, 0.05) << "a bound this loose tests nothing";
}

TEST_F(TwoPassChangeTest, KeptOutputsAreThoseOfTheState) {
  for (const Activation activation : all_activations()) {
    const Problem problem = random_problem({2, 9, 7, 2}, activation, Loss::mse, 131);
    Follower follower(problem);
    std::vector<double> x = random_state(problem, 0.5);
    for (std::uint64_t step = 0; step < 40; ++step) {
      const std::vector<double> proposed = moved(x, 1e-3);
      const LossChange kept = follower.change(step, x, proposed);
      Follower fresh(problem);
      const LossChange found = fresh.change(step, x, proposed);
      ASSERT_EQ(kept.change, found.change) << name_of(activation) << ", step " << step;
      ASSERT_EQ(kept.error_bound, found.error_bound);
      const bool accepted = step % 3 != 0;
      follower.forward().end_step(SerialTeam{}, accepted);
      if (accepted) x = proposed;
    }
  }
}

TEST_F(TwoPassChangeTest, OthersMovesAreForgotten) {
  const Problem problem = random_problem({1, 20, 1}, Activation::tanh, Loss::mse, 100);
  const std::vector<double> x = random_state(problem, 0.5);
  const std::vector<double> elsewhere = moved(x, 0.1);
  const std::vector<double> proposed = moved(elsewhere, 1e-6);
  const auto begin = [&](Follower& follower) {
    follower.error(7, x, moved(x, 1e-6));
    follower.forward().end_step(SerialTeam{}, false);
  };
  Follower stale(problem);
  begin(stale);
  EXPECT_GT(stale.error(8, elsewhere, proposed), 1) << "no outputs were kept";
  Follower later(problem);
  begin(later);
  EXPECT_LE(later.error(9, elsewhere, proposed), 1) << "a step was taken by someone else";
  EXPECT_FALSE(later.forward().state->following) << "this one might stand alone";
  Follower unused(problem);
  begin(unused);
  unused.forward().begin_step(SerialTeam{}, 0, 8, false);
  unused.forward().end_step(SerialTeam{}, true);
  EXPECT_LE(unused.error(9, elsewhere, proposed), 1) << "another rung took a step";
  Follower undecided(problem);
  begin(undecided);
  undecided.forward().begin_step(SerialTeam{}, 0, 8, true);  // and no change is asked for
  undecided.forward().end_step(SerialTeam{}, true);
  EXPECT_LE(undecided.error(9, elsewhere, proposed), 1) << "the proposal's outputs were not found";
}

TEST(RestPolicy, ByHand) {
  RungUse use;
  std::uint64_t step = 0;
  for (; !RestPolicy::rests(use, step); ++step) {
    ASSERT_LT(step, 40u);
    RestPolicy::take(true, 0.125, step, use);
  }
  EXPECT_EQ(step, 35u) << "1 - (255/256)^n is above an eighth from n = 35 on";
  EXPECT_TRUE(RestPolicy::rests(use, 34 + RestPolicy::rest - 1));
  EXPECT_FALSE(RestPolicy::rests(use, 34 + RestPolicy::rest));
  EXPECT_EQ(use.missed, 0) << "it begins anew";
  for (step = 10000; step < 20000; ++step) {
    RestPolicy::take(step % 10 == 0, 0.125, step, use);
    ASSERT_FALSE(RestPolicy::rests(use, step)) << "a tenth is missed";
  }
  EXPECT_NEAR(use.missed, 0.1, 0.02);
}

/// Metropolis steps of one replica.
struct Steps {
  std::vector<double> x;
  FloatCalibration calibration{};
  StepCounters counters{};
};

/// `disturb(step, work)` before every step.
template <class Disturb>
Steps take_steps(const Problem& problem, const std::vector<double>& x, double sigma, Precision precision,
                 std::uint64_t steps, const Disturb& disturb) {
  const HostProblem host(problem);
  OwnedWorkspace<MetropolisWorkspace<SerialTeam>> owned(host.view().network);
  const std::vector<double> sigmas(x.size(), sigma);
  Steps run{x};
  for (StepContext context{host.view(), sigmas.data(), 3, 0, 0}; context.step < steps; ++context.step) {
    disturb(context.step, owned.get().ladder);
    take_step(SerialTeam{}, context, Metropolis{infinity, precision},
              {run.x.data(), &run.calibration, nullptr}, owned.get(), run.counters);
  }
  return run;
}

const auto undisturbed = [](std::uint64_t, const LadderWorkspace<SerialTeam>&) {};

TEST_F(TwoPassChangeTest, StepsAreDecidedAsDoubleDoes) {
  for (const Activation activation : all_activations()) {
    for (const Loss loss : all_losses()) {
      const Problem problem = random_problem({2, 32, 32, 3}, activation, loss, 65);
      const std::vector<double> x = random_state(problem, 0.3);
      for (const double sigma : {1e-9, 1e-7, 1e-5, 1e-3}) {
        const Steps exact = take_steps(problem, x, sigma, Precision::float64, 600, undisturbed);
        const Steps run = take_steps(problem, x, sigma, Precision::float32, 600, undisturbed);
        EXPECT_EQ(run.x, exact.x) << name_of(activation) << ", sigma " << sigma;
        EXPECT_NE(run.x, x);
        EXPECT_GE(run.calibration.forward.audits, AuditPolicy::audits_before_trust);
        EXPECT_EQ(run.counters.audit_failures, 0u);
        const bool rests = run.calibration.two_pass_use.rests_until > 0;
        if (sigma < 1e-8) {
          EXPECT_TRUE(rests) << name_of(activation) << ": mutations are smaller than roundings";
        } else if (sigma > 1e-5) {
          EXPECT_FALSE(rests) << name_of(activation);
          EXPECT_GE(run.counters.decided_by_float, 560u) << name_of(activation);
        }
      }
    }
  }
}

// A shallow net's carried values do better where mutations are small; beyond the series they would be
// evaluated afresh.
TEST_F(TwoPassChangeTest, ServesWhereValuesCannotBeCarried) {
  const Problem problem = random_problem({1, 30, 1}, Activation::tanh, Loss::mse, 100);
  const std::vector<double> x = random_state(problem, 0.3);
  const Steps small = take_steps(problem, x, 1e-4, Precision::float32, 500, undisturbed);
  EXPECT_EQ(small.calibration.forward.audits, 0u);
  const Steps large = take_steps(problem, x, 1e-1, Precision::float32, 500, undisturbed);
  EXPECT_GE(large.calibration.forward.audits, AuditPolicy::audits_before_trust);
  EXPECT_EQ(large.x, take_steps(problem, x, 1e-1, Precision::float64, 500, undisturbed).x);
  EXPECT_NE(large.x, x);
}

// Outputs that are wrong by little change what is decided; audits must see them.
TEST_F(TwoPassChangeTest, AuditsSeeWrongOutputs) {
  const Problem problem = random_problem({2, 32, 32, 3}, Activation::tanh, Loss::mse, 65);
  const std::vector<double> x = random_state(problem, 0.3);
  const Steps run = take_steps(problem, x, 1e-4, Precision::float32, 2100,
                               [](std::uint64_t step, const LadderWorkspace<SerialTeam>& work) {
                                 if (step < 1000) return;
                                 float* const f = work.forward.output[work.forward.state->side];
                                 for (int p = 0; p < 65; ++p) f[p] *= 1.001f;
                               });
  EXPECT_GE(run.counters.audit_failures, 1u);
}

}  // namespace
}  // namespace langevo
