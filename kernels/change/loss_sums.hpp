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

/// Adds the terms of a tile's points times their weights, in double whatever the terms are in. The bound
/// grows by the rounding of the products.
template <class Real, class Team>
LANGEVO_FUNCTION void add_weighted_change(const Team& team, const double* weights,
                                          const PointErrors<Real>& errors, LossChangeSums<Team>& sums) {
  constexpr double product = 2 * Limits<double>::unit_roundoff;
  team.add_points(sums.change, [&](int p) LANGEVO_BODY {
    return weights[p] * static_cast<double>(errors.loss_change[p]);
  });
  team.add_points(sums.magnitude, [&](int p) LANGEVO_BODY {
    return absolute(weights[p]) * static_cast<double>(errors.loss_magnitude[p]);
  });
  team.add_points(sums.error, [&](int p) LANGEVO_BODY {
    return absolute(weights[p]) * (static_cast<double>(errors.loss_error[p]) +
                                   product * static_cast<double>(errors.loss_magnitude[p]));
  });
}

/// Adds one tile's points, of these outputs and changes of them, to the sums.
template <class Real, class Team>
LANGEVO_FUNCTION void add_loss_change(const Team& team, const ProblemView& problem, std::size_t tile,
                                      const Real* value, const Real* change, const PointErrors<Real>& errors,
                                      LossChangeSums<Team>& sums) {
  const DataView<Real>& data = data_of<Real>(problem);
  const std::size_t first_point = tile * points_per_tile;
  const std::size_t points = data.points - first_point;
  const Real* const target = data.targets + first_point * data.target_dim;
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
  with_loss(problem.loss, [&](auto of) {
    decltype(of)::changes(team, data.target_dim, value, change, target,
                          OutputErrors<Real>{errors.value, errors.change}, store, add);
  });
  if (points < points_per_tile) {
    team.each_point([&](int p) LANGEVO_BODY {
      if (static_cast<std::size_t>(p) >= points) store(p, {0, 0, 0});
    });
  }
  if (const double* const weights = weights_of_tile(problem.data_double, tile)) {
    add_weighted_change(team, weights, errors, sums);
    return;
  }
  team.add_points(sums.change, [&](int p) LANGEVO_BODY { return errors.loss_change[p]; });
  team.add_points(sums.magnitude, [&](int p) LANGEVO_BODY { return errors.loss_magnitude[p]; });
  team.add_points(sums.error, [&](int p) LANGEVO_BODY { return errors.loss_error[p]; });
}

/// The sums over the denominator of the loss, where a term goes through `additions`. The bound grows by their
/// rounding and by 10 % for terms of second order.
LANGEVO_INLINE LossChange mean_loss_change(double denominator, double additions,
                                           const PointLossChange<double>& sums) {
  const double summation = additions * Limits<double>::unit_roundoff * sums.magnitude;
  return {sums.change / denominator,
          (1.1 * sums.error + summation) / denominator + Limits<double>::smallest_normal};
}

template <class Team>
LANGEVO_FUNCTION LossChange total_loss_change(const Team& team, const ProblemView& problem,
                                              const LossChangeSums<Team>& sums) {
  const auto tiles = static_cast<double>(problem.data_double.tiles);
  return mean_loss_change(loss_denominator(problem), tiles * points_per_tile / Team::lanes + 8,
                          {team.total(sums.change), team.total(sums.magnitude), team.total(sums.error)});
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
