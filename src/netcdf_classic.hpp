#pragma once

#include <cstdint>
#include <string>

namespace langevo::netcdf {

/// Bytes that an open classic netCDF file must have for its header and variables to be complete, less the
/// padding at its end; 0 for netCDF-4. The library itself reads zeros beyond the end of a truncated classic
/// file. Sizes are those of the format specification (netCDF User's Guide, "The NetCDF Classic Format
/// Specification").
/// @param id what nc_open gave
std::uint64_t least_classic_size(int id);

/// Whether the header of a file, if it is a classic one, lies within the file with all the names, attributes
/// and dimensions that it counts. The library itself believes the counts, and can crash over those of a
/// damaged file.
bool classic_header_is_whole(const std::string& path);

}  // namespace langevo::netcdf
