// What the CUDA backend decides before it touches a device: batches of replicas, the team, memory on chip.
#include <gtest/gtest.h>

#include <random>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cuda/layered/layered_choice.hpp"
#include "kernels/cuda/memory/replica_batches.hpp"
#include "kernels/cuda/teams/ensemble_kernels.cuh"
#include "kernels/cuda/teams/team_choice.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t bytes_per_replica = 800;

void expect_cover(const ReplicaBatches& batches, std::uint64_t replicas, std::uint64_t first_replica) {
  ASSERT_GT(batches.size(), 0);
  std::uint64_t next = 0;
  for (std::uint64_t b = 0; b < batches.size(); ++b) {
    EXPECT_EQ(batches[b].first, next);
    EXPECT_GT(batches[b].count, 0);
    EXPECT_LE(batches[b].count, batches.largest());
    next += batches[b].count;
    const bool last = b + 1 == batches.size();
    EXPECT_TRUE(last || (first_replica + next) % replicas_per_chunk == 0);
  }
  EXPECT_EQ(next, replicas);
}

TEST(ReplicaBatches, CoverEveryReplicaOnceInWholeChunks) {
  for (const std::uint64_t first_replica : {0, 5, 31, 64, 127}) {
    for (const std::uint64_t replicas : {1, 31, 32, 33, 64, 65, 1000, 100000}) {
      for (const std::uint64_t room : {64, 65, 127, 128, 1000, 1000000}) {
        const ReplicaBatches batches =
            ReplicaBatches::fit(replicas, bytes_per_replica, room * bytes_per_replica, first_replica);
        expect_cover(batches, replicas, first_replica);
        EXPECT_LE(batches.size() == 1 ? replicas : 2 * batches.largest(), room);
      }
    }
  }
}

TEST(ReplicaBatches, AreAsFewAndEvenAsCanBe) {
  const ReplicaBatches batches = ReplicaBatches::fit(1000, bytes_per_replica, 700 * bytes_per_replica);
  ASSERT_EQ(batches.size(), 4);  // of at most 320
  EXPECT_EQ(batches[0].count, 256);
  EXPECT_EQ(batches[3].count, 232);
}

TEST(ReplicaBatches, AreNoneWhereTwoChunksDoNotFit) {
  EXPECT_EQ(ReplicaBatches::fit(1000, bytes_per_replica, 63 * bytes_per_replica).size(), 0);
  EXPECT_EQ(ReplicaBatches::fit(1, bytes_per_replica, 0).size(), 0);
  EXPECT_EQ(ReplicaBatches::fit(1, bytes_per_replica, bytes_per_replica).size(), 1);
}

Moments moments_of(const std::vector<double>& x, std::uint64_t first, std::uint64_t count) {
  Moments moments(1);
  for (std::uint64_t r = first; r < first + count; ++r) moments.add({&x[r], 1});
  return moments;
}

TEST(ReplicaBatches, KeepTheBitsOfTheMoments) {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal(3, 1);
  for (const std::uint64_t replicas : {1, 31, 33, 1000}) {
    std::vector<double> x(replicas);
    for (double& value : x) value = normal(generator);
    const auto by_batches = [&](std::uint64_t room) {
      const ReplicaBatches batches =
          ReplicaBatches::fit(replicas, bytes_per_replica, room * bytes_per_replica);
      Moments total(1);
      for (std::uint64_t b = 0; b < batches.size(); ++b) {
        const ReplicaRange range = batches[b];
        for (std::uint64_t done = 0; done < range.count; done += replicas_per_chunk) {
          total.merge(moments_of(x, range.first + done,
                                 std::min<std::uint64_t>(replicas_per_chunk, range.count - done)));
        }
      }
      return total;
    };
    const Moments whole = by_batches(replicas);
    for (const std::uint64_t room : {64, 128, 512}) {
      EXPECT_EQ(by_batches(room).count, replicas);
      EXPECT_EQ(by_batches(room).mean, whole.mean);
      EXPECT_EQ(by_batches(room).sum_squared_deviations, whole.sum_squared_deviations);
    }
  }
}

/// An H200 in round numbers: 132 multiprocessors, 10 warps and 227 KiB each.
TeamChoiceInput h200(std::uint64_t replicas, std::uint64_t tiles, std::uint64_t parameters) {
  return {replicas, tiles, parameters, 1320, 132 * 227 * 1024, false};
}

TEST(TeamChoice, AWarpForManySmallReplicas) {
  EXPECT_FALSE(block_per_replica(h200(100000, 16, 90)));
  EXPECT_FALSE(block_per_replica(h200(1320, 16, 768)));
}

TEST(TeamChoice, ABlockForFewReplicasOrLargeOnes) {
  EXPECT_TRUE(block_per_replica(h200(1000, 16, 90)));
  EXPECT_TRUE(block_per_replica(h200(100000, 16, 7489)));
}

TEST(TeamChoice, AWarpWhereThereIsOneTile) {
  EXPECT_FALSE(block_per_replica(h200(1, 1, 90)));
  EXPECT_FALSE(block_per_replica(h200(1, 1, 7489)));
}

TEST(TeamChoice, AWarpWhereAModelDecides) {
  for (const std::uint64_t replicas : {1, 1000, 100000}) {
    TeamChoiceInput input = h200(replicas, 16, 90);
    input.decided_by_model = true;
    EXPECT_FALSE(block_per_replica(input));
  }
}

/// For a block of an H200, 227 KiB.
bool layers_pay(std::uint64_t replicas, std::uint64_t points, std::uint64_t widest) {
  return whole_layers({replicas, points, widest, 227 * 1024});
}

