#pragma once

#include "kernels/base/scalar.hpp"

/// How wrong the scaled gradient may be that a local model carries through a stretch of proposals, from how
/// wrong it has been.
namespace langevo {

inline constexpr int leading_directions = 4;

/// How the error e of a scaled gradient carried through a stretch has grown lately, per accepted mutation at
/// the usual length, for e grows as the state moves: sums over stretches, of which earlier ones count less
/// and less. Every replica keeps some of these: in float, and of sums of squares the roots, which stay within
/// its range.
struct ErrorGrowth {
  float along[leading_directions] =
      {};                    ///< of the squares of e's parts along the model's directions, its root,
  float across = 0;          ///< of the length of its part across them,
  float across_squares = 0;  ///< of that squared, its root,
  float seen = 0;            ///< and of 1
  float length = 0;          ///< the usual one, last
};

/// The error e of a carried scaled gradient: along the model's directions, and the length of what is across
/// them.
struct GradientError {
  double along[leading_directions];
  double across;
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// How far e's parts along and across the model's directions have grown, in accepted mutations.
struct Reach {
  double along;
  double across;
};

/// What e is assumed to be along a stretch: its parts along the directions by their root mean squares, the
/// rest by the most that its length is likely to be.
struct AssumedError {
  /// For a given mutation z, e.z is a sum of e's parts along the directions times those of z, which are
  /// known, and of Normal(0, |e across|^2). The first are assumed to be up to so many times their root mean
  /// squares in the last stretches,
  static constexpr double along_margin = 9;
  /// and the other one up to so many standard deviations,
  static constexpr double deviations = 6;
  /// |e across| exceeding its mean in the last stretches by so many standard deviations, and by this factor.
  /// What does exceed them is printed by bench/model_error.
  static constexpr double growth_deviations = 3;
  static constexpr double growth_margin = 2;
  /// Weight of what was seen of it one stretch earlier.
  static constexpr double memory_of_growth = 0.95;

  double along[leading_directions];  ///< growth per accepted mutation at the usual length
  double across;                     ///< likewise
  double least;                      ///< of the part across: float arithmetic alone makes some
  double length;                     ///< the usual one, in accepted mutations
  bool curved;                       ///< the Hessian is known
  bool fresh;                        ///< and that of the anchor

  /// Shapes of the growth after `accepted` mutations, in those. The distance from the anchor grows as that of
  /// a random walk, and so does e where the curvature was wrong from the start; where it was right, e grows
  /// as the distance squared, or less where a path turns back. Along the directions of a Hessian
  /// that is the anchor's own, less is wrong at the beginning and more is added later. Beyond the usual
  /// length, where little was seen, all is to the square.
  [[nodiscard]] LANGEVO_INLINE Reach reach(double accepted) const {
    if (accepted > length) return {accepted * accepted / length, accepted * accepted / length};
    const double root = square_root(accepted * length);
    if (!curved) return {root, root};
    return fresh ? Reach{square_root(accepted * root), root} : Reach{root, square_root(root * length)};
  }
  [[nodiscard]] LANGEVO_INLINE double across_after(const Reach& reach) const {
    return across * reach.across + least;
  }

  /// Takes `growth` for what is to come, `doubt` times; more for want of experience.
  LANGEVO_INLINE void assume(const ErrorGrowth& growth, double doubt) {
    const auto seen = static_cast<double>(growth.seen);
    const double unseen = doubt * (1 + 4 / seen);
    for (int r = 0; r < leading_directions; ++r)
      along[r] = unseen * static_cast<double>(growth.along[r]) / square_root(seen);
    const double mean = static_cast<double>(growth.across) / seen;
    const auto root = static_cast<double>(growth.across_squares);
    const double variance = larger(0.0, root * root / seen - mean * mean);
    across = unseen * larger(growth_margin * mean, mean + growth_deviations * square_root(variance));
  }

  /// e after `accepted` mutations in units of what decisions have allowed for: its largest part along a
  /// direction, the part across, the larger one.
  [[nodiscard]] LANGEVO_INLINE double excess_along(const GradientError& error, double accepted) const {
    const Reach reached = reach(accepted);
    double most = 0;
    for (int r = 0; r < leading_directions; ++r)
      most = larger(most, absolute(error.along[r]) / (along_margin * along[r] * reached.along + least));
    return most;
  }
  [[nodiscard]] LANGEVO_INLINE double excess_across(const GradientError& error, double accepted) const {
    return error.across / across_after(reach(accepted));
  }
  [[nodiscard]] LANGEVO_INLINE double excess(const GradientError& error, double accepted) const {
    return larger(excess_across(error, accepted), excess_along(error, accepted));
  }
};

/// The root of memory kept^2 + more^2.
LANGEVO_INLINE float root_of_squares(double memory, float kept, double more) {
  const auto before = static_cast<double>(kept);
  return static_cast<float>(square_root(memory * before * before + more * more));
}

/// Takes in an error measured after `accepted` mutations; where there were none, it says nothing of growth.
LANGEVO_INLINE void take_gradient_error(const GradientError& error, const AssumedError& assumed,
                                        double accepted, ErrorGrowth& growth) {
  constexpr double memory = AssumedError::memory_of_growth;
  if (accepted == 0) return;
  const Reach reach = assumed.reach(accepted);
  for (int r = 0; r < leading_directions; ++r)
    growth.along[r] = root_of_squares(memory, growth.along[r], error.along[r] / reach.along);
  const double across = error.across / reach.across;
  growth.across = static_cast<float>(memory * static_cast<double>(growth.across) + across);
  growth.across_squares = root_of_squares(memory, growth.across_squares, across);
  growth.seen = static_cast<float>(memory * static_cast<double>(growth.seen) + 1);
  growth.length = static_cast<float>(assumed.length);
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
