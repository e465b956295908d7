#pragma once

#include <algorithm>

#include "kernels/base/arena.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/layered/cublas.cuh"
#include "kernels/cuda/teams/cuda_team.cuh"
#include "kernels/layered/layered_problem.hpp"

namespace langevo {

template <class Team>
inline constexpr int teams_per_layer_block = Team::workers == 1 ? 4 : 1;

/// body(team, index) for every index below `count`, by one team after the other. Like the other kernels it
/// asks for one block on a multiprocessor at the least.
template <class Team, class Body>
__global__ void __launch_bounds__(teams_per_layer_block<Team>* Team::threads, 1)
    each_kernel(const __grid_constant__ Body body, std::uint64_t count) {
  extern __shared__ __align__(Arena::alignment) unsigned char on_chip[];
  const unsigned place = threadIdx.x / Team::threads;
  const Team team{reinterpret_cast<double*>(on_chip) + place * Team::workers};
  const std::uint64_t teams = static_cast<std::uint64_t>(gridDim.x) * teams_per_layer_block<Team>;
  for (std::uint64_t i = static_cast<std::uint64_t>(blockIdx.x) * teams_per_layer_block<Team> + place;
       i < count; i += teams) {
    body(team, i);
  }
}

/// The device as a machine for layered work; see layered_problem.hpp. A warp takes a tile, a block a replica.
class CudaMachine {
 public:
  using TileTeam = WarpTeam;

  /// What comes next goes to this stream, behind what went to others.
  void enter(const CudaStream& stream) {
    stream_ = &stream;
    left_.hold_back(stream);
  }
  void leave() const { left_.record(*stream_); }

  /// Scratch memory: what a body or a product reads, one before it has written.
  unsigned char* memory(std::size_t bytes) {
    memories_.emplace_back(bytes, Filled::before_it_is_read);
    return memories_.back().data();
  }

  template <class Body>
  void each_tile(std::size_t count, const Body& body) const {
    each<WarpTeam>(count, body);
  }
  template <class Body>
  void each_replica(std::size_t count, const Body& body) const {
    each<BlockTeam>(count, body);
  }

  template <class Real>
  void multiply(const BatchedProduct<Real>& product, std::size_t members) const {
    cublas_.multiply_async(product, members, *stream_);
  }

  template <class T>
  void send(const T* host, std::size_t count, T* there) const {
    copy_to_device_async(host, count, there, *stream_);
  }
  template <class T>
  void fetch(const T* there, std::size_t count, T* host) const {
    copy_to_host_async(there, count, host, *stream_);
    stream_->synchronize();
  }

 private:
  template <class Team, class Body>
  void each(std::size_t count, const Body& body) const {
    constexpr std::uint64_t most_blocks = 1 << 20;
    constexpr int teams = teams_per_layer_block<Team>;
    launch_async(each_kernel<Team, Body>, std::min<std::uint64_t>((count + teams - 1) / teams, most_blocks),
                 teams * Team::threads, teams * Team::workers * sizeof(double), *stream_, body,
                 static_cast<std::uint64_t>(count));
  }

  Cublas cublas_;
  std::vector<DeviceArray<unsigned char>> memories_;
  CudaEvent left_;
  const CudaStream* stream_ = nullptr;
};

}  // namespace langevo
