#pragma once

#include "kernels/change/step_context.hpp"
#include "kernels/network/gradient.hpp"
#include "kernels/random/normals.hpp"
#include "kernels/screened/replica_view.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// The rules that follow the gradient, with or without noise.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct GradientRuleWorkspace {
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
LANGEVO_INLINE double shaken(const GradientMotion& motion, double x, double sigma, float z) {
  return multiply_add(motion.noise * sigma, static_cast<double>(z), x);
}

/// `norm` is |sigma.g|.
LANGEVO_INLINE GradientMotion motion_of(const Gradient& rule, double /*norm*/) {
  return {rule.alpha, 0};
}

/// A normalized gradient moves x by alpha; where g = 0, x stays.
LANGEVO_INLINE GradientMotion motion_of(const NormalizedGradient& rule, double norm) {
  return {norm > 0 ? rule.alpha / norm : 0, 0};
}

/// beta finite: drift s beta/2, noise sqrt(s); beta = inf: drift s / (sqrt(2 pi) |sigma.g|), noise sqrt(s/2).
LANGEVO_INLINE GradientMotion motion_of(const Langevin& rule, double norm) {
  constexpr double one_over_sqrt_2pi = 0.3989422804014327;
  if (is_finite(rule.beta)) return {0.5 * rule.stride * rule.beta, square_root(rule.stride)};
  return {norm > 0 ? rule.stride * one_over_sqrt_2pi / norm : 0, square_root(0.5 * rule.stride)};
}

/// One step of any of these rules. Returns whether loss and gradient at x were finite; if not, x stays.
template <class Team, class Context, class RuleType>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const RuleType& rule,
                                ReplicaView replica, const GradientRuleWorkspace<Team>& work,
                                StepCounters& counters) {
  const std::size_t n = context.problem.network.parameter_count;
  const double* const gradient = work.backpropagation.gradient;
  double* const x = replica.x;
  const double loss = loss_and_gradient(team, context.problem, x, work.backpropagation);
  const double norm = scaled_gradient_norm(team, context, gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  const GradientMotion motion = motion_of(rule, norm);
  team.each(n,
            [&](std::size_t i) LANGEVO_BODY { x[i] = drifted(motion, x[i], context.sigma[i], gradient[i]); });
  if (motion.noise > 0) {
    draw_normals(team, context.random(Stream::langevin_noise), n, work.normal);
    team.synchronize();
    team.each(n, [&](std::size_t i)
                     LANGEVO_BODY { x[i] = shaken(motion, x[i], context.sigma[i], work.normal[i]); });
  }
  team.synchronize();
  ++counters.accepted;
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
