#pragma once

#include "kernels/change/point_errors.hpp"
#include "kernels/network/activation.hpp"

/// Values and changes of values of the units of a layer, and what they do to the error bounds; see
/// loss_change.hpp.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Begins the sums over the units of a layer on one tile.
template <class Real, class Team>
LANGEVO_FUNCTION void begin_activation(const Team& team, const PointErrors<Real>& e) {
  team.each_point([&](int p) LANGEVO_BODY {
    e.value_norm[p] = PointErrors<Real>::square_floor();
    e.change_norm[p] = PointErrors<Real>::square_floor();
    e.change_rounding[p] = PointErrors<Real>::square_floor();
    e.excursion[p] = -Limits<Real>::largest;
  });
}

/// Turns preactivations a of `Units` units into values h and, in place, their changes into those of the
/// values, and adds what they tell about the errors. Values come first: one loop for both would have more
/// operations wait for each other than a processor looks ahead.
template <class Act, int Units, class Real, class Team>
LANGEVO_INLINE void activate(const Team& team, const Real* preactivation, Real* h, Real* dh,
                             const PointErrors<Real>& e) {
  team.each_point([&](int p) LANGEVO_BODY {
#pragma GCC unroll 8
    for (int i = 0; i < Units; ++i) {
      h[i * points_per_tile + p] = Act::value(preactivation[i * points_per_tile + p]);
    }
  });
  // `step` gives a change and adds the square of its error to what it has.
  const auto with = [&](Real error_scale, const auto& step) LANGEVO_BODY {
    team.each_point([&](int p) LANGEVO_BODY {
      Real value_norm = e.value_norm[p];
      Real change_norm = e.change_norm[p];
      Real errors = 0;
      Real excursion = e.excursion[p];
#pragma GCC unroll 8
      for (int i = 0; i < Units; ++i) {
        const Real a = preactivation[i * points_per_tile + p];
        const Real d = dh[i * points_per_tile + p];
        const Real value = h[i * points_per_tile + p];
        const Real change = step(value, a, d, errors);
        value_norm = multiply_add(value, value, value_norm);
        change_norm = multiply_add(change, change, change_norm);
        excursion = larger(excursion, Act::excursion(a, d));
        dh[i * points_per_tile + p] = change;
      }
      e.value_norm[p] = value_norm;
      e.change_norm[p] = change_norm;
      e.change_rounding[p] = multiply_add(error_scale, errors, e.change_rounding[p]);
      e.excursion[p] = excursion;
    });
  };
  constexpr Real own_error = Act::template change_error<Real>();
  const bool beyond_tiny = team.any_point([&](int p) LANGEVO_BODY {
    Real largest = absolute(dh[p]);
#pragma GCC unroll 8
    for (int i = 1; i < Units; ++i) {
      const Real size = absolute(dh[i * points_per_tile + p]);
      largest = size <= largest ? largest : size;  // NaN stays
    }
    return !(largest <= Act::template tiny_change_reach<Real>());
  });
  if (beyond_tiny) {
    with(Real(1), [](Real value, Real a, Real d, Real& errors) LANGEVO_BODY {
      const bool is_small = absolute(d) <= small_change<Real>();
      const Real small = Act::change(value, a, d);
      const Real large = Act::large_change(value, a, d);
      const Real small_error = own_error * absolute(d);
      const Real error = is_small ? small_error : Act::large_change_error(value, a, d);
      errors = multiply_add(error, error, errors);
      return is_small ? small : large;
    });
  } else {
    with(own_error * own_error, [](Real value, Real a, Real d, Real& errors) LANGEVO_BODY {
      errors = multiply_add(d, d, errors);
      return Act::tiny_change(value, a, d);
    });
  }
}

/// Ends the units of a layer on one tile: takes their norms, and the bounds of their errors.
template <class Act, class Real, class Team>
LANGEVO_FUNCTION void end_activation(const Team& team, int units, const PointErrors<Real>& e) {
  constexpr Real u = Limits<Real>::unit_roundoff;
  team.each_point([&](int p) LANGEVO_BODY {
    constexpr Real slope = Act::template slope_bound<Real>();
    const Real value_error = e.value[p];
    const Real value_norm = square_root(e.value_norm[p]);
    const Real sensitivity = Act::sensitivity(e.excursion[p], e.margin[p]);
    e.value[p] = slope * value_error + u * Act::template value_error<Real>().of_norm(units, value_norm);
    e.change[p] = slope * e.change[p] + sensitivity * value_error + u * square_root(e.change_rounding[p]);
    e.value_norm[p] = value_norm;
    e.change_norm[p] = square_root(e.change_norm[p]);
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
