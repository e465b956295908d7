#pragma once

#include "kernels/change/point_errors.hpp"
#include "kernels/network/loss.hpp"

/// From the terms of points to the change of the loss.
namespace langevo {

/// U(x') - U(x), and a bound on the error of that number.
struct LossChange {
  double change;
  double error_bound;
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// The three sums over points that make a change of loss and its bound.
template <class Team>
struct LossChangeSums {
  typename Team::PointSum change;
  typename Team::PointSum magnitude;
  typename Team::PointSum error;

  LANGEVO_FUNCTION void clear(const Team& team) {
    team.clear(change);
    team.clear(magnitude);
    team.clear(error);
  }
};

/// Adds one tile's points, the first `points` of it, to the sums.
template <class Real, class Team>
LANGEVO_FUNCTION void add_loss_change(const Team& team, Loss loss, int outputs, const Real* target,
                                      const Real* value, const Real* change, const PointErrors<Real>& errors,
                                      std::size_t points, LossChangeSums<Team>& sums) {
  const auto store = [&](int p, const PointLossChange<Real>& term) LANGEVO_BODY {
    errors.loss_change[p] = term.change;
    errors.loss_magnitude[p] = term.magnitude;
    errors.loss_error[p] = term.error;
  };
  const auto add = [&](int p, const PointLossChange<Real>& term) LANGEVO_BODY {
    errors.loss_change[p] += term.change;
    errors.loss_magnitude[p] += term.magnitude;
    errors.loss_error[p] += term.error;
  };
  with_loss(loss, [&](auto of) {
    decltype(of)::changes(team, outputs, value, change, target,
                          OutputErrors<Real>{errors.value, errors.change}, store, add);
  });
  if (points < points_per_tile) {
    team.each_point([&](int p) LANGEVO_BODY {
      if (static_cast<std::size_t>(p) >= points) store(p, {0, 0, 0});
    });
  }
  team.add_points(sums.change, [&](int p) LANGEVO_BODY { return errors.loss_change[p]; });
  team.add_points(sums.magnitude, [&](int p) LANGEVO_BODY { return errors.loss_magnitude[p]; });
  team.add_points(sums.error, [&](int p) LANGEVO_BODY { return errors.loss_error[p]; });
}

/// Means over points, of sums in which a term goes through `additions`. The bound grows by their rounding and
/// by 10 % for terms of second order.
LANGEVO_INLINE LossChange mean_loss_change(double denominator, double additions,
                                           const PointLossChange<double>& sums) {
  const double summation = additions * Limits<double>::unit_roundoff * sums.magnitude;
  return {sums.change / denominator,
          (1.1 * sums.error + summation) / denominator + Limits<double>::smallest_normal};
}

template <class Team>
LANGEVO_FUNCTION LossChange total_loss_change(const Team& team, double denominator, std::size_t tiles,
                                              const LossChangeSums<Team>& sums) {
  return mean_loss_change(denominator, static_cast<double>(tiles) * points_per_tile / Team::lanes + 8,
                          {team.total(sums.change), team.total(sums.magnitude), team.total(sums.error)});
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
