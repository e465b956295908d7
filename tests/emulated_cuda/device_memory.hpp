#pragma once

#include <cstddef>

/// Memory that only kernels and copies may touch. It begins filled with bytes that make NaNs and wild
/// indices; it is closed to the host; it stays closed to all once it was freed; and it ends where a page
/// ends. Who touches what is not open to him ends the program with a sentence.
namespace emulated_cuda {

enum class MemoryKind { device, pinned };

/// Null where the device has not so much.
void* allocate(MemoryKind kind, std::size_t bytes, std::size_t limit);

/// False for what allocate() did not give, or what was freed before.
bool release(MemoryKind kind, void* memory);

/// Whether all of it lies in one allocation.
bool is_allocated(MemoryKind kind, const void* begin, std::size_t bytes);

std::size_t allocated_bytes();

/// While one of these lives, device memory is open. Afterwards what lies behind each allocation is looked at.
class OpenDeviceMemory {
 public:
  OpenDeviceMemory();
  ~OpenDeviceMemory();
  OpenDeviceMemory(const OpenDeviceMemory&) = delete;
  OpenDeviceMemory& operator=(const OpenDeviceMemory&) = delete;
};

/// The array that kernels know as on_chip, for one block that has so many bytes of it.
void renew_on_chip_memory(std::size_t bytes);

/// Ends the program where a block has written beyond its bytes.
void check_on_chip_memory(std::size_t bytes);

inline constexpr unsigned char poison = 0xff;

}  // namespace emulated_cuda
