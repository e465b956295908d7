#pragma once

#include "kernels/base/small_matrix.hpp"
#include "kernels/model/gradient_error.hpp"

/// A few directions v_r in the space of the parameters, [leading_directions][padded N].
namespace langevo {
inline namespace LANGEVO_TARGET {

/// v_r.v for one vector, 0 from `rank` on.
struct DirectionParts {
  double part[leading_directions];
};

template <class Team>
LANGEVO_FUNCTION DirectionParts parts_along_directions(const Team& team, std::size_t padded, int rank,
                                                       const float* directions, const float* v) {
  DirectionParts parts{};
  for (int r = 0; r < rank; ++r) parts.part[r] = team.dot(padded, directions + r * padded, v);
  return parts;
}

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

/// v_s becomes sum_r v_r turn[r][s].
template <class Team>
LANGEVO_FUNCTION void turn_directions(const Team& team, std::size_t padded,
                                      const SmallMatrix<leading_directions>& turn, float* directions) {
  team.each(padded, [&](std::size_t i) LANGEVO_BODY {
    float turned[leading_directions];
    for (int s = 0; s < leading_directions; ++s) {
      turned[s] = 0;
      for (int r = 0; r < leading_directions; ++r) {
        turned[s] = multiply_add(static_cast<float>(turn.at[r][s]), directions[r * padded + i], turned[s]);
      }
    }
    for (int s = 0; s < leading_directions; ++s) directions[s * padded + i] = turned[s];
  });
  team.synchronize();
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
