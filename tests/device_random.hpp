#pragma once

#include <cstdint>
#include <vector>

namespace langevo {

/// Random words and normals made by a device, for blocks 0 .. count - 1 of a source.
struct DeviceRandom {
  std::vector<std::uint32_t> words;         ///< [count][4]
  std::vector<std::uint32_t> curand_words;  ///< by cuRAND's device function, of the same counters and key
  std::vector<float> normals;               ///< [count][4]
};

/// What a RandomSource is made of; plain, because the source's namespace differs between host and device
/// code.
struct DeviceRandomInput {
  std::uint64_t seed;
  std::uint64_t step;
  std::uint32_t stream;
  std::uint32_t replica;
};

DeviceRandom draw_on_device(const DeviceRandomInput& input, std::uint32_t count);

}  // namespace langevo
