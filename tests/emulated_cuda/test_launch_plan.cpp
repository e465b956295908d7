// How problems of the paper are launched on an H100.
#include <gtest/gtest.h>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cuda/executor.cuh"
#include "machine.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t plenty = std::uint64_t{1} << 32;
constexpr std::uint64_t multiprocessors = 132;

LaunchPlan plan_of(const Network& network, Acceptance acceptance, std::uint64_t replicas) {
  emulated_cuda::reset_machine();
  const HostProblem host(Problem(network, make_sin_unit(1000), Loss::mse));
  return plan_launch(host.view(), kernel_rule(host.view(), Metropolis{.acceptance = acceptance}), replicas, 0,
                     plenty);
}

const Network shallow({1, 30, 1}, Activation::tanh, false);
const Network deep({1, 32, 32, 32, 32, 32, 32, 32, 32, 1}, Activation::tanh, true);

TEST(LaunchPlan, FigOneHasAWarpForEveryReplicaAllResident) {
  const LaunchPlan plan = plan_of(shallow, Acceptance::screened, 1000);
  EXPECT_EQ(plan.kernels, &warp_kernels());
  EXPECT_EQ(plan.blocks, 500);
  EXPECT_LE(plan.blocks, 4 * multiprocessors);
  EXPECT_EQ(plan.on_chip_bytes_per_team % 64, 0);
  EXPECT_GE(plan.on_chip_bytes_per_team, 28000);
  EXPECT_LE(4 * (plan.on_chip_bytes_per_block() + 1024), 233472);
}

TEST(LaunchPlan, NoMoreTeamsThanAreResidentOrNeeded) {
  EXPECT_EQ(plan_of(shallow, Acceptance::screened, 100000).blocks, 4 * multiprocessors);
  EXPECT_EQ(plan_of(shallow, Acceptance::screened, 1).blocks, 1);
}

TEST(LaunchPlan, ExactStepsOfFewReplicasHaveABlockEach) {
  EXPECT_EQ(plan_of(shallow, Acceptance::exact, 1000).kernels, &block_kernels());
  EXPECT_EQ(plan_of(shallow, Acceptance::exact, 100000).kernels, &warp_kernels());
}

TEST(LaunchPlan, TheDeepNetHasABlockEach) {
  EXPECT_EQ(plan_of(deep, Acceptance::exact, 100).kernels, &block_kernels());
  EXPECT_EQ(plan_of(deep, Acceptance::screened, 100).kernels, &block_kernels());
}

TEST(LaunchPlan, LittleMemoryMeansFewerTeams) {
  const HostProblem host(Problem(shallow, make_sin_unit(1000), Loss::mse));
  const KernelRule rule = kernel_rule(host.view(), Metropolis{.acceptance = Acceptance::screened});
  const LaunchPlan whole = plan_launch(host.view(), rule, 1000, 0, plenty);
  const LaunchPlan half = plan_launch(host.view(), rule, 1000, 0, whole.workspace_bytes() / 2);
  EXPECT_LT(half.blocks, whole.blocks);
  EXPECT_GT(half.blocks, whole.blocks / 3);
}

/// Replicas of a rule that does not screen keep no state of models.
TEST(ExecutorPlan, CountsWhatReplicasKeep) {
  const HostProblem host(Problem(shallow, make_sin_unit(1000), Loss::mse));
  const auto bytes = [&](Acceptance acceptance, std::uint64_t replicas) {
    return plan_executor(host.view(), kernel_rule(host.view(), Metropolis{.acceptance = acceptance}),
                         replicas, 0, plenty)
        .bytes;
  };
  const std::uint64_t exact = bytes(Acceptance::exact, 200000) - bytes(Acceptance::exact, 100000);
  const std::uint64_t screened = bytes(Acceptance::screened, 200000) - bytes(Acceptance::screened, 100000);
  EXPECT_EQ(screened - exact, 100000 * sizeof(ScreeningState));
}

}  // namespace
}  // namespace langevo
