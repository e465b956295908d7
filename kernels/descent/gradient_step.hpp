#pragma once

#include "kernels/change/step_context.hpp"
#include "kernels/descent/gradient_rule.hpp"
#include "kernels/network/gradient.hpp"
#include "kernels/random/normals.hpp"
#include "langevo/statistics.hpp"

/// One step along the gradient in double, on all points.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct GradientStepWorkspace {
  GradientWorkspace<Team> backpropagation;
  float* normal;  ///< [normal_buffer_size(N)]

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    backpropagation.carve(arena, network);
    normal = arena.take<float>(normal_buffer_size(network.parameter_count));
  }
};

/// What a rule makes of a gradient: x_i += -drift sigma_i^2 g_i + noise sigma_i z_i.
struct GradientMotion {
  double drift;
  double noise;
};

LANGEVO_INLINE double drifted(const GradientMotion& motion, double x, double sigma, double gradient) {
  return multiply_add(-motion.drift * sigma, sigma * gradient, x);
}
LANGEVO_INLINE double shaken(const GradientMotion& motion, double x, double sigma, double z) {
  return multiply_add(motion.noise * sigma, z, x);
}

/// `norm` is |sigma.g|.
LANGEVO_INLINE GradientMotion motion_of(const GradientRule& rule, double norm) {
  if (!rule.normalizes) return {rule.drift, rule.noise};
  return {norm > 0 ? rule.drift / norm : 0, rule.noise};
}

/// Returns whether loss and gradient at x were finite; if not, x stays.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_gradient_step(const Team& team, const Context& context, const GradientRule& rule,
                                         double* x, const GradientStepWorkspace<Team>& work,
                                         StepCounters& counters) {
  const std::size_t n = context.problem.network.parameter_count;
  const double* const gradient = work.backpropagation.gradient;
  const double loss = loss_and_gradient(team, context.problem, x, work.backpropagation);
  const double norm = scaled_gradient_norm(team, context, gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  const GradientMotion motion = motion_of(rule, norm);
  team.each(n,
            [&](std::size_t i) LANGEVO_BODY { x[i] = drifted(motion, x[i], context.sigma[i], gradient[i]); });
  if (motion.noise > 0) {
    draw_normals(team, context.random(Stream::langevin_noise), n, work.normal);
    team.synchronize();
    team.each(n, [&](std::size_t i) LANGEVO_BODY {
      x[i] = shaken(motion, x[i], context.sigma[i], static_cast<double>(work.normal[i]));
    });
  }
  team.synchronize();
  ++counters.accepted;
  ++counters.gradients;
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
