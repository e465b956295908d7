#pragma once

#include "kernels/model/directions.hpp"
#include "kernels/network/hessian.hpp"

/// The leading part of a Hessian too large to keep, A ~ sum_r kappa_r v_r v_r^T, learnt from what a run
/// computes anyway: over a stretch of accepted mutations d the scaled gradient changes by y = A d, and d is
/// random, so that y leans towards the eigenvectors of the largest eigenvalues. The space of the v_r tracks
/// them by projection approximation (Yang, IEEE Trans. Signal Process. 43, 95 (1995)); within it A is the
/// matrix S that least squares of V^T y against V^T d give, and the v_r are turned into its eigenvectors, as
/// eigenvalues near each other would leave them mixed.
namespace langevo {

/// What one replica knows of a curvature that it learns, kept only where none is known in full: sums over
/// stretches, earlier ones with less weight, of products of the parts of y and d along the directions, in
/// units of |d|.
struct LearntCurvature {
  int rank = 0;                              ///< directions in use
  double seen = 0;                           ///< the sum of 1 since the last one began
  double offset = 0;                         ///< mean of z.A.z / 2
  double eigenvalue[leading_directions]{};   ///< v_r.A.v_r
  SmallMatrix<leading_directions> changes;   ///< y y^T,
  SmallMatrix<leading_directions> products;  ///< y d^T,
  SmallMatrix<leading_directions> ways;      ///< d d^T
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Numbers that the directions of one replica take: none where the whole Hessian is known.
LANGEVO_INLINE std::size_t directions_size(const NetworkView& network) {
  return has_curvature(network) ? 0 : leading_directions * padded_row(network.parameter_count);
}

/// Weight of what was learnt a stretch earlier.
inline constexpr double curvature_memory = 0.95;

/// A change this much smaller than the whole is one of roundings.
inline constexpr double change_of_roundings = 1e-5;

/// Leans the directions towards `change` y by what of it is across them, V += (y - V p) (C^-1 p)^T / |d|, and
/// begins one more while there are fewer than can be, then makes them orthonormal. `part`: p.
template <class Team>
LANGEVO_FUNCTION void lean_directions(const Team& team, std::size_t padded, const float* change,
                                      double length, const double (&part)[leading_directions],
                                      float* directions, LearntCurvature& learnt) {
  const int rank = learnt.rank;
  double gain[leading_directions];
  for (int r = 0; r < leading_directions; ++r) gain[r] = part[r];
  const double trace = trace_of(learnt.changes);
  SmallMatrix<leading_directions> changes = learnt.changes;
  for (int r = 0; r < rank; ++r) changes.at[r][r] += 1e-9 * trace;
  solve(rank, changes, gain);
  const auto scale = static_cast<float>(1 / length);
  const bool begins = rank < leading_directions;
  team.each(padded, [&](std::size_t i) LANGEVO_BODY {
    float across = scale * change[i];
    for (int r = 0; r < rank; ++r)
      across = multiply_add(-static_cast<float>(part[r]), directions[r * padded + i], across);
    for (int r = 0; r < rank; ++r) {
      float& v = directions[r * padded + i];
      v = multiply_add(static_cast<float>(gain[r]), across, v);
    }
    if (begins) directions[rank * padded + i] = across;
  });
  team.synchronize();
  for (int r = 0; r < rank; ++r) orthonormalize(team, padded, directions, r);
  if (!begins) return;
  float* const next = directions + rank * padded;
  const double left = team.dot(padded, next, next);
  const double whole = team.dot(padded, change, change) / (length * length);
  team.synchronize();
  if (left > change_of_roundings * change_of_roundings * whole) {
    orthonormalize(team, padded, directions, rank);
    learnt.changes.at[rank][rank] = left;
    learnt.seen = 0;
    ++learnt.rank;
  } else {
    team.each(padded, [&](std::size_t i) LANGEVO_BODY { next[i] = 0; });
    team.synchronize();
  }
}

/// S of the sums so far, less sure of what is off the diagonal the less was seen: as if one more stretch had
/// shown none of that.
LANGEVO_INLINE SmallMatrix<leading_directions> curvature_within(const LearntCurvature& learnt) {
  const double trace = trace_of(learnt.ways);
  const double prior = trace / (learnt.rank * (1 + learnt.seen));
  SmallMatrix<leading_directions> ways = learnt.ways;
  for (int r = 0; r < learnt.rank; ++r) ways.at[r][r] += prior;
  SmallMatrix<leading_directions> result;
  if (!(trace > 0)) return result;
  for (int r = 0; r < learnt.rank; ++r) {  // row r of S: S ways = products
    double row[leading_directions];
    for (int s = 0; s < leading_directions; ++s) row[s] = learnt.products.at[r][s];
    if (learnt.ways.at[r][r] > 0) row[r] += prior * learnt.products.at[r][r] / learnt.ways.at[r][r];
    solve(learnt.rank, ways, row);
    for (int s = 0; s < learnt.rank; ++s) {
      result.at[r][s] += 0.5 * row[s];
      result.at[s][r] += 0.5 * row[s];
    }
  }
  return result;
}

/// Takes in one stretch. `change`: y, [padded], zeros in the padding; `way`: d, [padded] likewise;
/// `directions`: v_r, [leading_directions][padded].
template <class Team>
LANGEVO_APART void learn_curvature(const Team& team, std::size_t padded, const float* change,
                                   const float* way, float* directions, LearntCurvature& known) {
  const double length = square_root(team.dot(padded, way, way));
  const double size = team.dot(padded, change, change);
  if (!(length > 0) || !(size > 0) || !is_finite(size)) return;
  LearntCurvature learnt = known;
  // before they lean towards y, and so towards d: sums of what they knew nothing of
  DirectionParts of_change = parts_along_directions(team, padded, learnt.rank, directions, change);
  DirectionParts of_way = parts_along_directions(team, padded, learnt.rank, directions, way);
  for (int r = 0; r < leading_directions; ++r) {
    of_change.part[r] /= length;
    of_way.part[r] /= length;
  }
  add_product(curvature_memory, of_change.part, of_change.part, learnt.changes);
  add_product(curvature_memory, of_change.part, of_way.part, learnt.products);
  add_product(curvature_memory, of_way.part, of_way.part, learnt.ways);
  learnt.seen = curvature_memory * learnt.seen + 1;
  lean_directions(team, padded, change, length, of_change.part, directions, learnt);
  SmallMatrix<leading_directions> within = curvature_within(learnt);
  const SmallMatrix<leading_directions> axes = diagonalize(within);
  for (int r = 0; r < leading_directions; ++r) learnt.eigenvalue[r] = within.at[r][r];
  turn(axes, learnt.changes);
  turn(axes, learnt.products);
  turn(axes, learnt.ways);
  turn_directions(team, padded, axes, directions);
  team.by_leader([&]() LANGEVO_BODY { known = learnt; });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
