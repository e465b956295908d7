#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/base/tiles.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {

/// What the choice between one team per replica and whole layers at a time looks at.
struct LayeredChoiceInput {
  std::uint64_t replicas;
  std::uint64_t points;
  std::uint64_t widest_weights;  ///< of the layer that has most
  std::uint64_t on_chip_bytes;   ///< that one block may have
};

inline std::uint64_t widest_weights(const NetworkView& network) {
  std::uint64_t most = 0;
  for (int l = 0; l < network.layer_count; ++l) {
    const Layer& layer = network.layers[l];
    most =
        std::max(most, static_cast<std::uint64_t>(layer.fan_in) * static_cast<std::uint64_t>(layer.fan_out));
  }
  return most;
}

/// Whole layers pay where
/// - not even one layer (w, w', w' - w in float) fits on chip, so that a team would read it from far away for
///   every tile of points, and
/// - its products are large enough to keep the device busy for longer than it takes to start them.
inline bool whole_layers(const LayeredChoiceInput& input) {
  constexpr double least_multiplications = 1 << 27;
  const auto multiplications = static_cast<double>(input.replicas) * static_cast<double>(input.points) *
                               static_cast<double>(input.widest_weights);
  return 3 * sizeof(float) * input.widest_weights > input.on_chip_bytes &&
         multiplications >= least_multiplications;
}

/// The most replicas at a time, up to `replicas`, whose memory fits into `bytes`; 0: not even one.
/// `bytes_of(slots)` grows with the number of replicas.
template <class BytesOf>
std::size_t slots_that_fit(std::uint64_t replicas, std::uint64_t bytes, const BytesOf& bytes_of) {
  constexpr std::uint64_t most = 4096;  // more would keep no device busier
  std::size_t fits = 0;
  std::size_t too_many = std::min(replicas, most) + 1;
  while (too_many - fits > 1) {
    const std::size_t middle = fits + (too_many - fits) / 2;
    (bytes_of(middle) <= bytes ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace langevo
