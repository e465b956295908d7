#pragma once

#include <cstdint>
#include <vector>

#include "langevo/dataset.hpp"

namespace langevo {

/// Some points of a data set, with these weights; with none all alike.
inline Dataset dataset_of_points(const Dataset& data, const std::vector<std::uint64_t>& points,
                                 const std::vector<double>& weights) {
  Dataset some;
  some.points = points.size();
  some.input_dim = data.input_dim;
  some.target_dim = data.target_dim;
  const auto inputs = static_cast<std::size_t>(data.input_dim);
  const auto targets = static_cast<std::size_t>(data.target_dim);
  for (const std::uint64_t p : points) {
    for (std::size_t k = 0; k < inputs; ++k) some.inputs.push_back(data.inputs[p * inputs + k]);
    for (std::size_t k = 0; k < targets; ++k) some.targets.push_back(data.targets[p * targets + k]);
  }
  some.weights = weights;
  return some;
}

}  // namespace langevo
