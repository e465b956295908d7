// Compiled once per instruction set, with LANGEVO_TARGET naming it. Nothing here may instantiate templates of
// the standard library: the linker would keep one copy for all machines.
#define LANGEVO_STRING(text) LANGEVO_STRING_OF(text)
#define LANGEVO_STRING_OF(text) #text

#include "kernels/cpu/cpu_kernels.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/rules/advance.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

namespace {

std::size_t workspace_bytes(const NetworkView& network, const NetworkView* nodes) {
  const std::size_t metropolis =
      workspace_bytes_of<ScreenedWorkspace<SerialTeam>>(network) +
      (nodes == nullptr ? 0 : workspace_bytes_of<NodesWorkspace<SerialTeam>>(*nodes));
  const std::size_t gradient = workspace_bytes_of<LeapWorkspace<SerialTeam>>(network);
  return metropolis > gradient ? metropolis : gradient;
}

SerialTeam team_for(const ProblemView& problem) {
  return SerialTeam::for_points(problem.data_double.points);
}

std::uint64_t descend_measured(const EnsembleView& ensemble, const GradientRule& rule, StepContext context,
                               const SerialTeam& team, std::uint64_t steps, ReplicaView replica, Arena arena,
                               StepCounters& counters) {
  LeapWorkspace<SerialTeam> work;
  work.carve(arena, ensemble.problem.network);
  const NodesView* const nodes = ensemble.nodes;
  const GradientSources<SerialTeam> sources{team,
                                            ensemble.problem,
                                            nodes,
                                            nodes == nullptr ? team : team_for(nodes->problem),
                                            replica.leaps.defect,
                                            work.step.backpropagation};
  const LeapRun<SerialTeam, StepContext> run{team, context, rule, sources, replica.leaps, work, counters};
  return descend(run, replica.x, steps);
}

template <class RuleType>
struct Advance {
  static std::uint64_t function(const EnsembleView& ensemble, const RuleType& rule, std::uint32_t index,
                                std::uint64_t first_step, std::uint64_t steps, ReplicaView replica,
                                unsigned char* workspace, StepCounters& counters) {
    StepContext context{ensemble.problem, ensemble.sigma, ensemble.seed, first_step, index};
    const SerialTeam team = team_for(ensemble.problem);
    Arena arena{workspace};
    if constexpr (std::is_same_v<RuleType, GradientRule>) {
      if (replica.leaps.state != nullptr)
        return descend_measured(ensemble, rule, context, team, steps, replica, arena, counters);
    }
    typename WorkspaceOf<SerialTeam, RuleType>::Type work;
    work.carve(arena, ensemble.problem.network);
    if constexpr (std::is_same_v<RuleType, ScreenedMetropolis>) {
      const bool starts = ensemble.start_model != nullptr;
      StartModel start;
      if (starts) start = carve_workspace<StartModel>(ensemble.problem.network, ensemble.start_model);
      if (ensemble.nodes != nullptr) {
        NodesWorkspace<SerialTeam> nodes;
        nodes.carve(arena, ensemble.nodes->problem.network);
        return advance_replica_on_nodes(team, context, rule, steps, replica, work, *ensemble.nodes,
                                        team_for(ensemble.nodes->problem), nodes, counters,
                                        starts ? &start : nullptr);
      }
      return advance_replica(team, context, rule, steps, replica, work, counters, starts ? &start : nullptr);
    } else {
      return advance_replica(team, context, rule, steps, replica, work, counters);
    }
  }
};

std::size_t start_model_bytes(const NetworkView& network) {
  return workspace_bytes_of<StartModel>(network);
}

void make_start_model(const EnsembleView& ensemble, const double* x, unsigned char* memory,
                      unsigned char* workspace) {
  const ProblemView& problem = ensemble.nodes == nullptr ? ensemble.problem : ensemble.nodes->problem;
  const auto work = carve_workspace<ScreenedWorkspace<SerialTeam>>(ensemble.problem.network, workspace);
  const auto start = carve_workspace<StartModel>(ensemble.problem.network, memory);
  langevo::make_start_model(team_for(problem), problem, x, ensemble.sigma, work.gradient, work.curvature,
                            work.model, start);
}

double loss(const ProblemView& problem, const double* x, unsigned char* workspace) {
  const auto work = carve_workspace<GradientWorkspace<SerialTeam>>(problem.network, workspace);
  return loss_of_state(team_for(problem), problem, x, work);
}

Score score(const ProblemView& problem, const double* x, unsigned char* workspace) {
  const auto work = carve_workspace<GradientWorkspace<SerialTeam>>(problem.network, workspace);
  return score_of_state(team_for(problem), problem, x, work);
}

LossChange change(const ProblemView& problem, Precision precision, const double* x, const double* proposed,
                  unsigned char* workspace) {
  const auto work = carve_workspace<LadderWorkspace<SerialTeam>>(problem.network, workspace);
  if (precision == Precision::float32)
    return loss_change(team_for(problem), problem, x, proposed, work.single_precision);
  return loss_change(team_for(problem), problem, x, proposed, work.double_precision);
}

void losses_of_points(const ProblemView& problem, const double* x, double* losses, unsigned char* workspace) {
  const auto work = carve_workspace<GradientWorkspace<SerialTeam>>(problem.network, workspace);
  langevo::losses_of_points(team_for(problem), problem, x, work, losses);
}

double gradient(const ProblemView& problem, const double* x, double* gradient, unsigned char* workspace) {
  const auto work = carve_workspace<GradientWorkspace<SerialTeam>>(problem.network, workspace);
  const double loss = loss_and_gradient(team_for(problem), problem, x, work);
  for (std::size_t i = 0; i < problem.network.parameter_count; ++i) gradient[i] = work.gradient[i];
  return loss;
}

}  // namespace

const CpuKernels& cpu_kernels() {
  static constexpr CpuKernels kernels{.instruction_set = LANGEVO_STRING(LANGEVO_TARGET),
                                      .workspace_bytes = workspace_bytes,
                                      .advance = table_of<AdvanceReplica, Advance>(KernelRules{}),
                                      .start_model_bytes = start_model_bytes,
                                      .make_start_model = make_start_model,
                                      .loss = loss,
                                      .score = score,
                                      .loss_change = change,
                                      .losses_of_points = losses_of_points,
                                      .loss_and_gradient = gradient};
  return kernels;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
