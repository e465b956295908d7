#pragma once

#include "kernels/network/activations/gelu.hpp"
#include "kernels/network/activations/identity.hpp"
#include "kernels/network/activations/relu.hpp"
#include "kernels/network/activations/sigmoid.hpp"
#include "kernels/network/activations/softplus.hpp"
#include "kernels/network/activations/tanh.hpp"
#include "langevo/network.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// What an activation h(a) has to give, in Real = float and double. u is the unit roundoff.
/// - value(a); slope(s) = dh/da and second_slope(s) = d2h/da2 as functions of s, which is the value h, or the
///   preactivation a where slope_of_preactivation;
/// - change(h, a, d) = value(a + d) - value(a) to relative precision for |d| <= small_change<Real>, and
///   large_change(h, a, d) beyond; tiny_change(h, a, d), faster, for |d| <= tiny_change_reach<Real>;
/// - the errors in units of u: of a value value_error(), a line in |h|, of a change change_error() |d|, and
/// of
///   a large change large_change_error(h, a, d);
/// - quick_value(a), of a float or of some side by side: its error is at most quick_error() u, a line in |h|,
///   and nearly the same for neighbouring arguments; values are at most largest_value();
/// - slope_bound >= |dh/da|, and sensitivity(excursion, margin) >= |d change / d a| for every a and d within
///   margin, of all units whose excursion(a, d) is at most `excursion`;
/// - whether it is_smooth: has a second derivative everywhere, so that a local model may decide;
/// - whether it has_series, see TanhActivation::series_change, which carried values need.
template <class Act>
concept ActivationFunction = requires(double a, float f) {
  { Act::slope_of_preactivation } -> std::convertible_to<bool>;
  { Act::is_smooth } -> std::convertible_to<bool>;
  { Act::has_series } -> std::convertible_to<bool>;
  { Act::value(a) } -> std::same_as<double>;
  { Act::value(f) } -> std::same_as<float>;
  { Act::quick_value(f) } -> std::same_as<float>;
  { Act::quick_error() } -> std::same_as<ErrorLine<float>>;
  { Act::largest_value() } -> std::same_as<float>;
  { Act::slope(a) } -> std::same_as<double>;
  { Act::slope(f) } -> std::same_as<float>;
  { Act::second_slope(f) } -> std::same_as<float>;
  { Act::change(a, a, a) } -> std::same_as<double>;
  { Act::change(f, f, f) } -> std::same_as<float>;
  { Act::tiny_change(a, a, a) } -> std::same_as<double>;
  { Act::tiny_change(f, f, f) } -> std::same_as<float>;
  { Act::template tiny_change_reach<float>() } -> std::same_as<float>;
  { Act::large_change(a, a, a) } -> std::same_as<double>;
  { Act::template value_error<double>() } -> std::same_as<ErrorLine<double>>;
  { Act::template change_error<double>() } -> std::same_as<double>;
  { Act::large_change_error(a, a, a) } -> std::same_as<double>;
  { Act::template slope_bound<double>() } -> std::same_as<double>;
  { Act::excursion(a, a) } -> std::same_as<double>;
  { Act::sensitivity(a, a) } -> std::same_as<double>;
};

/// Calls `body` with the activation as a type, so that inner loops contain no choice.
template <class Body>
LANGEVO_INLINE auto with_activation(Activation activation, const Body& body) {
  switch (activation) {
#define LANGEVO_CASE(value, word, Type)      \
  case Activation::value: {                  \
    static_assert(ActivationFunction<Type>); \
    return body(Type{});                     \
  }
    LANGEVO_ACTIVATIONS(LANGEVO_CASE)
#undef LANGEVO_CASE
  }
  __builtin_unreachable();
}

/// Whether gradients have to keep preactivations.
LANGEVO_INLINE bool slopes_need_preactivations(Activation activation) {
  return with_activation(activation, [](auto act) { return decltype(act)::slope_of_preactivation; });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
