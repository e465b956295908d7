#include "netcdf_classic.hpp"

#include <netcdf.h>

#include <algorithm>
#include <cstring>

namespace langevo::netcdf {

namespace {

std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

std::uint64_t type_size(int id, nc_type type) {
  std::size_t size = 0;
  nc_inq_type(id, type, nullptr, &size);
  return size;
}

/// Lengths of the fields whose size depends on the version: CDF-1, CDF-2 (64-bit offsets), CDF-5 (64-bit
/// data).
struct FieldSizes {
  std::uint64_t count;
  std::uint64_t offset;

  [[nodiscard]] std::uint64_t list() const { return 4 + count; }
  [[nodiscard]] std::uint64_t name(const char* text) const { return count + padded(std::strlen(text)); }
};

std::uint64_t attributes_size(int id, int variable, const FieldSizes& fields) {
  std::uint64_t size = fields.list();
  char name[NC_MAX_NAME + 1];
  for (int k = 0; nc_inq_attname(id, variable, k, name) == NC_NOERR; ++k) {
    nc_type type = NC_NAT;
    std::size_t length = 0;
    nc_inq_att(id, variable, name, &type, &length);
    size += fields.name(name) + 4 + fields.count + padded(length * type_size(id, type));
  }
  return size;
}

}  // namespace

std::uint64_t least_classic_size(int id) {
  int format = 0;
  int dimensions = 0;
  int variables = 0;
  int unlimited = -1;
  nc_inq_format(id, &format);
  if (format == NC_FORMAT_NETCDF4 || format == NC_FORMAT_NETCDF4_CLASSIC) return 0;
  nc_inq(id, &dimensions, &variables, nullptr, &unlimited);
  const FieldSizes fields{.count = format == NC_FORMAT_64BIT_DATA ? 8U : 4U,
                          .offset = format == NC_FORMAT_CLASSIC ? 4U : 8U};

  std::uint64_t header = 4 + fields.count + 2 * fields.list() + attributes_size(id, NC_GLOBAL, fields);
  char name[NC_MAX_NAME + 1];
  std::size_t length = 0;
  std::size_t records = 0;
  for (int d = 0; d < dimensions; ++d) {
    nc_inq_dim(id, d, name, &length);
    if (d == unlimited) records = length;
    header += fields.name(name) + fields.count;
  }

  std::uint64_t fixed = 0;
  std::uint64_t record = 0;
  std::uint64_t record_variables = 0;
  std::uint64_t last_record = 0;
  for (int v = 0; v < variables; ++v) {
    nc_type type = NC_NAT;
    int count = 0;
    int ids[NC_MAX_VAR_DIMS];
    nc_inq_var(id, v, name, &type, &count, ids, nullptr);
    header += fields.name(name) + fields.count + static_cast<std::uint64_t>(count) * fields.count +
              attributes_size(id, v, fields) + 4 + fields.count + fields.offset;
    const bool is_record = count > 0 && ids[0] == unlimited;
    std::uint64_t bytes = type_size(id, type);
    for (int d = is_record ? 1 : 0; d < count; ++d) {
      nc_inq_dimlen(id, ids[d], &length);
      bytes *= length;
    }
    (is_record ? record : fixed) += padded(bytes);
    if (is_record) {
      ++record_variables;
      last_record = bytes;
    }
  }
  if (record_variables == 1) record = std::min(record, last_record);  // a lone record variable is not padded
  const std::uint64_t whole = header + fixed + records * record;
  return whole - std::min<std::uint64_t>(whole, 3);
}

}  // namespace langevo::netcdf
