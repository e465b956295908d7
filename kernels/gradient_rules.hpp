#pragma once

#include "kernels/gradient.hpp"
#include "kernels/random.hpp"
#include "kernels/step_context.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// The rules that follow the gradient, with or without noise. All three move
/// x_i -= drift sigma_i^2 g_i / norm, and Langevin adds noise sigma_i z_i.
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

/// |sigma.g|.
template <class Team, class Context>
LANGEVO_FUNCTION double scaled_gradient_norm(const Team& team, const Context& context,
                                             const double* gradient) {
  return square_root(team.sum(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    const double scaled = context.sigma[i] * gradient[i];
    return scaled * scaled;
  }));
}

template <class Team, class Context>
LANGEVO_FUNCTION void move_down(const Team& team, const Context& context, double factor,
                                const double* gradient, double* x) {
  team.each(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    x[i] = multiply_add(-factor * context.sigma[i], context.sigma[i] * gradient[i], x[i]);
  });
}

/// x_i -= alpha sigma_i^2 g_i. Returns whether loss and gradient at x were finite; if not, x stays.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const Gradient& rule,
                                ReplicaView replica, GradientRuleWorkspace<Team>& work,
                                StepCounters& counters) {
  double* const x = replica.x;
  const double loss = loss_and_gradient(team, context.problem, x, work.backpropagation);
  const double norm = scaled_gradient_norm(team, context, work.backpropagation.gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  move_down(team, context, rule.alpha, work.backpropagation.gradient, x);
  team.synchronize();
  ++counters.accepted;
  return true;
}

/// x_i -= alpha sigma_i^2 g_i / |sigma.g|; where g = 0, x stays.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const NormalizedGradient& rule,
                                ReplicaView replica, GradientRuleWorkspace<Team>& work,
                                StepCounters& counters) {
  double* const x = replica.x;
  const double loss = loss_and_gradient(team, context.problem, x, work.backpropagation);
  const double norm = scaled_gradient_norm(team, context, work.backpropagation.gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  if (norm > 0) move_down(team, context, rule.alpha / norm, work.backpropagation.gradient, x);
  team.synchronize();
  ++counters.accepted;
  return true;
}

/// beta finite: x_i += -s (beta sigma_i^2 / 2) g_i + sigma_i sqrt(s) z_i;
/// beta = inf:  x_i += -s (sigma_i / sqrt(2 pi)) sigma_i g_i / |sigma.g| + sigma_i sqrt(s / 2) z_i.
template <class Team, class Context>
LANGEVO_FUNCTION bool take_step(const Team& team, const Context& context, const Langevin& rule,
                                ReplicaView replica, GradientRuleWorkspace<Team>& work,
                                StepCounters& counters) {
  double* const x = replica.x;
  constexpr double one_over_sqrt_2pi = 0.3989422804014327;
  const double loss = loss_and_gradient(team, context.problem, x, work.backpropagation);
  const double norm = scaled_gradient_norm(team, context, work.backpropagation.gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  draw_normals(team, context.random(Stream::langevin_noise), context.problem.network.parameter_count,
               work.normal);
  team.synchronize();
  const bool finite_beta = is_finite(rule.beta);
  const double zero_temperature_drift = norm > 0 ? rule.stride * one_over_sqrt_2pi / norm : 0;
  const double drift = finite_beta ? 0.5 * rule.stride * rule.beta : zero_temperature_drift;
  const double noise = square_root(finite_beta ? rule.stride : 0.5 * rule.stride);
  move_down(team, context, drift, work.backpropagation.gradient, x);
  team.each(context.problem.network.parameter_count, [&](std::size_t i) LANGEVO_BODY {
    x[i] = multiply_add(noise * context.sigma[i], static_cast<double>(work.normal[i]), x[i]);
  });
  team.synchronize();
  ++counters.accepted;
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
