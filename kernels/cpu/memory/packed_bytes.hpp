#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace langevo {

/// Puts the bytes of `values` at the front of `bytes`, which then begin behind them.
template <class T>
void take_out(const std::vector<T>& values, std::span<std::byte>& bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::size_t size = values.size() * sizeof(T);
  if (size > 0) std::memcpy(bytes.data(), values.data(), size);
  bytes = bytes.subspan(size);
}

/// And back.
template <class T>
void put_back(std::span<const std::byte>& bytes, std::vector<T>& values) {
  const std::size_t size = values.size() * sizeof(T);
  if (size > 0) std::memcpy(values.data(), bytes.data(), size);
  bytes = bytes.subspan(size);
}

}  // namespace langevo
