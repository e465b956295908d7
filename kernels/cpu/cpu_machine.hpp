#pragma once

#include <string>

#include "kernels/cpu/cpu_kernels.hpp"

namespace langevo {

/// Kernels for the named instruction set, or the best of this machine where the name is empty.
/// @throws InputError for a name that this build or this machine does not have
const CpuKernels& choose_cpu_kernels(const std::string& instruction_set);

/// The number of threads to use: what was asked for, or all that the process may use where that is 0.
int cpu_threads(int asked);

/// Processors' worth of time that the control groups of a process give it: infinite where they set no limit.
/// @param membership the list of them, /proc/self/cgroup
/// @param root where they are mounted, versions 1 and 2
double cgroup_processors(const std::string& membership, const std::string& root);

/// "AMD EPYC (avx512, 2 threads)".
std::string describe_cpu(const CpuKernels& kernels, int threads);

std::string cpu_name();

}  // namespace langevo
