// What the first replica's first steps teach all replicas of a large ensemble: it saves time and changes no
// bit of a state. And what such an ensemble takes of memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "langevo/ensemble.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/quadrature.hpp"

namespace langevo {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::uint64_t replicas = 120;
constexpr std::uint64_t steps = 300;  // enough proposals to pay for a shared start

struct Case {
  const char* name;
  std::vector<int> widths;
  Acceptance acceptance;
  double beta;
  double sigma;
  bool nodes;
};

class SharedStartTest : public testing::TestWithParam<Case> {
 protected:
  struct Run {
    std::vector<double> x;
    StepCounters counters;
  };

  [[nodiscard]] static Problem problem() {
    return {Network(GetParam().widths, Activation::tanh, true), make_sin_unit(200), Loss::mse};
  }
  [[nodiscard]] static std::vector<double> start(std::uint32_t replica) {
    return draw_initial_state(problem().network(), PytorchInit{}, 3, replica);
  }
  [[nodiscard]] static Dynamics dynamics(Acceptance acceptance) {
    const std::vector<double> x = start(0);
    Dynamics result{Metropolis{.beta = GetParam().beta, .acceptance = acceptance},
                    std::vector<double>(x.size(), GetParam().sigma)};
    if (GetParam().nodes && acceptance != Acceptance::exact) {
      result.quadrature = make_quadrature(problem(), result, {.replicas = replicas}, x, 20000, 10);
      EXPECT_FALSE(result.quadrature.empty());
    }
    return result;
  }

  /// `knowing_nothing`: replicas go on from what those know who have not taken a step.
  static Run evolve(const Dynamics& with, int threads, const std::vector<std::uint64_t>& blocks,
                    bool knowing_nothing = false, bool from_one_state = true) {
    BackendOptions machine;
    machine.kind = BackendKind::cpu;
    machine.threads = threads;
    const auto ensemble = make_ensemble(problem(), with, {.replicas = replicas, .seed = 11}, machine);
    ensemble->set_all_parameters(start(0));
    if (!from_one_state) {
      for (std::uint32_t r = 0; r < replicas; ++r) ensemble->set_parameters(r, start(r));
    }
    if (knowing_nothing) ensemble->restore_learnt(ensemble->learnt());
    for (const std::uint64_t block : blocks) ensemble->advance(block);
    return {ensemble->parameters(0, replicas), ensemble->counters()};
  }
};

TEST_P(SharedStartTest, SavesTimeAndChangesNoState) {
  const Dynamics shares = dynamics(GetParam().acceptance);
  const Run exact = evolve(dynamics(Acceptance::exact), 2, {steps});
  const Run alone = evolve(shares, 2, {steps}, true);
  EXPECT_EQ(alone.x, exact.x);
  const Run one = evolve(shares, 1, {steps});
  const auto audits = [](const Run& run) { return run.counters.audits + run.counters.model_audits; };
  EXPECT_LT(4 * audits(one), audits(alone));
  EXPECT_GT(one.counters.decided_by_model, alone.counters.decided_by_model);
  for (const int threads : {1, 2, 5}) {
    const Run shared = evolve(shares, threads, {steps});
    EXPECT_EQ(shared.x, exact.x) << threads;
    EXPECT_EQ(audits(shared), audits(one)) << threads;
    EXPECT_EQ(shared.counters.decided_by_model, one.counters.decided_by_model) << threads;
    EXPECT_EQ(evolve(shares, threads, {250, 1, 20, 29}).x, exact.x) << threads;
  }
}

/// Models are those of one state: where replicas begin apart, they learn them each for themselves.
TEST_P(SharedStartTest, ReplicasThatBeginApart) {
  const Dynamics shares = dynamics(GetParam().acceptance);
  const Run exact = evolve(dynamics(Acceptance::exact), 2, {steps}, false, false);
  const Run alone = evolve(shares, 2, {steps}, true, false);
  const Run shared = evolve(shares, 2, {steps}, false, false);
  EXPECT_EQ(alone.x, exact.x);
  EXPECT_EQ(shared.x, exact.x);
  const std::uint64_t first_ones = 64 * replicas;
  EXPECT_GE(shared.counters.model_audits, std::min(alone.counters.model_audits, first_ones));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SharedStartTest,
    testing::Values(Case{"Automatic", {1, 8, 1}, Acceptance::automatic, inf, 1e-5, false},
                    Case{"Screened", {1, 8, 1}, Acceptance::screened, 1e5, 1e-5, false},
                    Case{"AutomaticOnNodes", {1, 8, 1}, Acceptance::automatic, inf, 1e-5, true},
                    Case{"ScreenedOnNodes", {1, 8, 1}, Acceptance::screened, 1e5, 1e-4, true},
                    Case{"LearntCurvature", {1, 6, 6, 1}, Acceptance::automatic, inf, 1e-5, false},
                    Case{"LearntCurvatureOnNodes", {1, 6, 6, 1}, Acceptance::automatic, inf, 1e-5, true}),
    [](const auto& each) { return std::string(each.param.name); });

/// 10^7 replicas of the paper's shallow net, screened, in 10 GB: 720 bytes of state and what else there is.
TEST(EstimateMemory, TenMillionShallowReplicasFit) {
  const Problem shallow(Network({1, 30, 1}, Activation::tanh, false), make_sin_unit(1000), Loss::mse);
  const Metropolis rule{.acceptance = Acceptance::automatic};
  EXPECT_LE(estimate_memory(shallow, {rule, {}}, 10'000'000, 16), 10'000'000'000u);
  // the state, its loss, and what is learnt
  const std::uint64_t replica = (estimate_memory(shallow, {rule, {}}, 3'000'000, 1) -
                                 estimate_memory(shallow, {rule, {}}, 1'000'000, 1)) /
                                2'000'000;
  const auto ensemble = make_ensemble(shallow, {rule, std::vector<double>(90, 1e-6)}, {.replicas = 10}, {});
  EXPECT_GE(replica, 91 * sizeof(double) + ensemble->learnt().bytes.size() / 10);
}

}  // namespace
}  // namespace langevo
