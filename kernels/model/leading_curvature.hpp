#pragma once

#include "kernels/model/local_model.hpp"

/// The part of a local model along a few directions v_r, the leading eigenvectors of A, in which most of the
/// curvature and of the error lie. For one proposal z it
/// takes a few dot products instead of the product A z:
///   z.A.z / 2 ~ sum_r kappa_r (v_r.z)^2 / 2 + (tr A - sum_r kappa_r) / 2,
///   D.A.z ~ sum_r kappa_r (v_r.D) (v_r.z).
namespace langevo {
inline namespace LANGEVO_TARGET {

/// G.v_k in the first row, v_r.v_k in those after, 0 from the model's rank on, for `count` vectors v_k with
/// room for padded numbers, all finite.
template <class Team>
LANGEVO_INLINE void products_with(
    const Team& team, const LocalModel& model, std::size_t count, const float* vectors, std::size_t stride,
    typename Team::template VectorValues<double> (&out)[1 + leading_directions]) {
  if (model.rank == 0) {
    for (int r = 1; r <= leading_directions; ++r)
      team.each_vector(count, [&](std::size_t k) LANGEVO_BODY { out[r][k] = 0; });
    const float* const row[1] = {model.scaled_gradient};
    return team.template dots<1>(model.padded, count, vectors, stride, row, out);
  }
  const float* rows[1 + leading_directions] = {model.scaled_gradient};
  for (int r = 0; r < leading_directions; ++r) rows[1 + r] = model.directions + r * model.padded;
  team.template dots<1 + leading_directions>(model.padded, count, vectors, stride, rows, out);
}

/// |B G| / |G| for B = A - sum_r kappa_r v_r v_r^T.
template <class Team>
LANGEVO_FUNCTION double remainder_along_gradient(const Team& team, LocalModel& model) {
  const double gradient_norm =
      square_root(team.dot(model.padded, model.scaled_gradient, model.scaled_gradient));
  if (!(gradient_norm > 0)) return 0;
  DirectionParts parts =
      parts_along_directions(team, model.padded, model.rank, model.directions, model.scaled_gradient);
  for (int r = 0; r < leading_directions; ++r) parts.part[r] *= model.eigenvalue[r];
  multiply_by_hessian(team, model, model.scaled_gradient);
  return norm_without(team, model, parts.part) / gradient_norm;
}

/// The directions for an A known in full: one step of subspace iteration from those of the anchor before;
/// from rows of A where it `begins`. G is that at x.
template <class Team>
LANGEVO_APART void find_directions(const Team& team, bool begins, LocalModel& model) {
  const std::size_t padded = model.padded;
  // never more than there can be: a vector within the span of the others would be made of roundings
  model.rank = model.size < leading_directions ? static_cast<int>(model.size) : leading_directions;
  if (begins) {
    team.each(leading_directions * padded, [&](std::size_t i) LANGEVO_BODY { model.directions[i] = 0; });
    team.synchronize();
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
      multiply_by_hessian(team, model, v);
      team.each(padded, [&](std::size_t i) LANGEVO_BODY { v[i] = model.hessian_product[i]; });
      team.synchronize();
      orthonormalize(team, padded, model.directions, r);
    }
  }
  double trace = 0;
  double squares = 0;
  for (int r = 0; r < model.rank; ++r) {
    const float* const v = model.directions + r * padded;
    multiply_by_hessian(team, model, v);
    const double value = team.dot(padded, v, model.hessian_product);
    model.eigenvalue[r] = value;
    trace += value;
    squares += value * value;
  }
  const double square = model.curvature_norm * model.curvature_norm;
  model.remainder.half_trace = model.half_trace - 0.5 * trace;
  model.remainder.norm = square_root(larger(square - squares, 1e-6 * square));
  model.remainder.along = remainder_along_gradient(team, model);
}

/// G.z + (D + z / 2).A.z, for an A known in full.
template <class Team>
LANGEVO_FUNCTION double full_change(const Team& team, LocalModel& model, const float* z) {
  multiply_by_hessian(team, model, z);
  return team.dot(model.padded, model.scaled_gradient, z) +
         team.dot(model.padded, model.hessian_product, model.pending) +
         0.5 * team.dot(model.padded, model.hessian_product, z);
}

/// e = sigma.gradient - G: how far the model has gone wrong on the way. Leaves e in hessian_product.
template <class Team>
LANGEVO_FUNCTION GradientError check_gradient(const Team& team, const double* gradient, const double* sigma,
                                              LocalModel& model) {
  team.each(model.padded, [&](std::size_t i) LANGEVO_BODY {
    model.hessian_product[i] =
        i < model.size
            ? static_cast<float>(sigma[i] * gradient[i] - static_cast<double>(model.scaled_gradient[i]))
            : 0.0f;
  });
  team.synchronize();
  const DirectionParts parts =
      parts_along_directions(team, model.padded, model.rank, model.directions, model.hessian_product);
  GradientError error{};
  error.across = norm_without(team, model, parts.part);
  for (int r = 0; r < leading_directions; ++r)
    error.along[r] = r < model.rank ? parts.part[r] : error.across;  // it may be all along one yet to come
  return error;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
