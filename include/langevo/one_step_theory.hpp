#pragma once

namespace langevo {

/// exp(x^2) erfc(x), the scaled complementary error function, to a few units in the last place; inf below
/// about -26.6.
double erfcx(double x);

/// Exact moments of one Metropolis step where the loss is linear, in units of sigma.
///
/// The displacement is y_i = (x_i after - x_i before) / sigma_i, "along" is its component along the direction
/// of sigma_i g_i (for one sigma: of g), "across" any direction orthogonal to that. With
/// E = exp(a^2/2) erfc(a/sqrt 2), derived like eqs. 3-8 of Whitelam et al., Nat. Commun. 12, 6317 (2021),
/// without their limits:
///   acceptance = second_moment_across = 1/2 + E/2
///   drift = -a E/2: -a/2 for a -> 0, -1/sqrt(2 pi) for a -> inf
///   second_moment_along = 1/2 + ((1 + a^2) E - a sqrt(2/pi))/2
struct OneStepTheory {
  double acceptance = 0;  ///< probability
  double drift = 0;       ///< mean displacement along
  double second_moment_along = 0;
  double second_moment_across = 0;
  double fourth_moment_along = 0;  ///< for the standard error of a measured second moment
};

/// @param a beta |sigma.g| in (0, inf]
OneStepTheory one_step_theory(double a);

}  // namespace langevo
