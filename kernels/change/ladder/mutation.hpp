#pragma once

#include "kernels/change/ladder/ladder.hpp"
#include "kernels/random/normals.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// One conditioned Gaussian mutation of all parameters. Whitelam et al. 2021, eq. 2.
namespace langevo {
inline namespace LANGEVO_TARGET {

template <class Team>
struct MetropolisWorkspace {
  float* normal;     ///< [normal_buffer_size(N)]
  double* proposed;  ///< x', [N]
  LadderWorkspace<Team> ladder;

  LANGEVO_FUNCTION void carve(Arena& arena, const NetworkView& network) {
    ladder.carve(arena, network);
    normal = arena.take<float>(normal_buffer_size(network.parameter_count));
    proposed = arena.take<double>(network.parameter_count);
  }
};

/// x'_i = x_i + sigma_i z_i, rounded once, in double.
LANGEVO_INLINE double proposed_parameter(double x, double sigma, float z) {
  return multiply_add(sigma, static_cast<double>(z), x);
}

/// x' into work.proposed.
template <class Team, class Context, class Source>
LANGEVO_FUNCTION void propose(const Team& team, const Context& context, const Source& source, const double* x,
                              const MetropolisWorkspace<Team>& work) {
  const std::size_t n = context.problem.network.parameter_count;
  draw_normals(team, source, n, work.normal);
  team.synchronize();
  team.each(n, [&](std::size_t i) LANGEVO_BODY {
    work.proposed[i] = proposed_parameter(x[i], context.sigma[i], work.normal[i]);
  });
  team.synchronize();
}

/// One mutation of x, proposed in `work`; true where `accepts(threshold)` says so.
template <class Team, class Context, class Accepts>
LANGEVO_FUNCTION bool mutate_where(const Team& team, const Context& context, double beta, double* x,
                                   const MetropolisWorkspace<Team>& work, StepCounters& counters,
                                   const Accepts& accepts) {
  propose(team, context, context.random(Stream::mutation), x, work);
  if (!accepts(acceptance_threshold(beta, context.random(Stream::acceptance)))) return false;
  ++counters.accepted;
  team.each(context.problem.network.parameter_count,
            [&](std::size_t i) LANGEVO_BODY { x[i] = work.proposed[i]; });
  team.synchronize();
  return true;
}

/// One step of the exact rule: mutates x, whose `calibrations` are its own; true where the proposal is
/// accepted.
template <class Team, class Context>
LANGEVO_FUNCTION bool mutate(const Team& team, const Context& context, const Metropolis& rule, double* x,
                             FloatCalibration* calibrations, const MetropolisWorkspace<Team>& work,
                             StepCounters& counters) {
  return mutate_where(team, context, rule.beta, x, work, counters, [&](double threshold) {
    work.ladder.begin_step(team, context, *calibrations);
    const ProposedStep<Team, Context, LadderWorkspace<Team>> step{
        team, context, rule.precision, x, work.proposed, work.ladder, calibrations, counters};
    const bool accepted = decide(step, threshold).accepted;
    work.ladder.end_step(team, accepted, context.problem.network);
    return accepted;
  });
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
