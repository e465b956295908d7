#pragma once

#include "kernels/local_model.hpp"

/// The part of a local model along a few directions v_r: the leading eigenvectors of A and the direction of
/// the last stretch's error, in which most of the curvature and of the next error lie. For one proposal z it
/// takes a few dot products instead of the product A z:
///   z.A.z / 2 ~ sum_r lambda_r (v_r.z)^2 / 2 + (tr A - sum_r lambda_r) / 2,   D.A.z ~ sum_r lambda_r (v_r.D)
///   (v_r.z).
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Takes out of v_r what lies along v_0 .. v_{r-1}, and makes it of length 1; 0 stays 0.
template <class Team>
LANGEVO_FUNCTION void orthonormalize(const Team& team, std::size_t padded, float* directions, int r) {
  float* const v = directions + r * padded;
  for (int repeat = 0; repeat < 2; ++repeat) {  // once leaves roundings that the scaling enlarges
    for (int s = 0; s < r; ++s) {
      const float* const other = directions + s * padded;
      const auto part = static_cast<float>(team.dot(padded, other, v));
      team.synchronize();
      team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] = multiply_add(-part, other[i], v[i]); });
      team.synchronize();
    }
    const double length = square_root(team.dot(padded, v, v));
    const auto scale = static_cast<float>(length > 0 ? 1 / length : 0);
    team.synchronize();
    team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] *= scale; });
    team.synchronize();
  }
}

/// |B G| / |G| for B = A - sum_r lambda_r v_r v_r^T.
template <class Team>
LANGEVO_FUNCTION double bend_of_slope_by_rest(const Team& team, LocalModel& model) {
  const double slope_norm = square_root(team.dot(model.padded, model.slope, model.slope));
  if (!(slope_norm > 0)) return 0;
  bend_along(team, model, model.slope);
  return norm_by_rest(team, model, model.slope) / slope_norm;
}

/// The directions for an A known in full: one step of subspace iteration from those of the anchor before, of
/// which the last is the direction of the error since; from rows of A where it `begins`.
template <class Team>
LANGEVO_FUNCTION void find_directions(const Team& team, bool begins, LocalModel& model) {
  const std::size_t padded = model.padded;
  // never more than there can be: a vector within the span of the others would be made of roundings
  model.rank = model.size < leading_directions ? static_cast<int>(model.size) : leading_directions;
  if (begins) {
    for (int r = 0; r < model.rank; ++r) {
      const float* const row = model.curvature + r * model.size / model.rank * padded;
      team.each(padded, [&](std::size_t i) LANGEVO_BODY { model.directions[r * padded + i] = row[i]; });
      team.synchronize();
      orthonormalize(team, padded, model.directions, r);
    }
  }
  for (int iteration = begins ? 0 : 2; iteration < 3; ++iteration) {
    for (int r = 0; r < model.rank; ++r) {
      float* const v = model.directions + r * padded;
      if (r + 1 < model.rank) {
        bend_along(team, model, v);
        team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] = model.bend[i]; });
        team.synchronize();
      }
      orthonormalize(team, padded, model.directions, r);
    }
  }
  double trace = 0;
  double squares = 0;
  for (int r = 0; r < model.rank; ++r) {
    const float* const v = model.directions + r * padded;
    bend_along(team, model, v);
    const double value = team.dot(padded, v, model.bend);
    model.eigenvalue[r] = static_cast<float>(value);
    trace += value;
    squares += value * value;
  }
  const auto spread = static_cast<double>(model.whole.spread);
  model.rest.half_trace = static_cast<float>(static_cast<double>(model.whole.half_trace) - 0.5 * trace);
  model.rest.spread =
      static_cast<float>(square_root(larger(spread * spread - squares, 1e-6 * spread * spread)));
  model.rest.along = static_cast<float>(bend_of_slope_by_rest(team, model));
}

/// One proposal's change of the loss along the directions, pending mutations included, and |(v_r.z)_r|.
struct LeadingPart {
  double change;
  double length;
};

template <class Team>
LANGEVO_FUNCTION LeadingPart leading_part(const Team& team, const LocalModel& model, const float* z) {
  double change = 0;
  double square = 0;
  for (int r = 0; r < model.rank; ++r) {
    const float* const v = model.directions + r * model.padded;
    const double part = team.dot(model.padded, v, z);
    const double pending = model.pending_count == 0 ? 0.0 : team.dot(model.padded, v, model.pending);
    change += static_cast<double>(model.eigenvalue[r]) * part * (pending + 0.5 * part);
    square += part * part;
  }
  return {change, square_root(square)};
}

/// |G| as carried; |e|, e = sigma.gradient - G: how far the model has gone wrong on the way; and what of e is
/// across the directions. Leaves e in bend.
struct SlopeCheck {
  double norm;
  double error;
  double across;
};

template <class Team>
LANGEVO_FUNCTION SlopeCheck check_slope(const Team& team, const double* gradient, const double* sigma,
                                        LocalModel& model) {
  const std::size_t padded = model.padded;
  team.each(padded, [&](std::size_t i) LANGEVO_BODY {
    model.bend[i] = i < model.size
                        ? static_cast<float>(sigma[i] * gradient[i] - static_cast<double>(model.slope[i]))
                        : 0.0f;
  });
  team.synchronize();
  float part[leading_directions] = {};
  double along = 0;
  for (int r = 0; r < model.rank; ++r) {
    part[r] = static_cast<float>(team.dot(padded, model.directions + r * padded, model.bend));
    along += static_cast<double>(part[r]) * static_cast<double>(part[r]);
  }
  const double error = team.dot(padded, model.bend, model.bend);
  return {square_root(team.dot(padded, model.slope, model.slope)), square_root(larger(error, along)),
          norm_without(team, model, part)};
}

/// A known in full: the error that check_slope left becomes the last direction.
template <class Team>
LANGEVO_FUNCTION void keep_error_direction(const Team& team, LocalModel& model) {
  float* const last = model.directions + (model.rank - 1) * model.padded;
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY { last[i] = model.bend[i]; });
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
