#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>

#include "langevo/dataset.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// theta in [0, 1), targets sin(2 pi theta + c) for squared errors; for the cross-entropy the interval is cut
/// into a part for each output.
inline Dataset make_sin_targets(std::size_t points, int outputs, Loss loss) {
  Dataset data = make_sin_unit(points);
  data.target_dim = outputs;
  data.targets.clear();
  for (const double theta : data.inputs) {
    for (int c = 0; c < outputs; ++c) {
      const double part = c == static_cast<int>(theta * outputs) ? 1 : 0;
      data.targets.push_back(loss == Loss::mse ? std::sin(2 * std::numbers::pi * theta + c) : part);
    }
  }
  return data;
}

}  // namespace langevo
