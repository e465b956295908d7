#pragma once

#include <type_traits>

#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/cuda/teams/ensemble_kernels.cuh"
#include "tests/emulated_cuda/device_memory.hpp"
#include "tests/emulated_cuda/thread_block.hpp"

/// CUDA's teams on the host: every thread runs all of the code by itself, on a stack of its own, so that
/// threads that part ways or write what others read are seen; see emulated_cuda/thread_block.hpp. What comes
/// out must not depend on the order in which they take turns.
namespace langevo {

template <int warps, bool Descending>
struct EmulatedTeam : CudaTeam<warps> {
  static constexpr emulated_cuda::Order order =
      Descending ? emulated_cuda::Order::descending : emulated_cuda::Order::ascending;
};

template <bool Descending>
using EmulatedWarp = EmulatedTeam<1, Descending>;
template <bool Descending>
using EmulatedBlockOf8 = EmulatedTeam<8, Descending>;

/// Runs body(team) as every member of a team does.
template <class Team, class Body>
void run_team(const Body& body) {
  if constexpr (std::is_same_v<Team, SerialTeam>) {
    body(Team{});
  } else {
    double warp_sums[Team::workers] = {};
    emulated_cuda::set_order(Team::order);
    emulated_cuda::run_grid(1, Team::threads, [&] { body(Team{warp_sums}); });
  }
}

/// Runs body(team, workspace) likewise; on a GPU's team with that many bytes of the workspace on chip.
template <class Workspace, class Team, class Body>
void run_team_in_workspace(const NetworkView& network, std::size_t on_chip_bytes, const Body& body) {
  if constexpr (std::is_same_v<Team, SerialTeam>) {
    WorkspaceMemory memory(workspace_bytes_of<Workspace>(network));
    const auto work = carve_workspace<Workspace>(network, memory.data());
    body(Team{}, work);
  } else {
    constexpr int teams = teams_per_block<Team>;
    const std::size_t bytes =
        measure_seat<Team, Workspace>(network, {.on_chip = {nullptr, on_chip_bytes, 0}}).used;
    WorkspaceMemory memory(teams * bytes);
    emulated_cuda::set_order(Team::order);
    emulated_cuda::run_grid(
        1, threads_per_block<Team>,
        [&] {
          const TeamSeat<Team, Workspace> seat(network, {memory.data(), bytes, on_chip_bytes});
          seat.each_replica(1, [&](std::uint64_t) { body(seat.team, seat.workspace()); });
        },
        [&] { emulated_cuda::renew_on_chip_memory(teams * on_chip_bytes); });
  }
}

}  // namespace langevo
