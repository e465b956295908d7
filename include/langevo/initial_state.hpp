#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "langevo/network.hpp"

namespace langevo {

/// Normal(0, standard_deviation^2) for weights and biases; the paper uses 0.01.
struct GaussianInit {
  double standard_deviation = 0.01;
};

/// PyTorch's default: uniform within 1/sqrt(fan_in), weights and biases.
struct PytorchInit {};

/// x of one replica, shape [N], from the initial-state stream of (seed, global replica index).
/// A common initial state is that of replica 0.
/// @throws InputError for a replica beyond 2^32 - 1, or a standard deviation that is not positive
std::vector<double> draw_initial_state(const Network& network, const GaussianInit& init, std::uint64_t seed,
                                       std::uint64_t replica);
std::vector<double> draw_initial_state(const Network& network, const PytorchInit& init, std::uint64_t seed,
                                       std::uint64_t replica);

/// `count` finite numbers from text (one number a line) or from `variable` of a netCDF file (text and netCDF
/// are told apart by content): initial states and sigma files.
/// @param what names the thing read in error messages, e.g. "--init"
/// @throws InputError for missing files, non-numbers, wrong counts
std::vector<double> read_parameter_vector(const std::string& path, const std::string& variable,
                                          std::size_t count, const std::string& what);

}  // namespace langevo
