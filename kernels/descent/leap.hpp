#pragma once

#include "kernels/descent/gradient_sources.hpp"
#include "kernels/descent/gradient_step.hpp"
#include "kernels/descent/noise_sums.hpp"

/// Leaps. k steps x_(q+1) = x_q - drift sigma D(x_q) + noise sigma z_q end at
///   x_k = x_0 - drift sigma sum_q D(x_q) + noise sigma sum_q z_q,
/// so that only the sum of the directions along the path is unknown. With noise it is k D(m), m the mean of
/// x_0 .. x_(k-1), up to the second derivatives of D: exactly, where U is quadratic and D the gradient.
/// Without noise the path is smooth, and two directions at the Gauss points of the sum, q = (k - 1)/2 -+
/// sqrt((k^2 - 1)/12), give it up to the fourth differences of D.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct LeapWorkspace {
  GradientStepWorkspace<Team> step;
  NoiseSums noise;         ///< of a leap, or of its first half
  NoiseSums second_noise;  ///< of its second half
  FloatNoiseSums piece;
  double* at;            ///< where a direction is taken, [N]
  double* direction[2];  ///< of a leap without noise, [N] each
  double* whole;         ///< x at the end of a leap, to be compared, [N]
  double* end;           ///< and of its halves, or of its steps, [N]
  float* directions;     ///< of a leap that is compared with its halves, [leap_points][N]
  float* tried;          ///< and of one that is no part of the trajectory, likewise

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    const std::size_t n = network.parameter_count;
    step.carve(arena, network);
    noise.carve(arena, network);
    second_noise.carve(arena, network);
    piece.carve(arena, network);
    at = arena.take<double>(n);
    for (double*& side : direction) side = arena.take<double>(n);
    whole = arena.take<double>(n);
    end = arena.take<double>(n);
    directions = arena.take<float>(2 * n);
    tried = arena.take<float>(2 * n);
  }
};

/// How a leap went.
enum class LeapEnd { taken, not_finite, not_converged };

/// All that leaps of one replica are made with.
template <class Team, class Context>
struct LeapRun {
  const Team& team;
  Context& context;  ///< at the step that comes next
  const GradientRule& rule;
  GradientSources<Team> sources;
  LeapView replica;
  LeapWorkspace<Team>& work;
  StepCounters& counters;

  [[nodiscard]] LANGEVO_INLINE std::size_t size() const { return context.problem.network.parameter_count; }
  [[nodiscard]] LANGEVO_INLINE bool noisy() const { return rule.noise > 0; }
};

/// D at x into `direction`, with the motion that its gradient makes. Returns whether all is finite.
template <class Run>
LANGEVO_FUNCTION bool find_direction(const Run& run, const double* x, GradientMotion& motion,
                                     float* direction) {
  const double* const gradient = run.work.step.backpropagation.gradient;
  const double loss = run.sources.find(run.replica.state->source, x);
  ++run.counters.gradients;
  const double norm = scaled_gradient_norm(run.team, run.context, gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  motion = motion_of(run.rule, norm);
  const double scale = run.rule.normalizes ? (norm > 0 ? 1 / norm : 0) : 1;
  run.team.each(run.size(), [&](std::size_t i) LANGEVO_BODY {
    direction[i] = static_cast<float>(scale * (run.context.sigma[i] * gradient[i]));
  });
  return true;
}

/// A leap of noise.steps steps from x to `end`, which may be x. `direction`: D of the leap before, which
/// becomes this one's.
template <class Run>
LANGEVO_FUNCTION LeapEnd leap_with_noise(const Run& run, const double* x, const NoiseSums& noise,
                                         float* direction, double* end) {
  const std::size_t n = run.size();
  const double* const sigma = run.context.sigma;
  const double* at = x;
  if (noise.steps > 1) {
    const double drift = -0.5 * run.rule.drift * (noise.steps - 1.0);
    const double shake = run.rule.noise / noise.steps;
    double* const mean = run.work.at;
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
      const double along = multiply_add(shake, noise.path[i], drift * static_cast<double>(direction[i]));
      mean[i] = multiply_add(sigma[i], along, x[i]);
    });
    at = mean;
  }
  GradientMotion motion;
  if (!find_direction(run, at, motion, direction)) return LeapEnd::not_finite;
  motion.drift *= noise.steps;
  const double* const gradient = run.work.step.backpropagation.gradient;
  run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
    end[i] = shaken(motion, drifted(motion, x[i], sigma[i], gradient[i]), sigma[i], noise.sum[i]);
  });
  return LeapEnd::taken;
}

