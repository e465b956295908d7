#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/rules/advance.hpp"

namespace langevo {

/// One replica about to take screened steps, with all that belongs to them.
struct ScreenedReplica {
  HostProblem host;
  ProblemView view;
  std::vector<double> x;
  std::vector<double> sigma;
  std::vector<float> directions;
  OwnedWorkspace<ScreenedWorkspace<SerialTeam>> owned;
  const ScreenedWorkspace<SerialTeam>& work;
  FloatCalibration calibration{};
  ScreeningState state{};
  LearntCurvature learnt{};
  StepCounters counters{};
  SerialTeam team = SerialTeam::for_points(view.data_double.points);
  ScreenedMetropolis rule;
  ScreenedRun<SerialTeam, StepContext> run;

  ScreenedReplica(const Problem& problem, std::vector<double> start, double width, double beta,
                  Acceptance acceptance)
      : host(problem),
        view(host.view()),
        x(std::move(start)),
        sigma(x.size(), width),
        directions(directions_size(view.network), 0.0f),
        owned(view.network),
        work(owned.get()),
        rule{{beta, Precision::float32, acceptance}},
        run{team,
            {view, sigma.data(), 1, 0, 0},
            rule,
            {x.data(), &calibration, &state, &learnt, directions.empty() ? nullptr : directions.data()},
            x.data(),
            work,
            work.model,
            counters,
            std::numeric_limits<std::uint64_t>::max()} {
    begin_screening(run);
  }
  ScreenedReplica(const ScreenedReplica&) = delete;
  ScreenedReplica& operator=(const ScreenedReplica&) = delete;
};

}  // namespace langevo
