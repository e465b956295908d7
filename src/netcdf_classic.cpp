#include "netcdf_classic.hpp"

#include <netcdf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

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

namespace {

/// Reads a classic header from its beginning and stops for good where something is not as it must be.
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& path) : stream_(path, std::ios::binary) {
    char magic[4] = {};
    stream_.seekg(0, std::ios::end);
    left_ = static_cast<std::uint64_t>(std::max<std::streamoff>(0, stream_.tellg()));
    stream_.seekg(0);
    stream_.read(magic, sizeof magic);
    left_ -= std::min<std::uint64_t>(left_, sizeof magic);
    is_classic_ = std::string_view(magic, 3) == "CDF" && (magic[3] == 1 || magic[3] == 2 || magic[3] == 5);
    count_size_ = magic[3] == 5 ? 8 : 4;
    offset_size_ = magic[3] == 1 ? 4 : 8;
  }

  [[nodiscard]] bool is_classic() const { return is_classic_; }

  bool is_whole() {
    number(count_size_);  // records
    const std::uint64_t dimensions = list(10);
    for (std::uint64_t d = 0; good_ && d < dimensions; ++d) {
      name();
      number(count_size_);
    }
    attributes();
    const std::uint64_t variables = list(11);
    for (std::uint64_t v = 0; good_ && v < variables; ++v) {
      name();
      const std::uint64_t count = number(count_size_);
      require(count <= NC_MAX_VAR_DIMS);
      for (std::uint64_t d = 0; good_ && d < count; ++d) require(number(count_size_) < dimensions);
      attributes();
      type();
      number(count_size_);
      number(offset_size_);
    }
    return good_;
  }

 private:
  void require(bool holds) { good_ = good_ && holds; }

  std::uint64_t number(std::uint64_t size) {
    unsigned char bytes[8] = {};
    require(size <= left_ &&
            stream_.read(reinterpret_cast<char*>(bytes), static_cast<std::streamsize>(size)));
    if (!good_) return 0;
    left_ -= size;
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
    return value;
  }

  void skip(std::uint64_t bytes) {
    require(bytes <= left_);
    if (!good_) return;
    left_ -= bytes;
    stream_.seekg(static_cast<std::streamoff>(bytes), std::ios::cur);
  }

  /// The length of a list: of these things, or of nothing.
  std::uint64_t list(std::uint64_t tag) {
    const std::uint64_t found = number(4);
    const std::uint64_t count = number(count_size_);
    require(found == tag || (found == 0 && count == 0));
    require(count <= left_ / 8);  // everything takes more bytes than that
    return count;
  }

  /// So many elements, each of `size` bytes, and the padding after all of them.
  void elements(std::uint64_t count, std::uint64_t size) {
    require(count <= left_ / size);
    if (good_) skip(padded(count * size));
  }

  /// The library copies names into room for NC_MAX_NAME.
  void name() {
    const std::uint64_t length = number(count_size_);
    require(length <= NC_MAX_NAME);
    elements(length, 1);
  }

  /// The size of a type.
  std::uint64_t type() {
    constexpr std::uint64_t sizes[] = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
    const std::uint64_t type = number(4);
    require(type >= 1 && type < std::size(sizes));
    return good_ ? sizes[type] : 1;
  }

  void attributes() {
    const std::uint64_t count = list(12);
    for (std::uint64_t i = 0; good_ && i < count; ++i) {
      name();
      const std::uint64_t size = type();
      elements(number(count_size_), size);
    }
  }

  std::ifstream stream_;
  std::uint64_t left_ = 0;  ///< bytes
  bool is_classic_ = false;
  bool good_ = true;
  std::uint64_t count_size_ = 4;
  std::uint64_t offset_size_ = 4;
};

}  // namespace

bool classic_header_is_whole(const std::string& path) {
  HeaderReader reader(path);
  return !reader.is_classic() || reader.is_whole();
}

}  // namespace langevo::netcdf