/// The two Gauss points of a sum over q = 0 .. steps - 1, and the sums over q < t of the lines that are 1 at
/// one of them and 0 at the other.
struct GaussPoints {
  double at[2];

  LANGEVO_INLINE explicit GaussPoints(double steps) {
    const double centre = 0.5 * (steps - 1);
    const double spread = square_root((steps * steps - 1) / 12);
    at[0] = centre - spread;
    at[1] = centre + spread;
  }
  [[nodiscard]] LANGEVO_INLINE double before(double t, int point) const {
    const double sum_of_steps = 0.5 * t * (t - 1);
    return point == 0 ? (at[1] * t - sum_of_steps) / (at[1] - at[0])
                      : (sum_of_steps - at[0] * t) / (at[1] - at[0]);
  }
};

/// A leap without noise from x to `end`, which may be x. `directions`: those of the leap of last_steps steps
/// before, [2][N], which become this one's.
template <class Run>
LANGEVO_FUNCTION LeapEnd leap_without_noise(const Run& run, const double* x, std::uint32_t steps,
                                            std::uint32_t last_steps, float* directions, double* end) {
  const std::size_t n = run.size();
  const double* const sigma = run.context.sigma;
  const double* const gradient = run.work.step.backpropagation.gradient;
  float* const kept[2] = {directions, directions + n};
  GradientMotion motion;
  if (steps == 1) {
    if (!find_direction(run, x, motion, kept[0])) return LeapEnd::not_finite;
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
      end[i] = drifted(motion, x[i], sigma[i], gradient[i]);
      kept[1][i] = kept[0][i];
    });
    return LeapEnd::taken;
  }
  constexpr int most_sweeps = 8;
  const GaussPoints points(steps);
  double* const direction[2] = {run.work.direction[0], run.work.direction[1]};
  for (int j = 0; j < 2; ++j) {  // as the leap before says
    double share = 0;
    if (last_steps > 1) {
      const GaussPoints last(last_steps);
      share = (last_steps + points.at[j] - last.at[0]) / (last.at[1] - last.at[0]);
    }
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
      const auto first = static_cast<double>(kept[0][i]);
      direction[j][i] = multiply_add(share, static_cast<double>(kept[1][i]) - first, first);
    });
  }
  const double half = 0.5 * run.rule.drift * steps;
  double last_change = 0;
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    double change = 0;
    double way = 0;
    for (int j = 0; j < 2; ++j) {
      const double first = -run.rule.drift * points.before(points.at[j], 0);
      const double second = -run.rule.drift * points.before(points.at[j], 1);
      double* const at = run.work.at;
      run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
        const double along = multiply_add(first, direction[0][i], second * direction[1][i]);
        at[i] = multiply_add(sigma[i], along, x[i]);
      });
      if (!find_direction(run, at, motion, kept[j])) return LeapEnd::not_finite;
      const double scale = run.rule.drift > 0 ? motion.drift / run.rule.drift : 0;
      double* const moved = direction[j];
      change += run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
        const double now = scale * (sigma[i] * gradient[i]);
        const double off = sigma[i] * (now - moved[i]);
        return off * off;
      });
      run.team.each(n, [&](std::size_t i) LANGEVO_BODY { moved[i] = scale * (sigma[i] * gradient[i]); });
      way += run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
        const double part = sigma[i] * moved[i];
        return part * part;
      });
    }
    change = square_root(change);
    // what the next sweep would change is less by as much as this one was than the last
    const double left = sweep > 0 && change < last_change ? change * (change / last_change) : change;
    if (left <= 0.125 * run.rule.method.tolerance * square_root(way)) {
      run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
        end[i] = multiply_add(-half * sigma[i], direction[0][i] + direction[1][i], x[i]);
      });
      return LeapEnd::taken;
    }
    last_change = change;
  }
  return LeapEnd::not_converged;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
