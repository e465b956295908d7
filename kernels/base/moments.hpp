#pragma once

#include "kernels/base/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Takes one more value in; `count` includes it (Welford, Technometrics 4, 419 (1962)).
LANGEVO_INLINE void add_to_moments(double value, double count, double& mean, double& sum_squared_deviations) {
  const double delta = value - mean;
  mean += delta * (1.0 / count);
  sum_squared_deviations += delta * (value - mean);
}

/// Joins two samples of `here` and `there` values (Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983), eq. 1.5).
LANGEVO_INLINE void merge_moments(double here, double& mean, double& sum_squared_deviations, double there,
                                  double mean_there, double sum_squared_deviations_there) {
  const double total = here + there;
  const double delta = mean_there - mean;
  mean += delta * (there / total);
  sum_squared_deviations += sum_squared_deviations_there + delta * delta * (here * there / total);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
