#include "kernels/cpu/cpu_machine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
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

/// The processors on which the system lets this process run (taskset, cpusets).
unsigned allowed_processors() {
  const unsigned all = std::max(1u, std::thread::hardware_concurrency());
  for (std::size_t room = CPU_SETSIZE; room <= (std::size_t{1} << 20); room *= 2) {  // EINVAL: too small
    std::vector<cpu_set_t> set(room / CPU_SETSIZE);
    const std::size_t bytes = set.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, set.data()) == 0) return std::max(1, CPU_COUNT_S(bytes, set.data()));
  }
  return all;
}

/// Processors' worth of time that a control group gives: infinite where it sets no limit.
double quota_of(const std::string& group) {
  double quota = 0;
  double period = 0;
  std::ifstream of_both(group + "/cpu.max");  // "max 100000", "150000 100000"
  if (!(of_both >> quota >> period)) {
    std::ifstream of_quota(group + "/cpu.cfs_quota_us");
    std::ifstream of_period(group + "/cpu.cfs_period_us");
    if (!(of_quota >> quota) || !(of_period >> period)) quota = 0;
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
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

double cgroup_processors(const std::string& membership, const std::string& root) {
  double least = std::numeric_limits<double>::infinity();
  std::ifstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "0::/path", or of version 1 "4:cpu,cpuacct:/path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::vector<std::string> mounts{root};
    if (!controllers.empty()) {
      if (("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
      mounts = {root + "/" + controllers, root + "/cpu"};
    }
    for (const std::string& mount : mounts) {
      // A quota of any group above holds too; in a container the path may be one of the host, and only the
      // root exists.
      for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
        least = std::min(least, quota_of(mount + path));
        if (path.find('/') == std::string::npos) break;
      }
    }
  }
  return least;
}

int cpu_threads(int asked) {
  if (asked > 0) return asked;
  const double quota = std::ceil(cgroup_processors("/proc/self/cgroup", "/sys/fs/cgroup"));
  return static_cast<int>(std::max(1.0, std::min(quota, static_cast<double>(allowed_processors()))));
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
