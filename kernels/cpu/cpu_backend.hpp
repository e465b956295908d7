#pragma once

#include <memory>
#include <vector>

#include "langevo/ensemble.hpp"

namespace langevo {

/// Replicas on threads, data points on SIMD lanes, for the best instruction set of this machine or the one
/// asked for.
/// @throws InputError for an instruction set that this build or machine does not have
std::unique_ptr<Ensemble> make_cpu_ensemble(const Problem& problem, const Dynamics& dynamics,
                                            const EnsembleShape& shape, const BackendOptions& options);

std::vector<DeviceInfo> list_cpu_devices();

}  // namespace langevo
