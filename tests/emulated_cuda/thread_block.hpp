#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>

/// Blocks of CUDA threads on a CPU. Every thread is a fiber that runs to its next collective; a warp goes on
/// when all of its lanes have come to the same one, a block when all of its threads have come to a barrier.
/// What breaks CUDA's rules ends the program with a sentence: lanes at different collectives or at the same
/// one by different ways, a thread that ends while others wait for it, a barrier that nobody can leave.
namespace emulated_cuda {

struct Index {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

/// The thread that runs now.
struct ThreadPlace {
  Index thread;
  Index block;
  Index block_size;
  Index grid_size;
};
extern ThreadPlace here;

inline constexpr int warp_size = 32;

/// The order in which lanes of a warp and warps of a block take turns; nothing that is promised may depend on
/// it.
enum class Order { ascending, descending, random };

/// Order and seed of what follows.
void set_order(Order order, std::uint32_t seed = 1);
Order order();

/// Does what is random about the emulation; other choices of order than that of threads use it too.
std::mt19937& generator();

/// The collectives of a warp and of a block.
void synchronize_warp(unsigned mask);
void synchronize_block();
std::uint64_t exchange_xor(unsigned mask, std::uint64_t bits, int lane_mask);
std::uint64_t exchange(unsigned mask, std::uint64_t bits, int lane);
bool any(unsigned mask, bool value);
unsigned ballot(unsigned mask, bool value);

/// Runs body() as every thread of every block. prepare(), if any, comes before each block.
void run_grid(unsigned blocks, int threads, const std::function<void()>& body,
              const std::function<void()>& prepare = {});

/// Ends the program with what a kernel or a program did against the rules.
[[noreturn]] void fail(const std::string& sentence);

}  // namespace emulated_cuda
