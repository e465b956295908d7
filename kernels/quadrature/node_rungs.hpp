#pragma once

#include "kernels/quadrature/nodes.hpp"

/// The rungs of the ladder on the nodes: the change of U_S, of which the defect leaves the threshold known
/// within bounds.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The double change on the nodes: all points decide what it leaves open.
struct NodeDoubleRung : DoubleChangeRung {
  static constexpr bool is_last = false;
};

/// The rungs of a step on the nodes.
template <class Team>
using NodeRungs = EvaluatedRungs<Team, NodeDoubleRung>;

/// defect_gradient.(x' - x).
template <class Team>
LANGEVO_FUNCTION double defect_change(const Team& team, std::size_t n, const DefectEstimate& defect,
                                      const double* x, const double* proposed) {
  if (defect.gradient == nullptr) return 0;
  return team.sum(n, [&](std::size_t i) LANGEVO_BODY { return defect.gradient[i] * (proposed[i] - x[i]); });
}

/// Whether the nodes decide a proposed step, whose context has their problem; into `decision` how, and the
/// change of the whole loss with its bound.
template <class Team, class Context>
LANGEVO_FUNCTION bool decide_on_nodes(const ProposedStep<Team, Context, LadderWorkspace<Team>>& step,
                                      const DefectEstimate& defect, double threshold, bool audit_float,
                                      Decision& decision) {
  const std::size_t n = step.context.problem.network.parameter_count;
  const double of_defect = defect_change(step.team, n, defect, step.x, step.proposed);
  const double left = threshold - of_defect;
  // one rounding of the threshold and one of the estimate, beside the defect's own bound
  const double bound =
      defect.bound + 2 * Limits<double>::unit_roundoff * (absolute(threshold) + absolute(of_defect));
  Climb climb{{left - bound, left + bound}, audit_float};
  if (!climb_rungs(NodeRungs<Team>{}, step, climb)) return false;
  decision = climb.decision;
  decision.change = {decision.change.change + of_defect, decision.change.error_bound + bound};
  return true;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
