#pragma once

#include "kernels/base/scalar.hpp"
#include "kernels/base/tiles.hpp"

/// What losses are told of one tile of points: outputs f, their changes df and targets y are
/// [outputs][points_per_tile]; every loop over points is innermost, so that points go side by side.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// body(i, p) at index i = c points_per_tile + p of output c and point p, for the outputs from `first` on.
template <class Team, class Body>
LANGEVO_INLINE void each_output(const Team& team, int first, int outputs, const Body& body) {
  for (int c = first; c < outputs; ++c) {
    team.each_point([&](int p) LANGEVO_BODY { body(c * points_per_tile + p, p); });
  }
}

/// A term of U(x') - U(x), the size of its summands and a bound on its rounding error.
template <class Real>
struct PointLossChange {
  Real change;
  Real magnitude;
  Real error;
};

/// Bounds on the errors of all outputs of each point, 2-norms over the outputs, and on those of their
/// changes.
template <class Real>
struct OutputErrors {
  const Real* value;
  const Real* change;
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
