#pragma once

#include <memory>
#include <vector>

#include "langevo/ensemble.hpp"

namespace langevo {

/// @throws InputError where this build has no CUDA or this machine no usable device
std::unique_ptr<Ensemble> make_cuda_ensemble(const Problem& problem, const Dynamics& dynamics,
                                             const EnsembleShape& shape, const BackendOptions& options);

/// Every CUDA device, or one row that says why there is none. Devices are not taken: whether one is busy or
/// has no code here is not seen.
std::vector<DeviceInfo> list_cuda_devices();

/// Takes the device for this thread and looks whether its code can be loaded.
DeviceInfo try_cuda_device(DeviceInfo device);

}  // namespace langevo
