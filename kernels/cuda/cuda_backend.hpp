#pragma once

#include <memory>
#include <vector>

#include "langevo/backend.hpp"

namespace langevo {

/// @throws InputError where this build has no CUDA or this machine no usable device
std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Dynamics& dynamics,
                                           const EnsembleShape& shape, const BackendOptions& options);

/// Every CUDA device, or one row that says why there is none.
std::vector<DeviceInfo> list_cuda_devices();

}  // namespace langevo
