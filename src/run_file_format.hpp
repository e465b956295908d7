#pragma once

#include <cstdint>
#include <string>

#include "netcdf.hpp"

namespace langevo {

/// Version of the names and shapes of run files, their root attribute `format_version`: 1, of files without
/// it, calls the states of the reference `parameter` as their dimension; 2 calls them `state`.
inline constexpr std::uint64_t run_file_format_version = 2;

/// @param name how the message calls the file: "run file 'x.nc'"
/// @throws InputError for a run file of a later version than this program knows
void require_known_format(const netcdf::Group& root, const std::string& name);

}  // namespace langevo
