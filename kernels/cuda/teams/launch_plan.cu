#include "kernels/cuda/teams/launch_plan.hpp"

#include <algorithm>

#include "kernels/cuda/cuda_error.cuh"
#include "kernels/cuda/teams/team_choice.hpp"
#include "kernels/network/hessian.hpp"

namespace langevo {

namespace {

/// What one kind of team gets on a multiprocessor.
struct Residence {
  int blocks_per_multiprocessor;
  std::size_t on_chip_bytes_per_team;
};

int blocks_per_multiprocessor(const void* kernel, const CudaKernels& kernels, std::size_t on_chip_bytes) {
  int blocks = 0;
  check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kernels.threads_per_block(),
                                                           on_chip_bytes),
             "ask for a kernel's occupancy");
  return std::max(1, blocks);
}

template <class... Parameters>
const void* address_of(void (*kernel)(Parameters...)) {
  return reinterpret_cast<const void*>(kernel);
}
const void* address_of(const CudaKernels& kernels, const KernelRule& rule) {
  return std::visit([&](const auto& r) { return address_of(kernels.advance.of(r)); }, rule);
}

WorkspaceUse use_of_rule(const KernelRule& rule) {
  return std::visit([](const auto& r) { return use_of(r); }, rule);
}

/// Off chip, for the rule and for losses and gradients.
std::size_t bytes_per_team(const CudaKernels& kernels, const NetworkView& network, const KernelRule& rule,
                           const Arena& arena) {
  return std::max(kernels.measure(network, use_of_rule(rule), arena).used,
                  kernels.measure(network, WorkspaceUse::gradients, arena).used);
}

/// Lets a kernel have as much dynamic memory on chip as a block can. (The limit belongs to the kernel, not to
/// one launch: other backends of this process share it.) Returns what the kernel itself and the system take.
std::size_t lift_on_chip_limit(const void* kernel, const cudaDeviceProp& device) {
  cudaFuncAttributes attributes{};
  check_cuda(cudaFuncGetAttributes(&attributes, kernel), "load its kernels");
  const std::size_t most = device.sharedMemPerBlockOptin - attributes.sharedSizeBytes;
  check_cuda(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(most)),
      "reserve memory on chip");
  return attributes.sharedSizeBytes + device.reservedSharedMemPerBlock;
}

Residence reside(const CudaKernels& kernels, const NetworkView& network, const KernelRule& rule,
                 const cudaDeviceProp& device) {
  const void* const kernel = address_of(kernels, rule);
  const std::size_t reserved =
      std::max({lift_on_chip_limit(kernel, device), lift_on_chip_limit(address_of(kernels.losses), device),
                lift_on_chip_limit(address_of(kernels.loss_and_gradient), device)});
  constexpr Arena unlimited{.on_chip = {nullptr, std::size_t{1} << 40, 0}};
  const std::size_t on_chip = on_chip_bytes_per_team(
      {.per_multiprocessor = device.sharedMemPerMultiprocessor,
       .per_block = device.sharedMemPerBlockOptin,
       .reserved_per_block = reserved,
       .blocks_per_multiprocessor = blocks_per_multiprocessor(kernel, kernels, 0),
       .teams_per_block = kernels.teams_per_block,
       .wanted_per_team = kernels.measure(network, use_of_rule(rule), unlimited).on_chip.used});
  const std::size_t of_block = on_chip * static_cast<std::size_t>(kernels.teams_per_block);
  return {blocks_per_multiprocessor(kernel, kernels, of_block), on_chip};
}

}  // namespace

LaunchPlan plan_launch(const ProblemView& problem, const KernelRule& rule, std::uint64_t replicas, int device,
                       std::uint64_t workspace_bytes) {
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, device), "ask for the device's properties");
  const auto multiprocessors = static_cast<std::uint64_t>(properties.multiProcessorCount);
  const NetworkView& network = problem.network;
  const CudaKernels* kernels = &warp_kernels();
  Residence residence = reside(*kernels, network, rule, properties);
  const std::uint64_t warps = multiprocessors *
                              static_cast<std::uint64_t>(residence.blocks_per_multiprocessor) *
                              static_cast<std::uint64_t>(kernels->teams_per_block);
  if (block_per_replica({replicas, problem.data_double.tiles, network.parameter_count, warps,
                         multiprocessors * properties.sharedMemPerMultiprocessor,
                         is_screened(rule) && has_curvature(network)})) {
    kernels = &block_kernels();
    residence = reside(*kernels, network, rule, properties);
  }
  const auto teams = static_cast<std::uint64_t>(kernels->teams_per_block);
  const Arena arena{.on_chip = {nullptr, residence.on_chip_bytes_per_team, 0}};
  const std::size_t bytes = bytes_per_team(*kernels, network, rule, arena);
  const std::uint64_t blocks =
      std::min({(replicas + teams - 1) / teams,
                multiprocessors * static_cast<std::uint64_t>(residence.blocks_per_multiprocessor),
                workspace_bytes / (teams * bytes + 1)});
  return {kernels, std::max<std::uint64_t>(1, blocks), residence.on_chip_bytes_per_team, bytes};
}

}  // namespace langevo
