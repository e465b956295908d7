#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "langevo/problem.hpp"

namespace langevo {

/// Tests on problems and states drawn with a seed of their own.
class RandomProblems : public testing::Test {
 protected:
  explicit RandomProblems(std::uint64_t seed) : generator_(seed) {}

  /// With a bias of the outputs where the number of points is even, and with weights where it is a multiple
  /// of 3.
  Problem random_problem(const std::vector<int>& widths, Activation activation, Loss loss,
                         std::size_t points) {
    Dataset data{points, widths.front(), widths.back(), {}, {}};
    for (std::size_t i = 0; i < points * data.input_dim; ++i) data.inputs.push_back(normal_(generator_));
    for (std::size_t i = 0; i < points * data.target_dim; ++i)
      data.targets.push_back(std::abs(normal_(generator_)));
    for (std::size_t i = 0; points % 3 == 0 && i < points; ++i)
      data.weights.push_back(0.25 + static_cast<double>(i % 5));
    return {Network(widths, activation, points % 2 == 0), data, loss};
  }

  std::vector<double> moved(const std::vector<double>& x, double sigma) {
    std::vector<double> y = x;
    for (double& value : y) value = std::fma(sigma, normal_(generator_), value);
    return y;
  }

  std::vector<double> random_state(const Problem& problem, double size) {
    return moved(std::vector<double>(problem.network().parameter_count()), size);
  }

 private:
  std::mt19937_64 generator_;
  std::normal_distribution<double> normal_;
};

}  // namespace langevo
