#pragma once

#include "kernels/model/prediction.hpp"
#include "kernels/quadrature/defect.hpp"
#include "kernels/screened/controller.hpp"
#include "kernels/screened/replica_view.hpp"
#include "kernels/screened/rule.hpp"
#include "kernels/screened/start_model.hpp"
#include "kernels/screened/workspace.hpp"

/// A replica on its way through stretches of proposals.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// What a stretch is followed with.
struct Stretch {
  std::uint64_t asked;    ///< proposals asked for, of which it takes
  std::uint64_t most;     ///< so many at the most
  bool trusted;           ///< whether the model decides
  std::uint64_t audited;  ///< proposal that is audited, if it comes to that
  double earliest_end;    ///< after so many it rather ends before an undecided one than has it evaluated
  AssumedError error;     ///< of the scaled gradient
  double rounding;        ///< bound on the rounding errors of a prediction
  double defect;          ///< and on what the nodes of a quadrature leave out of it
};

/// How a stretch is getting on.
struct StretchProgress {
  std::uint64_t done = 0;                    ///< proposals
  std::uint64_t accepted = 0;                ///< of them
  std::uint64_t undecided = 0;               ///< of them, by the model
  double spent = 0;                          ///< cost of evaluating those, in exact steps
  double allows = ModelBound::most_allowed;  ///< decisions stand for an e of so many times that assumed

  /// The model decides by an estimate of which `explained` is the part of its bound that is due to e.
  LANGEVO_INLINE void take_decision(const LossChange& estimate, double threshold, double explained) {
    const double left = absolute(estimate.change - threshold) - (estimate.error_bound - explained);
    if (left < allows * explained) allows = left / explained;
  }
};

/// What of a local model is that of the present state.
struct ModelAge {
  bool has_gradient = false;        ///< work.gradient
  double float_gradient_error = 0;  ///< bound on that of G, if it was made in float
  int hessian = -1;                 ///< stretches since the Hessian's anchor; -1: there is none
};

/// What a replica has besides where the nodes of a quadrature may stand for all points.
template <class Team, bool Uses = Team::uses_nodes>
struct RunOnNodes {
  const NodesView* view = nullptr;  ///< null: there are none
  const NodesWorkspace<Team>* work = nullptr;
  Team team{};                  ///< for the nodes
  bool active = false;          ///< the nodes stand for all points at present
  bool follows_defect = false;  ///< by the defect's gradient in the workspace
  double gradient_norm = 0;     ///< |sigma.dU/dx| where the span began
  double bound = 0;             ///< on what the defect changes beyond its gradient
  bool decided = false;         ///< the step that was evaluated last
  double opened = 0;            ///< proposals of the span that the nodes left open
  std::uint64_t begin = 0;      ///< step where the span began,
  StepCounters counters{};      ///< and the counters there

  [[nodiscard]] DefectEstimate defect() const {
    return {follows_defect ? work->defect_gradient : nullptr, bound};
  }
};
template <class Team>
struct RunOnNodes<Team, false> {};

/// The model that is at hand where replicas begin.
template <class Team, bool Takes = Team::carries_values>
struct RunFromStart {
  StartModel model{};      ///< without arrays: there is none, or none any more
  std::uint64_t step = 0;  ///< that it serves
};
template <class Team>
struct RunFromStart<Team, false> {};

/// One replica on its way through screened steps. Functions get this one reference and read from it what they
/// need when they need it: on a GPU each argument stays in registers while a function calls others.
template <class Team, class Context>
struct ScreenedRun {
  const Team& team;
  Context context;  ///< of the next step
  const ScreenedMetropolis& rule;
  ReplicaView replica;  ///< its x in the workspace,
  double* home;         ///< and where it comes from
  const ScreenedWorkspace<Team>& work;
  LocalModel model;  ///< its numbers are every thread's own, its arrays the team's
  StepCounters& counters;
  std::uint64_t end;               ///< step to end before
  StepCounters anchor_counters{};  ///< what they were at the anchor
  ScreeningCosts costs{};
  ModelAge age{};
  double anchor_error = 0;  ///< bound on that of G at the anchor
  double spent = 0;         ///< on the stretch, apart from proposals and undecided ones
  Stretch stretch{};
  StretchProgress progress{};
  GradientError error{};  ///< at its end
  bool accepts = false;   ///< the proposal decided last, if it was left open at first
  double evaluation = 0;  ///< cost of the last exact decision, in exact steps
  RunOnNodes<Team> nodes{};
  RunFromStart<Team> start{};

  /// Whether the model of the state where replicas begin is that of the present one.
  [[nodiscard]] LANGEVO_INLINE bool at_start() const {
    if constexpr (Team::carries_values) return start.model.x != nullptr && context.step == start.step;
    return false;
  }
  /// The problem whose loss is evaluated, and the team for its points.
  [[nodiscard]] LANGEVO_INLINE const ProblemView& surrogate() const {
    if constexpr (Team::uses_nodes) return nodes.active ? nodes.view->problem : context.problem;
    return context.problem;
  }
  [[nodiscard]] LANGEVO_INLINE const Team& surrogate_team() const {
    if constexpr (Team::uses_nodes) return nodes.active ? nodes.team : team;
    return team;
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
