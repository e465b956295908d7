#pragma once

#include "kernels/change/step_context.hpp"
#include "kernels/descent/gradient_rule.hpp"
#include "kernels/descent/leap_state.hpp"
#include "kernels/network/gradient.hpp"
#include "kernels/quadrature/nodes.hpp"

/// Gradients of a replica in float or double, on the nodes of a quadrature or on all points.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Where a replica's gradients come from. On the nodes they are dU_S/dx + defect.
template <class Team>
struct GradientSources {
  const Team& team;
  const ProblemView& problem;
  const NodesView* nodes;  ///< null: there are none
  Team team_of_nodes;
  const float* defect;  ///< [N], where there are nodes
  const GradientWorkspace<Team>& work;

  [[nodiscard]] LANGEVO_INLINE bool has(GradientSource source, const GradientRule& rule) const {
    return (!is_on_nodes(source) || nodes != nullptr) &&
           (!is_in_float(source) || rule.method.precision == Precision::float32);
  }

  /// The cheapest from this one on that the rule may use.
  [[nodiscard]] LANGEVO_INLINE GradientSource from(GradientSource source, const GradientRule& rule) const {
    while (!has(source, rule)) source = static_cast<GradientSource>(static_cast<int>(source) + 1);
    return source;
  }

  /// What a gradient costs, in gradients of one point in float; in double about three times as much.
  [[nodiscard]] LANGEVO_INLINE double cost(GradientSource source) const {
    return (is_in_float(source) ? 1 : 3) * static_cast<double>(seen_by(source).data_double.points);
  }

  /// dU/dx at x into work.gradient; returns a loss that is finite where U is.
  LANGEVO_FUNCTION double find(GradientSource source, const double* x) const {
    const Team& members = is_on_nodes(source) ? team_of_nodes : team;
    const double loss = is_in_float(source) ? loss_and_float_gradient(members, seen_by(source), x, work)
                                            : loss_and_gradient(members, seen_by(source), x, work);
    if (!is_on_nodes(source)) return loss;
    double* const gradient = work.gradient;
    team.each(problem.network.parameter_count,
              [&](std::size_t i) LANGEVO_BODY { gradient[i] += static_cast<double>(defect[i]); });
    return loss;
  }

 private:
  [[nodiscard]] LANGEVO_INLINE const ProblemView& seen_by(GradientSource source) const {
    return is_on_nodes(source) ? nodes->problem : problem;
  }
};

LANGEVO_INLINE void add_error(ErrorSample& sample, double error) {
  sample.sum_of_squares += error * error;
  if (!(error <= static_cast<double>(sample.largest))) sample.largest = static_cast<float>(error);
  ++sample.count;
}

/// error / size, 0 where nothing is wrong.
LANGEVO_INLINE double relative(double error, double size) {
  return error == 0 ? 0 : error / size;
}

/// How far apart audits go on after one that found so much of the tolerance: an error may grow a hundredfold
/// until the next.
LANGEVO_INLINE int next_spacing(int spacing, double found) {
  constexpr int most = 40;
  if (found <= 1.0 / 64) return smaller(spacing + 1, most);
  return found <= 1.0 / 8 ? spacing : larger(spacing - 2, 0);
}

/// Holds sources against the gradient in double on all points, keeps what the nodes leave out there, and
/// takes the cheapest source from `first` on whose error is within the tolerance. `exact`: room for N
/// numbers. Returns whether loss and gradient were finite.
template <class Team, class Context>
LANGEVO_APART bool audit_gradient(const Context& context, const GradientRule& rule,
                                  const GradientSources<Team>& sources, const double* x, GradientSource first,
                                  double* exact, float* defect, LeapState& state) {
  const Team& team = sources.team;
  const std::size_t n = sources.problem.network.parameter_count;
  const double* const gradient = sources.work.gradient;
  const double loss = sources.find(GradientSource::double_on_all, x);
  const double norm = scaled_gradient_norm(team, context, gradient);
  if (!is_finite(loss) || !is_finite(norm)) return false;
  team.each(n, [&](std::size_t i) LANGEVO_BODY { exact[i] = gradient[i]; });
  const auto error_of = [&](GradientSource source) {
    sources.find(source, x);
    return relative(square_root(team.sum(n,
                                         [&](std::size_t i) LANGEVO_BODY {
                                           const double off = context.sigma[i] * (gradient[i] - exact[i]);
                                           return off * off;
                                         })),
                    norm);
  };
  const GradientSource used = state.source;
  GradientSource found = sources.from(first, rule);
  double error = 0;
  for (; found != GradientSource::double_on_all;
       found = sources.from(static_cast<GradientSource>(static_cast<int>(found) + 1), rule)) {
    error = error_of(found);
    if (found == used) add_error(state.gradient, error);
    if (error <= rule.method.tolerance) break;
  }
  state.source = found;
  if (found == GradientSource::double_on_all) error = 0;
  state.audit_spacing = static_cast<std::uint8_t>(
      found != used ? 0 : next_spacing(state.audit_spacing, error / rule.method.tolerance));
  if (defect == nullptr) return true;
  sources.find(GradientSource::double_on_nodes, x);
  team.each(n, [&](std::size_t i) LANGEVO_BODY {
    const double on_nodes = gradient[i] - static_cast<double>(defect[i]);
    defect[i] = static_cast<float>(exact[i] - on_nodes);
  });
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
