#pragma once

#include <cstddef>

#include "kernels/host_device.hpp"

namespace langevo {

/// Hands out aligned pieces of one allocation. With a null base it only measures: the same carving code tells
/// the size of a workspace and makes it.
struct Arena {
  static constexpr std::size_t alignment = 64;

  unsigned char* base = nullptr;
  std::size_t used = 0;

  template <class T>
  LANGEVO_INLINE T* take(std::size_t count) {
    T* piece = base == nullptr ? nullptr : reinterpret_cast<T*>(base + used);
    used += (count * sizeof(T) + alignment - 1) / alignment * alignment;
    return piece;
  }
};

/// A workspace with a carve(Arena&, shape) of its own, laid out in `memory`.
template <class Workspace, class Shape>
LANGEVO_FUNCTION Workspace carve_workspace(const Shape& shape, unsigned char* memory) {
  Workspace work;
  Arena arena{memory, 0};
  work.carve(arena, shape);
  return work;
}

/// The memory it takes.
template <class Workspace, class Shape>
LANGEVO_FUNCTION std::size_t workspace_bytes_of(const Shape& shape) {
  Workspace work;
  Arena arena;
  work.carve(arena, shape);
  return arena.used;
}

}  // namespace langevo
