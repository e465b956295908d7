#pragma once

#include "kernels/network/losses/cross_entropy.hpp"
#include "kernels/network/losses/huber.hpp"
#include "kernels/network/losses/squared_error.hpp"
#include "kernels/network/problem_view.hpp"
#include "langevo/problem.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// A team of one point, to say what a loss is asked.
struct OnePoint {
  template <class Real>
  struct PointValues {
    Real value[1];
    Real& operator[](int p) { return value[p]; }
    const Real& operator[](int p) const { return value[p]; }
  };
  template <class Body>
  void each_point(const Body& body) const {
    body(0);
  }
  template <class Condition>
  bool any_point(const Condition& condition) const {
    return condition(0);
  }
};

/// What a loss, a mean over points of a function of the outputs f and targets y, has to give; see
/// losses/outputs.hpp for the arrays.
/// - values(team, outputs, f, y, losses): each point's loss, without the mean;
/// - slopes(team, outputs, f, y, scale, slope): its derivatives by the outputs times `scale`;
/// - changes(team, outputs, f, df, y, errors, store, add): each point's loss at f + df minus that at f
/// without
///   cancellation, with a bound on the error: store(p, term) once, then add(p, term);
/// - whether it is_mean_over_outputs as well;
/// - whether it couples_outputs in its second derivatives: those are then Y (diag(p) - p p^T) of p =
/// softmax(f),
///   Y = sum_c y_c, and otherwise diagonal, second_slope(f_c - y_c);
/// - whether it is_smooth: has a second derivative everywhere, so that a local model may decide.
template <class L>
concept LossFunction = requires(OnePoint team, int outputs, const double* in, double* out,
                                OutputErrors<double> errors, void (*take)(int, PointLossChange<double>)) {
  { L::is_mean_over_outputs } -> std::convertible_to<bool>;
  { L::couples_outputs } -> std::convertible_to<bool>;
  { L::is_smooth } -> std::convertible_to<bool>;
  L::values(team, outputs, in, in, out);
  L::slopes(team, outputs, in, in, 1.0, out);
  L::changes(team, outputs, in, in, in, errors, take, take);
}
&&(L::couples_outputs || requires {
  { L::second_slope(1.0) } -> std::same_as<double>;
});

/// Calls `body` with the loss as a type.
template <class Body>
LANGEVO_INLINE auto with_loss(Loss loss, const Body& body) {
  switch (loss) {
#define LANGEVO_CASE(value, word, Type) \
  case Loss::value: {                   \
    static_assert(LossFunction<Type>);  \
    return body(Type{});                \
  }
    LANGEVO_LOSSES(LANGEVO_CASE)
#undef LANGEVO_CASE
  }
  __builtin_unreachable();
}

/// What a sum over points is divided by: the outputs that the loss is a mean over and, where they have no
/// weights, the points.
LANGEVO_INLINE double loss_denominator(const ProblemView& problem) {
  const DataView<double>& data = problem.data_double;
  const bool over_outputs =
      with_loss(problem.loss, [](auto of) { return decltype(of)::is_mean_over_outputs; });
  const double points = data.weights == nullptr ? static_cast<double>(data.points) : 1;
  return points * (over_outputs ? data.target_dim : 1);
}

/// U(x) of each point, without the mean.
template <class Real, class Team>
LANGEVO_FUNCTION void point_losses(const Team& team, Loss loss, int outputs, const Real* f, const Real* y,
                                   Real* losses) {
  with_loss(loss, [&](auto of) { decltype(of)::values(team, outputs, f, y, losses); });
}

/// d point_loss / d f_c to slope, multiplied by `scale`.
template <class Real, class Team>
LANGEVO_FUNCTION void point_loss_slopes(const Team& team, Loss loss, int outputs, const Real* f,
                                        const Real* y, Real scale, Real* slope) {
  with_loss(loss, [&](auto of) { decltype(of)::slopes(team, outputs, f, y, scale, slope); });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
