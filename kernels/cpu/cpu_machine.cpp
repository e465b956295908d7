#include "kernels/cpu/cpu_machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <vector>

#include "kernels/cpu/cpu_backend.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

std::string names_of(const std::vector<const CpuKernels*>& kernels) {
  std::string names;
  for (const CpuKernels* each : kernels) {
    if (!names.empty()) names += ", ";
    names += each->instruction_set;
  }
  return names;
}

/// Compiled into this program and supported by this machine, best first.
std::vector<const CpuKernels*> usable_kernels() {
  std::vector<const CpuKernels*> usable;
#ifdef LANGEVO_HAVE_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("fma")) {
    usable.push_back(&avx512::cpu_kernels());
  }
#endif
#ifdef LANGEVO_HAVE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable.push_back(&avx2::cpu_kernels());
#endif
  usable.push_back(&generic::cpu_kernels());
  return usable;
}

}  // namespace

const CpuKernels& choose_cpu_kernels(const std::string& instruction_set) {
  const std::vector<const CpuKernels*> usable = usable_kernels();
  if (instruction_set.empty()) return *usable.front();
  for (const CpuKernels* kernels : usable) {
    if (kernels->instruction_set == instruction_set) return *kernels;
  }
  throw InputError("--instruction-set '" + instruction_set + "' is not available here; use one of " +
                   names_of(usable));
}

int cpu_threads(int asked) {
  if (asked > 0) return asked;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "CPU";
}

std::string describe_cpu(const CpuKernels& kernels, int threads) {
  return cpu_name() + " (" + kernels.instruction_set + ", " + std::to_string(threads) +
         (threads == 1 ? " thread)" : " threads)");
}

std::vector<DeviceInfo> list_cpu_devices() {
  const auto memory = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  DeviceInfo info;
  info.kind = BackendKind::cpu;
  info.name = cpu_name() + ", " + std::to_string(cpu_threads(0)) + " threads";
  info.memory_bytes = memory;
  info.usable = true;
  info.capability = names_of(usable_kernels());
  return {info};
}

}  // namespace langevo
