#pragma once

#include "kernels/base/elementary.hpp"
#include "kernels/network/activations/smooth.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// e^(x^2) erfc(x) / 2 at t = (x - 3)/(x + 3), fitted for the least error of the normal distribution
/// function: 2e-10 for x <= 4 (float), 4e-18 for x <= 6 (double).
LANGEVO_INLINE float half_scaled_erfc(float t) {
  float q = 0.5f * 2.38476765e-3f;
  q = multiply_add(q, t, 0.5f * 6.331494779e-3f);
  q = multiply_add(q, t, 0.5f * -2.300585023e-2f);
  q = multiply_add(q, t, 0.5f * 7.217776444e-2f);
  q = multiply_add(q, t, 0.5f * -1.500316881e-1f);
  q = multiply_add(q, t, 0.5f * 2.456006233e-1f);
  q = multiply_add(q, t, 0.5f * -3.262364561e-1f);
  return multiply_add(q, t, 0.5f * 1.790008903e-1f);
}
LANGEVO_INLINE double half_scaled_erfc(double t) {
  double q = 0.5 * 1.2920039868204395752e-7;
  q = multiply_add(q, t, 0.5 * 5.1005540268241750474e-7);
  q = multiply_add(q, t, 0.5 * -2.1269456487960163504e-6);
  q = multiply_add(q, t, 0.5 * -1.6690433749307487141e-5);
  q = multiply_add(q, t, 0.5 * -2.3887843019446622507e-5);
  q = multiply_add(q, t, 0.5 * 5.4401698990758974088e-5);
  q = multiply_add(q, t, 0.5 * 3.916240738428656407e-5);
  q = multiply_add(q, t, 0.5 * -5.9986910336448986067e-4);
  q = multiply_add(q, t, 0.5 * 7.0680682355192072038e-4);
  q = multiply_add(q, t, 0.5 * 4.2689128403780739085e-3);
  q = multiply_add(q, t, 0.5 * -2.4392535336547690899e-2);
  q = multiply_add(q, t, 0.5 * 7.1665833656082593849e-2);
  q = multiply_add(q, t, 0.5 * -0.15011593665134397103);
  q = multiply_add(q, t, 0.5 * 0.24560380171728151199);
  q = multiply_add(q, t, 0.5 * -0.32623356004234840091);
  return multiply_add(q, t, 0.5 * 0.1790011511814047519);
}

/// Density phi(a) and distribution function Phi(a) of a standard normal number.
template <class Real>
struct NormalDistribution {
  Real density;
  Real below;
};

/// Phi is known to about u, not relative to itself where it is small.
template <class Real>
LANGEVO_INLINE NormalDistribution<Real> normal_distribution(Real a) {
  const Real x = absolute(a) * Real(0.7071067811865476);
  const Real gauss = exponential(Real(-0.5) * a * a);
  const Real tail = gauss * half_scaled_erfc((x - Real(3)) / (x + Real(3)));
  return {Real(0.3989422804014327) * gauss, a < Real(0) ? tail : Real(1) - tail};
}

/// a Phi(a).
struct GeluActivation : SmoothActivation<GeluActivation> {
  static constexpr bool slope_of_preactivation = true;
  /// Beyond this |a| phi has become 0, so that its products with powers of a are 0 too.
  static constexpr int far = 40;

  template <class Real>
  LANGEVO_INLINE static Real value(Real a) {
    return larger(a, Real(-far)) * normal_distribution(smaller(larger(a, Real(-far)), Real(far))).below;
  }
  /// Phi(a) - 1/2 as a quotient of polynomials, fitted on |a| <= 5.5 for the least error of the product:
  /// 2e-8.
  template <class Lanes>
  LANGEVO_INLINE static Lanes quick_value(Lanes a) {
    const Lanes x = larger(smaller(a, Lanes(5.5f)), Lanes(-5.5f));
    const Lanes square = x * x;
    Lanes above = multiply_add(Lanes(2.224076888e-8f), square, Lanes(6.477851559e-6f));
    above = multiply_add(above, square, Lanes(1.798731092e-4f));
    above = multiply_add(above, square, Lanes(4.744290345e-3f));
    above = multiply_add(above, square, Lanes(3.488168507e-2f));
    above = multiply_add(above, square, Lanes(3.989421442e-1f));
    Lanes below = multiply_add(Lanes(1.192052063e-6f), square, Lanes(7.746275944e-5f));
    below = multiply_add(below, square, Lanes(1.946372618e-3f));
    below = multiply_add(below, square, Lanes(2.924535018e-2f));
    below = multiply_add(below, square, Lanes(2.541001572e-1f));
    below = multiply_add(below, square, Lanes(1.0f));
    return larger(a, Lanes(-5.5f)) * (Lanes(0.5f) + quick_quotient(x * above, below));
  }
  LANGEVO_INLINE static constexpr ErrorLine<float> quick_error() { return {16, 2}; }
  LANGEVO_INLINE static constexpr float largest_value() { return Limits<float>::largest; }
  template <class Real>
  LANGEVO_INLINE static Real slope(Real a) {
    const Real near = smaller(larger(a, Real(-far)), Real(far));
    const NormalDistribution<Real> normal = normal_distribution(near);
    return multiply_add(near, normal.density, normal.below);
  }
  /// (2 - a^2) phi.
  template <class Real>
  LANGEVO_INLINE static Real second_slope(Real a) {
    const Real near = smaller(larger(a, Real(-far)), Real(far));
    return multiply_add(-near, near, Real(2)) * normal_distribution(near).density;
  }
  /// Phi d + (a + d) (Phi(a + d) - Phi(a)); the difference is phi times the series of He_{n-1}(a) (-d)^n /
  /// n!, whose terms follow from the two before: term_{n+1} = -(a d term_n + (n - 1)/n d^2 term_{n-1})/(n +
  /// 1).
  template <class Real>
  LANGEVO_INLINE static Real change(Real /*h*/, Real a, Real d) {
    constexpr int terms = sizeof(Real) < sizeof(double) ? 6 : 12;
    const Real near = smaller(larger(a, Real(-far)), Real(far));
    const NormalDistribution<Real> normal = normal_distribution(near);
    const Real step = near * d;
    const Real square = d * d;
    Real before = 0;
    Real term = d;
    Real sum = d;
#pragma GCC unroll 16
    for (int n = 1; n < terms; ++n) {
      const Real next = -multiply_add(step, term, Real(n - 1) / Real(n) * square * before) / Real(n + 1);
      before = term;
      term = next;
      sum += next;
    }
    return multiply_add(normal.below, d, (near + d) * normal.density * sum);
  }
  template <class Real>
  LANGEVO_INLINE static constexpr ErrorLine<Real> value_error() {
    return {4, 6};
  }
  template <class Real>
  LANGEVO_INLINE static constexpr Real change_error() {
    return 16;
  }
  template <class Real>
  LANGEVO_INLINE static Real large_change_error(Real /*h*/, Real a, Real d) {
    return Real(20) + Real(10) * (absolute(a) + absolute(d));
  }
  /// Largest at a = sqrt 2: 1.129.
  template <class Real>
  LANGEVO_INLINE static constexpr Real slope_bound() {
    return Real(1.13);
  }
  /// |h''| <= 2 phi(0) < 0.8.
  template <class Real>
  LANGEVO_INLINE static constexpr Real curvature_bound() {
    return Real(0.8);
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
