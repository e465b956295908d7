#include "langevo/initial_state.hpp"

#include <cmath>

#include "ensemble_checks.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"

namespace langevo {

namespace {

RandomSource initial_source(std::uint64_t seed, std::uint64_t replica) {
  require_replica_numbers(1, replica);
  return {seed, 0, Stream::initial_state, static_cast<std::uint32_t>(replica)};
}

}  // namespace

std::vector<double> draw_initial_state(const Network& network, const GaussianInit& init, std::uint64_t seed,
                                       std::uint64_t replica) {
  require_positive("--init-std", init.standard_deviation);
  const std::size_t n = network.parameter_count();
  std::vector<float> normals(normal_buffer_size(n));
  draw_normals(SerialTeam{}, initial_source(seed, replica), n, normals.data());
  std::vector<double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = init.standard_deviation * static_cast<double>(normals[i]);
  return x;
}

std::vector<double> draw_initial_state(const Network& network, const PytorchInit& /*init*/,
                                       std::uint64_t seed, std::uint64_t replica) {
  const RandomSource source = initial_source(seed, replica);
  std::vector<double> x(network.parameter_count());
  const auto uniform = [&](std::size_t i) {  // two words a number, two numbers a block
    const RandomWords words = source.block(static_cast<std::uint32_t>(i / 2));
    const std::size_t word = i % 2 * 2;
    return uniform_double(words.word[word], words.word[word + 1]);
  };
  for (const Layer& layer : network.layers()) {
    const double bound = 1 / std::sqrt(static_cast<double>(layer.fan_in));
    const std::size_t count =
        layer.weight_count() + (layer.has_bias ? static_cast<std::size_t>(layer.fan_out) : 0);
    for (std::size_t i = layer.weight_offset; i < layer.weight_offset + count; ++i)
      x[i] = bound * (2 * uniform(i) - 1);
  }
  return x;
}

}  // namespace langevo
