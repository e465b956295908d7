#include <cmath>
#include <numbers>

#include "langevo/dataset.hpp"
#include "langevo/error.hpp"

namespace langevo {

Dataset make_sin_unit(std::size_t points) {
  if (points == 0) throw InputError("data set sin-unit with 0 points; give at least 1 (--points)");
  Dataset data{.points = points, .input_dim = 1, .target_dim = 1, .inputs = {}, .targets = {}};
  for (std::size_t j = 0; j < points; ++j) {
    const double theta = static_cast<double>(j) / static_cast<double>(points);
    data.inputs.push_back(theta);
    data.targets.push_back(std::sin(2 * std::numbers::pi * theta));
  }
  return data;
}

Dataset make_sin_symmetric(std::size_t points) {
  if (points < 2) {
    throw InputError("data set sin-symmetric with " + std::to_string(points) +
                     " point(s); give at least 2, the ends of [-1, 1] (--points)");
  }
  Dataset data{.points = points, .input_dim = 1, .target_dim = 1, .inputs = {}, .targets = {}};
  const auto last = static_cast<double>(points - 1);
  for (std::size_t j = 0; j < points; ++j) {
    // Written so that theta_j = -theta_{K-1-j} to the last bit.
    const double theta = (2 * static_cast<double>(j) - last) / last;
    data.inputs.push_back(theta);
    data.targets.push_back(std::sin(std::numbers::pi * theta));
  }
  return data;
}

}  // namespace langevo
