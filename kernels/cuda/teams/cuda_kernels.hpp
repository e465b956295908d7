#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/arena.hpp"
#include "kernels/change/step_context.hpp"
#include "kernels/rules/kernel_rules.hpp"
#include "kernels/screened/replica_view.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

/// The kernels that a backend launches: each team of threads takes one replica after the other.
namespace langevo {

/// The scratch memory of all resident teams, off and on chip.
struct WorkspacePool {
  unsigned char* memory;
  std::size_t bytes_per_team;
  std::size_t on_chip_bytes_per_team;
};

/// Where some consecutive replicas of an ensemble lie on the device.
struct DeviceEnsembleView {
  ProblemView problem;
  const double* sigma;                 ///< [N]
  double* state;                       ///< [replicas][N]
  FloatCalibration* calibrations;      ///< [replicas]
  ScreeningState* screenings;          ///< [replicas]; nullptr where no model screens
  LearntCurvature* curvatures;         ///< [replicas]; nullptr where none is learnt
  float* directions;                   ///< of learnt curvatures, [replicas][directions_per_replica];
  std::size_t directions_per_replica;  ///< nullptr and 0: no direction is
  std::uint64_t replicas;
  std::uint64_t first_replica;  ///< global index
  std::uint64_t seed;
};

/// What some steps report: totals, and the first replica (its place among these) that could not go
/// on, with the steps it took.
struct StepsReport {
  StepCounters counters;
  unsigned long long failed_replica;
  std::uint64_t* steps_taken;  ///< [replicas]
};

template <class RuleType>
using AdvanceKernel = void (*)(DeviceEnsembleView ensemble, RuleType rule, std::uint64_t first_step,
                               std::uint64_t steps, WorkspacePool pool, StepsReport* report);

/// What a team's workspace is for.
enum class WorkspaceUse { exact_metropolis, screened_metropolis, gradients };

inline WorkspaceUse use_of(const Metropolis&) {
  return WorkspaceUse::exact_metropolis;
}
inline WorkspaceUse use_of(const ScreenedMetropolis&) {
  return WorkspaceUse::screened_metropolis;
}
template <class RuleType>
WorkspaceUse use_of(const RuleType&) {
  return WorkspaceUse::gradients;
}

/// The kernels for one kind of team, and what a launch of them needs.
struct CudaKernels {
  int workers_per_team;  ///< warps
  int teams_per_block;
  RuleTable<AdvanceKernel> advance;
  /// U of states [count][N] into losses [count].
  void (*losses)(ProblemView problem, const double* states, std::uint64_t count, WorkspacePool pool,
                 double* losses);
  /// U(x) and dU/dx, by one team.
  void (*loss_and_gradient)(ProblemView problem, const double* x, WorkspacePool pool, double* loss,
                            double* gradient);
  /// The workspace of one team.
  Arena (*measure)(const NetworkView& network, WorkspaceUse use, Arena arena);

  [[nodiscard]] int threads_per_block() const { return workers_per_team * teams_per_block * 32; }
};

/// A warp per replica, and a block per replica.
const CudaKernels& warp_kernels();
const CudaKernels& block_kernels();

}  // namespace langevo
