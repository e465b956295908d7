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

}  // namespace langevo