TEST(LayeredChoice, ForLayersThatDoNotFitOnChip) {
  EXPECT_TRUE(layers_pay(100, 1000, 1024 * 1024));
  EXPECT_TRUE(layers_pay(1, 1000, 1024 * 1024)) << "a team would keep one multiprocessor busy";
  EXPECT_TRUE(layers_pay(1000, 1000, 256 * 256));
  EXPECT_FALSE(layers_pay(1000, 1000, 32 * 32)) << "the paper's deep net";
  EXPECT_FALSE(layers_pay(1000000, 1000, 256)) << "the paper's wide net";
}

TEST(LayeredChoice, NotForTooLittleWork) {
  EXPECT_FALSE(layers_pay(1, 10, 1024 * 1024));
  EXPECT_FALSE(layers_pay(1, 1, 256 * 256));
}

TEST(LayeredChoice, LooksAtTheWidestLayer) {
  const HostProblem host(
      Problem(Network({1, 300, 200, 1}, Activation::tanh, true), make_sin_unit(1), Loss::mse));
  EXPECT_EQ(widest_weights(host.view().network), 60000);
}

TEST(LayeredChoice, AsManyReplicasAtATimeAsFit) {
  const auto bytes_of = [](std::size_t slots) { return 100 + 7 * slots; };
  for (const std::uint64_t replicas : {1, 2, 31, 33, 1000, 100000}) {
    for (const std::uint64_t bytes : {0, 106, 107, 113, 114, 400, 1000000}) {
      const std::size_t slots = slots_that_fit(replicas, bytes, bytes_of);
      EXPECT_LE(slots, replicas);
      if (slots > 0) {
        EXPECT_LE(bytes_of(slots), bytes);
      }
      if (slots < std::min<std::uint64_t>(replicas, 4096)) {
        EXPECT_GT(bytes_of(slots + 1), bytes);
      }
    }
  }
}

TEST(OnChip, SharesWhatTheRegistersLeaveRoomFor) {
  OnChipInput input{.per_multiprocessor = 228 * 1024,
                    .per_block = 227 * 1024,
                    .reserved_per_block = 2048,
                    .blocks_per_multiprocessor = 5,
                    .teams_per_block = 2,
                    .wanted_per_team = 1 << 30};
  const std::size_t most = on_chip_bytes_per_team(input);
  EXPECT_EQ(most % 64, 0);
  EXPECT_LE(5 * (2 * most + 2048), input.per_multiprocessor);
  EXPECT_GT(5 * (2 * (most + 64) + 2048), input.per_multiprocessor);
  input.wanted_per_team = 640;
  EXPECT_EQ(on_chip_bytes_per_team(input), 640);
  input = {.per_multiprocessor = 64 * 1024,
           .per_block = 48 * 1024,
           .reserved_per_block = 64 * 1024,
           .blocks_per_multiprocessor = 1,
           .teams_per_block = 1,
           .wanted_per_team = 640};
  EXPECT_EQ(on_chip_bytes_per_team(input), 0);
}

/// What a warp has on chip on an H100, where 255 registers a thread let four blocks of two warps stay.
constexpr OnChipInput h100{.per_multiprocessor = 233472,
                           .per_block = 232448,
                           .reserved_per_block = 1024,
                           .blocks_per_multiprocessor = 4,
                           .teams_per_block = 2,
                           .wanted_per_team = 1 << 30};

/// Whether all of an array lies in a piece of memory.
template <class T>
bool lies_in(const std::vector<unsigned char>& memory, const T* array, std::size_t count) {
  const auto* const first = reinterpret_cast<const unsigned char*>(array);
  return first >= memory.data() && first + count * sizeof(T) <= memory.data() + memory.size();
}

/// For the net of the paper's Fig. 1.
TEST(OnChip, HoldsAllThatAProposalTouchesWhichAModelDecides) {
  using Workspace = ScreenedWorkspace<WarpTeam>;
  const HostProblem host(
      Problem(Network({1, 30, 1}, Activation::tanh, false), make_sin_unit(1000), Loss::mse));
  const NetworkView& network = host.view().network;
  std::vector<unsigned char> on_chip(on_chip_bytes_per_team(h100));
  std::vector<unsigned char> elsewhere(
      measure_seat<WarpTeam, Workspace>(network, {.on_chip = {nullptr, on_chip.size(), 0}}).used);
  Arena arena{elsewhere.data(), 0, {on_chip.data(), on_chip.size(), 0}, WarpTeam::workers, 0};
  auto* const memory = arena.take<TeamMemory<WarpTeam, Workspace>>(1);
  Workspace& work = memory->workspaces[0];
  work.carve(arena, network);
  const LocalModel& model = work.model;
  EXPECT_TRUE(lies_in(on_chip, memory, 1));
  EXPECT_TRUE(lies_in(on_chip, model.scaled_gradient, model.padded));
  EXPECT_TRUE(lies_in(on_chip, model.directions, leading_directions * model.padded));
  EXPECT_TRUE(lies_in(on_chip, model.pending, model.padded));
  EXPECT_TRUE(lies_in(on_chip, model.hessian_product, model.padded));
  EXPECT_TRUE(lies_in(on_chip, work.state, model.padded));
  EXPECT_TRUE(lies_in(on_chip, work.sigma, model.padded));
  EXPECT_TRUE(lies_in(on_chip, work.normal, work.steps_at_a_time * Workspace::normal_row(model.size)));
  EXPECT_TRUE(lies_in(elsewhere, model.curvature, model.padded * model.padded))
      << "too large, and seldom needed";
  EXPECT_GE(work.steps_at_a_time, 32);
}

}  // namespace
}  // namespace langevo
