#pragma once

#include <cmath>

#include "langevo/dynamics.hpp"

/// The rules that follow the gradient, with or without noise, as one.
namespace langevo {

/// x_i += -drift sigma_i D_i + noise sigma_i z_i with the direction D = G/|G| where the rule `normalizes` and
/// D = G otherwise, G_i = sigma_i dU/dx_i; where G = 0 a direction is 0.
struct GradientRule {
  double drift = 0;
  double noise = 0;
  bool normalizes = false;
  GradientMethod method = {};
};

inline GradientRule gradient_rule(const Gradient& rule, const GradientMethod& method = {}) {
  return {rule.alpha, 0, false, method};
}

inline GradientRule gradient_rule(const NormalizedGradient& rule, const GradientMethod& method = {}) {
  return {rule.alpha, 0, true, method};
}

/// beta finite: drift s beta/2, noise sqrt(s); beta = inf: drift s / sqrt(2 pi), noise sqrt(s/2).
inline GradientRule gradient_rule(const Langevin& rule, const GradientMethod& method = {}) {
  constexpr double one_over_sqrt_2pi = 0.3989422804014327;
  if (std::isfinite(rule.beta)) return {0.5 * rule.stride * rule.beta, std::sqrt(rule.stride), false, method};
  return {rule.stride * one_over_sqrt_2pi, std::sqrt(0.5 * rule.stride), true, method};
}

}  // namespace langevo
