#include "netcdf.hpp"

#include <filesystem>
#include <functional>
#include <numeric>
#include <system_error>
#include <utility>

#include "netcdf_classic.hpp"
#include "physical_memory.hpp"
#include "text.hpp"

namespace langevo::netcdf {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int status) {
  throw Error("'" + path + "': cannot " + what + " (" + nc_strerror(status) + ")");
}

}  // namespace

void Group::check(int status, const std::string& what) const {
  if (status != NC_NOERR) fail(*path_, what, status);
}

int Group::variable_id(const std::string& name) const {
  int id = 0;
  check(nc_inq_varid(id_, name.c_str(), &id), "find the variable '" + name + "'");
  return id;
}

Group Group::define_group(const std::string& name) const {
  int id = 0;
  check(nc_def_grp(id_, name.c_str(), &id), "create the group '" + name + "'");
  return {id, path_};
}

void Group::define_dimension(const std::string& name, std::size_t length) const {
  // The library takes a length of zero for "unlimited".
  if (length == 0) throw Error("'" + *path_ + "': the dimension '" + name + "' has no elements");
  check(nc_def_dim(id_, name.c_str(), length, nullptr), "create the dimension '" + name + "'");
}

void Group::define_unlimited_dimension(const std::string& name) const {
  check(nc_def_dim(id_, name.c_str(), NC_UNLIMITED, nullptr), "create the dimension '" + name + "'");
}

void Group::define_variable(const VariableDefinition& definition) const {
  const std::string what = "create the variable '" + definition.name + "'";
  std::vector<int> dimension_ids;
  for (const std::string& dimension : definition.dimensions) {
    check(nc_inq_dimid(id_, dimension.c_str(), &dimension_ids.emplace_back()), what);
  }
  int id = 0;
  check(nc_def_var(id_, definition.name.c_str(), definition.type, static_cast<int>(dimension_ids.size()),
                   dimension_ids.data(), &id),
        what);
  if (!definition.chunks.empty()) {
    check(nc_def_var_chunking(id_, id, NC_CHUNKED, definition.chunks.data()), what);
  }
  check(nc_put_att_text(id_, id, "long_name", definition.long_name.size(), definition.long_name.c_str()),
        what);
  check(nc_put_att_text(id_, id, "units", definition.units.size(), definition.units.c_str()), what);
}

void Group::put_attribute(const std::string& name, const std::string& text) const {
  check(nc_put_att_text(id_, NC_GLOBAL, name.c_str(), text.size(), text.c_str()),
        "write the attribute '" + name + "'");
}

void Group::put_attribute(const std::string& name, double value) const {
  check(nc_put_att_double(id_, NC_GLOBAL, name.c_str(), NC_DOUBLE, 1, &value),
        "write the attribute '" + name + "'");
}

void Group::put_attribute(const std::string& name, std::uint64_t value) const {
  const unsigned long long converted = value;
  check(nc_put_att_ulonglong(id_, NC_GLOBAL, name.c_str(), NC_UINT64, 1, &converted),
        "write the attribute '" + name + "'");
}

void Group::write(const std::string& variable, std::span<const double> values, const Slab& slab) const {
  const int id = variable_id(variable);
  check(slab.start.empty() ? nc_put_var_double(id_, id, values.data())
                           : nc_put_vara_double(id_, id, slab.start.data(), slab.count.data(), values.data()),
        "write the variable '" + variable + "'");
}

void Group::write(const std::string& variable, std::span<const std::uint64_t> values,
                  const Slab& slab) const {
  const int id = variable_id(variable);
  const std::vector<unsigned long long> converted(values.begin(), values.end());
  check(slab.start.empty()
            ? nc_put_var_ulonglong(id_, id, converted.data())
            : nc_put_vara_ulonglong(id_, id, slab.start.data(), slab.count.data(), converted.data()),
        "write the variable '" + variable + "'");
}

void Group::write(const std::string& variable, std::span<const std::string> values) const {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) pointers.push_back(value.c_str());
  check(nc_put_var_string(id_, variable_id(variable), pointers.data()),
        "write the variable '" + variable + "'");
}

std::optional<Group> Group::find_group(const std::string& name) const {
  int id = 0;
  const int status = nc_inq_grp_ncid(id_, name.c_str(), &id);
  if (status == NC_ENOGRP || status == NC_ENOTNC4) return std::nullopt;
  check(status, "open the group '" + name + "'");
  return Group(id, path_);
}

std::optional<std::size_t> Group::find_dimension(const std::string& name) const {
  int id = 0;
  const int status = nc_inq_dimid(id_, name.c_str(), &id);
  if (status == NC_EBADDIM) return std::nullopt;
  check(status, "find the dimension '" + name + "'");
  std::size_t length = 0;
  check(nc_inq_dimlen(id_, id, &length), "read the dimension '" + name + "'");
  return length;
}

bool Group::has_variable(const std::string& name) const {
  int id = 0;
  return nc_inq_varid(id_, name.c_str(), &id) == NC_NOERR;
}

std::vector<std::size_t> Group::shape(const std::string& variable) const {
  const int id = variable_id(variable);
  const std::string what = "read the shape of '" + variable + "'";
  int count = 0;
  check(nc_inq_varndims(id_, id, &count), what);
  std::vector<int> dimension_ids(static_cast<std::size_t>(count));
  check(nc_inq_vardimid(id_, id, dimension_ids.data()), what);
  std::vector<std::size_t> lengths;
  for (const int dimension : dimension_ids) {
    check(nc_inq_dimlen(id_, dimension, &lengths.emplace_back()), what);
  }
  return lengths;
}

