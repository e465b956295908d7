#pragma once

#include <cstddef>
#include <cstdint>

/// A leap: several steps along the gradient, each with its own noise, for one gradient, or for few.
namespace langevo {

/// How a gradient is found, cheapest first.
enum class GradientSource : std::uint8_t { float_on_nodes, double_on_nodes, float_on_all, double_on_all };

inline constexpr bool is_on_nodes(GradientSource source) {
  return source == GradientSource::float_on_nodes || source == GradientSource::double_on_nodes;
}
inline constexpr bool is_in_float(GradientSource source) {
  return source == GradientSource::float_on_nodes || source == GradientSource::float_on_all;
}

/// Some errors, unit 1.
struct ErrorSample {
  double sum_of_squares = 0;
  float largest = 0;
  std::uint32_t count = 0;
};

/// Where one replica is between two leaps, and what was measured of them: part of its trajectory, since what
/// it says of the next leap's length and gradient is seen in the states.
struct LeapState {
  std::uint32_t length = 0;       ///< steps of a leap; 0: not yet known
  std::uint32_t last_length = 0;  ///< of the leap whose directions are kept
  std::uint32_t under_way = 0;    ///< steps of the leap that began at `origin` and is not over
  GradientSource source = GradientSource::double_on_all;
  std::uint8_t audit_spacing = 0;  ///< audits are at most 2^this stretches apart
  bool audited_here = false;       ///< before the first step: what an audit corrected it cannot measure
  bool failed_here = false;        ///< a leap did not converge: shorter ones are taken without being measured
  bool tries = false;              ///< the next leap is measured, and may be made longer or shorter
  std::uint8_t headings = 0;       ///< errors whose directions LeapView::heading is the mean of
  ErrorSample gradient = {};       ///< of gradients, relative to |sigma.g|
  ErrorSample halves = {};         ///< of leaps against their halves, relative to the way moved
  ErrorSample steps = {};          ///< and against exact steps
};

/// What is kept of one replica.
struct LeapView {
  LeapState* state = nullptr;   ///< null: every step has a gradient in double on all points
  double* origin = nullptr;     ///< x where the leap under way began, [N]; null: steps are taken one by one
  float* directions = nullptr;  ///< D of the leap before, where it was taken, [leap_points][N]
  float* heading = nullptr;     ///< mean direction of errors of noisy leaps, [N]; null: they have no noise
  float* defect = nullptr;      ///< dU/dx - dU_S/dx where it was measured last, [N]; null: there are no nodes
};

/// Directions that a leap takes: one at the mean of a noisy path, two along a smooth one.
inline constexpr std::size_t leap_points(bool noisy) {
  return noisy ? 1 : 2;
}

}  // namespace langevo
