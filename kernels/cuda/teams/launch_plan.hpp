#pragma once

#include <cstdint>

#include "kernels/cuda/teams/cuda_kernels.hpp"
#include "langevo/dynamics.hpp"

namespace langevo {

/// How a problem's kernels are launched on the current device.
struct LaunchPlan {
  const CudaKernels* kernels;
  std::uint64_t blocks;
  std::size_t on_chip_bytes_per_team;
  std::size_t bytes_per_team;  ///< off chip

  [[nodiscard]] std::uint64_t workspace_bytes() const {
    return blocks * static_cast<std::uint64_t>(kernels->teams_per_block) * bytes_per_team;
  }
  [[nodiscard]] std::size_t on_chip_bytes_per_block() const {
    return on_chip_bytes_per_team * static_cast<std::size_t>(kernels->teams_per_block);
  }
};

/// Chooses the team (see block_per_replica), its memory on chip, and as many blocks as the device holds, the
/// replicas need and `workspace_bytes` have room for; one at the least.
LaunchPlan plan_launch(const ProblemView& problem, const KernelRule& rule, std::uint64_t replicas, int device,
                       std::uint64_t workspace_bytes);

}  // namespace langevo