std::vector<double> Group::read(const std::string& variable) const {
  const std::vector<std::size_t> lengths = shape(variable);
  // A file of a few bytes may claim more numbers than any memory holds, and more than a size can count.
  const double count = std::accumulate(lengths.begin(), lengths.end(), 1.0, std::multiplies<>());
  if (!(count * sizeof(double) <= physical_memory())) {
    throw Error("'" + *path_ + "': the variable '" + variable + "' has " + rounded(count, 3) +
                " values, more than this machine has memory for");
  }
  std::vector<double> values(static_cast<std::size_t>(count));
  // Asked for nothing, HDF5 complains of an empty selection.
  if (!values.empty()) {
    check(nc_get_var_double(id_, variable_id(variable), values.data()),
          "read the variable '" + variable + "'");
  }
  return values;
}

std::vector<double> Group::read_slab(const std::string& variable, const Slab& slab) const {
  std::vector<double> values(
      std::accumulate(slab.count.begin(), slab.count.end(), std::size_t{1}, std::multiplies<>()));
  check(nc_get_vara_double(id_, variable_id(variable), slab.start.data(), slab.count.data(), values.data()),
        "read the variable '" + variable + "'");
  return values;
}

double Group::read_one(const std::string& variable, const std::vector<std::size_t>& index) const {
  double value = 0;
  check(nc_get_var1_double(id_, variable_id(variable), index.data(), &value),
        "read the variable '" + variable + "'");
  return value;
}

std::optional<std::string> Group::text_attribute(const std::string& name) const {
  std::size_t length = 0;
  nc_type type = NC_NAT;
  const int status = nc_inq_att(id_, NC_GLOBAL, name.c_str(), &type, &length);
  if (status == NC_ENOTATT) return std::nullopt;
  const std::string what = "read the attribute '" + name + "'";
  check(status, what);
  if (type != NC_CHAR) fail(*path_, what, NC_ECHAR);
  std::string text(length, '\0');
  if (length > 0) check(nc_get_att_text(id_, NC_GLOBAL, name.c_str(), text.data()), what);
  return text;
}

namespace {

/// nc_get_att_* writes as many values as the attribute has: one is what is wanted.
int one_value(int group, int variable, const std::string& name) {
  std::size_t length = 0;
  const int status = nc_inq_attlen(group, variable, name.c_str(), &length);
  return status == NC_NOERR && length != 1 ? NC_EEDGE : status;
}

}  // namespace

std::optional<double> Group::number_attribute(const std::string& name) const {
  double value = 0;
  int status = one_value(id_, NC_GLOBAL, name);
  if (status == NC_ENOTATT) return std::nullopt;
  if (status == NC_NOERR) status = nc_get_att_double(id_, NC_GLOBAL, name.c_str(), &value);
  check(status, "read the attribute '" + name + "'");
  return value;
}

std::optional<std::uint64_t> Group::count_attribute(const std::string& name) const {
  unsigned long long value = 0;
  int status = one_value(id_, NC_GLOBAL, name);
  if (status == NC_ENOTATT) return std::nullopt;
  if (status == NC_NOERR) status = nc_get_att_ulonglong(id_, NC_GLOBAL, name.c_str(), &value);
  check(status, "read the attribute '" + name + "'");
  return value;
}

std::vector<double> Group::number_attributes(const std::string& variable, const std::string& name,
                                             std::size_t count) const {
  std::size_t length = 0;
  const int id = variable_id(variable);
  int status = nc_inq_attlen(id_, id, name.c_str(), &length);
  if (status == NC_ENOTATT) return {};
  if (status == NC_NOERR && count > 0 && length != count) status = NC_EEDGE;
  std::vector<double> values(length);
  if (status == NC_NOERR && length > 0) status = nc_get_att_double(id_, id, name.c_str(), values.data());
  check(status, "read the attribute '" + name + "' of '" + variable + "'");
  return values;
}

nc_type Group::attribute_type(const std::string& variable, const std::string& name) const {
  nc_type type = NC_NAT;
  check(nc_inq_atttype(id_, variable_id(variable), name.c_str(), &type),
        "read the attribute '" + name + "' of '" + variable + "'");
  return type;
}

nc_type Group::type(const std::string& variable) const {
  nc_type type = NC_NAT;
  check(nc_inq_vartype(id_, variable_id(variable), &type), "read the type of '" + variable + "'");
  return type;
}

File File::create(const std::string& path) {
  int id = -1;
  const int status = nc_create(path.c_str(), NC_NETCDF4 | NC_CLOBBER, &id);
  if (status != NC_NOERR) fail(path, "create the file", status);
  return {id, std::make_shared<const std::string>(path)};
}

File File::open(const std::string& path, int mode) {
  if (!classic_header_is_whole(path)) throw Error("'" + path + "': its header is damaged");
  int id = -1;
  const int status = nc_open(path.c_str(), mode, &id);
  if (status != NC_NOERR) fail(path, "open it as netCDF", status);
  File file(id, std::make_shared<const std::string>(path));
  std::error_code ignored;
  if (std::filesystem::file_size(path, ignored) < least_classic_size(id)) {
    throw Error("'" + path + "': the file ends before its last variable does");
  }
  return file;
}

File File::open_to_read(const std::string& path) {
  return open(path, NC_NOWRITE);
}

File File::open_to_write(const std::string& path) {
  return open(path, NC_WRITE);
}

File::File(File&& other) noexcept : id_(std::exchange(other.id_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (id_ >= 0) nc_close(id_);
}

void File::close() {
  const int status = nc_close(std::exchange(id_, -1));
  if (status != NC_NOERR) fail(*path_, "close it", status);
}

}  // namespace langevo::netcdf
