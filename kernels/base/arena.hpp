#pragma once

#include <cstddef>

#include "kernels/base/host_device.hpp"

namespace langevo {

/// A piece of memory that is handed out from its front.
struct ArenaMemory {
  unsigned char* base = nullptr;
  std::size_t size = 0;
  std::size_t used = 0;
};

/// Hands out aligned pieces of memory. With null bases it only measures: the same carving code tells the size
/// of a workspace and makes it. What is taken first lies on chip as long as that memory lasts (a GPU's shared
/// memory; none on the CPU), so the hottest arrays are carved first.
struct Arena {
  static constexpr std::size_t alignment = 64;

  unsigned char* base = nullptr;
  std::size_t used = 0;
  ArenaMemory on_chip{};
  int workers = 1;  ///< of the team that the workspace is for, and which of them this one is
  int worker = 0;

  /// Memory for the whole team.
  template <class T>
  LANGEVO_INLINE T* take(std::size_t count) {
    return reinterpret_cast<T*>(take_bytes(rounded(count * sizeof(T))));
  }

  /// Memory for each of the team's workers; this one's.
  template <class T>
  LANGEVO_INLINE T* take_private(std::size_t count) {
    const std::size_t bytes = rounded(count * sizeof(T));
    unsigned char* const pieces = take_bytes(bytes * workers);
    return pieces == nullptr ? nullptr : reinterpret_cast<T*>(pieces + bytes * worker);
  }

 private:
  LANGEVO_INLINE static std::size_t rounded(std::size_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  }

  LANGEVO_INLINE unsigned char* take_bytes(std::size_t bytes) {
    const bool fits = bytes <= on_chip.size - on_chip.used;
    unsigned char* const memory = fits ? on_chip.base : base;
    std::size_t& taken = fits ? on_chip.used : used;
    unsigned char* const piece = memory == nullptr ? nullptr : memory + taken;
    taken += bytes;
    return piece;
  }
};

/// A workspace with a carve(Arena&, shape) of its own, laid out in the arena.
template <class Workspace, class Shape>
LANGEVO_FUNCTION Workspace carve_workspace(const Shape& shape, Arena arena) {
  Workspace work;
  work.carve(arena, shape);
  return work;
}
template <class Workspace, class Shape>
LANGEVO_FUNCTION Workspace carve_workspace(const Shape& shape, unsigned char* memory) {
  return carve_workspace<Workspace>(shape, Arena{memory});
}

/// What it takes off chip (`used`) and on chip, of an arena that starts as `arena`.
template <class Workspace, class Shape>
LANGEVO_FUNCTION Arena measure_workspace(const Shape& shape, Arena arena) {
  Workspace work;
  work.carve(arena, shape);
  return arena;
}

/// The memory it takes.
template <class Workspace, class Shape>
LANGEVO_FUNCTION std::size_t workspace_bytes_of(const Shape& shape) {
  return measure_workspace<Workspace>(shape, Arena{}).used;
}

}  // namespace langevo
