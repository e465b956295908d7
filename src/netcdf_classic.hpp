#pragma once

#include <cstdint>

namespace langevo::netcdf {

/// Bytes that an open classic netCDF file must have for its header and variables to be complete, less the
/// padding at its end; 0 for netCDF-4. The library itself reads zeros beyond the end of a truncated classic
/// file. Sizes are those of the format specification (netCDF User's Guide, "The NetCDF Classic Format
/// Specification").
/// @param id what nc_open gave
std::uint64_t least_classic_size(int id);

}  // namespace langevo::netcdf
