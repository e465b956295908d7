#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/change/loss_change.hpp"
#include "kernels/change/step_context.hpp"
#include "kernels/network/score.hpp"
#include "kernels/rules/kernel_rules.hpp"
#include "kernels/screened/replica_view.hpp"
#include "langevo/dynamics.hpp"
#include "langevo/statistics.hpp"

namespace langevo {

/// What all replicas of an ensemble share.
struct EnsembleView {
  ProblemView problem;
  const double* sigma;  ///< [N]
  std::uint64_t seed;
  const NodesView* nodes;                ///< of a quadrature; null: there are none
  unsigned char* start_model = nullptr;  ///< see CpuKernels::make_start_model; null: none is at hand
};

/// Takes `steps` steps with the replica of this global `index`; returns how many were taken (see
/// advance_replica).
template <class RuleType>
using AdvanceReplica = std::uint64_t (*)(const EnsembleView& ensemble, const RuleType& rule,
                                         std::uint32_t index, std::uint64_t first_step, std::uint64_t steps,
                                         ReplicaView replica, unsigned char* workspace,
                                         StepCounters& counters);

/// The CPU's kernels, compiled for one instruction set. A workspace serves one thread, for any of them.
struct CpuKernels {
  const char* instruction_set;
  std::size_t (*workspace_bytes)(const NetworkView& network, const NetworkView* nodes);
  RuleTable<AdvanceReplica> advance;
  std::size_t (*start_model_bytes)(const NetworkView& network);
  /// The local model at x for all replicas that begin there, into `memory`.
  void (*make_start_model)(const EnsembleView& ensemble, const double* x, unsigned char* memory,
                           unsigned char* workspace);
  double (*loss)(const ProblemView& problem, const double* x, unsigned char* workspace);
  Score (*score)(const ProblemView& problem, const double* x, unsigned char* workspace);
  LossChange (*loss_change)(const ProblemView& problem, Precision precision, const double* x,
                            const double* proposed, unsigned char* workspace);
  /// Of every point, without the mean, [points].
  void (*losses_of_points)(const ProblemView& problem, const double* x, double* losses,
                           unsigned char* workspace);
  double (*loss_and_gradient)(const ProblemView& problem, const double* x, double* gradient,
                              unsigned char* workspace);
};

namespace generic {
const CpuKernels& cpu_kernels();
}
namespace avx2 {
const CpuKernels& cpu_kernels();
}
namespace avx512 {
const CpuKernels& cpu_kernels();
}

}  // namespace langevo
