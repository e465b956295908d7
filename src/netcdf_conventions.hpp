#pragma once

#include <string>
#include <vector>

#include "netcdf.hpp"

namespace langevo::netcdf {

/// All values of a variable as the CF conventions give them a meaning: unpacked by scale_factor and
/// add_offset, and NaN where _FillValue, missing_value, valid_min, valid_max, valid_range or the library's
/// own fill value say that there is none.
std::vector<double> read_by_conventions(const Group& group, const std::string& variable);

}  // namespace langevo::netcdf
