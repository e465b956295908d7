#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace langevo {

/// The mean over replicas in a run file's record at time `at`; infinity: in its last record.
/// @throws InputError where there is no such record, or it has no mean of so many parameters
std::vector<double> read_recorded_mean(const std::string& path, double at, std::size_t parameters);

/// The traced state of one replica, by its number in all, in that record.
/// @throws InputError where it was not traced
std::vector<double> read_recorded_state(const std::string& path, double at, std::size_t parameters,
                                        std::uint64_t replica);

}  // namespace langevo
