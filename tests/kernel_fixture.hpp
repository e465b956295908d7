#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_kernels.hpp"
#include "kernels/cpu/cpu_machine.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cpu/memory/workspace_memory.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// One problem ready for one instruction set's kernels, with its own workspace.
class KernelFixture {
 public:
  explicit KernelFixture(const Problem& problem, const std::string& instruction_set = "")
      : problem_(problem),
        kernels_(choose_cpu_kernels(instruction_set)),
        memory_(kernels_.workspace_bytes(problem_.view().network, nullptr)) {}

  double loss(const std::vector<double>& x) { return kernels_.loss(problem_.view(), x.data(), workspace()); }

  std::vector<double> gradient(const std::vector<double>& x) {
    std::vector<double> gradient(x.size());
    kernels_.loss_and_gradient(problem_.view(), x.data(), gradient.data(), workspace());
    return gradient;
  }

  std::vector<double> losses_of_points(const std::vector<double>& x) {
    std::vector<double> losses(problem_.view().data_double.points);
    kernels_.losses_of_points(problem_.view(), x.data(), losses.data(), workspace());
    return losses;
  }

  LossChange loss_change(Precision precision, const std::vector<double>& x,
                         const std::vector<double>& proposed) {
    return kernels_.loss_change(problem_.view(), precision, x.data(), proposed.data(), workspace());
  }

 private:
  unsigned char* workspace() { return memory_.data(); }

  HostProblem problem_;
  const CpuKernels& kernels_;
  WorkspaceMemory memory_;
};

/// The names of the instruction sets that this machine can run.
inline std::vector<std::string> usable_instruction_sets() {
  std::vector<std::string> usable;
  for (const char* name : {"generic", "avx2", "avx512"}) {
    try {
      choose_cpu_kernels(name);
      usable.emplace_back(name);
    } catch (const std::exception&) {  // not on this machine
    }
  }
  return usable;
}

}  // namespace langevo
