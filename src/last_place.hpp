#pragma once

#include <cmath>
#include <limits>

namespace langevo {

/// Distance of |value| to the next larger number of its type.
template <class Real>
double last_place(double value) {
  const Real magnitude = std::abs(static_cast<Real>(value));
  return static_cast<double>(std::nextafter(magnitude, std::numeric_limits<Real>::infinity()) - magnitude);
}

}  // namespace langevo
