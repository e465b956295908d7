#include "netcdf_conventions.hpp"

#include <algorithm>
#include <limits>

namespace langevo::netcdf {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_floating(nc_type type) {
  return type == NC_FLOAT || type == NC_DOUBLE;
}

/// What the library leaves in a variable of this type where nothing was written. Bytes have no such value:
/// all of theirs are in use.
std::vector<double> fill_values(nc_type type) {
  switch (type) {
    case NC_FLOAT:
    case NC_DOUBLE:
      return {NC_FILL_DOUBLE, static_cast<double>(NC_FILL_FLOAT)};
    case NC_SHORT:
      return {NC_FILL_SHORT};
    case NC_USHORT:
      return {NC_FILL_USHORT};
    case NC_INT:
      return {NC_FILL_INT};
    case NC_UINT:
      return {NC_FILL_UINT};
    case NC_INT64:
      return {static_cast<double>(NC_FILL_INT64)};
    case NC_UINT64:
      return {static_cast<double>(NC_FILL_UINT64)};
    default:
      return {};
  }
}

struct Range {
  double least = -infinity;
  double most = infinity;

  void narrow(const Range& other) {
    least = std::max(least, other.least);
    most = std::min(most, other.most);
  }
  [[nodiscard]] bool contains(double value) const { return least <= value && value <= most; }
};

/// What the attributes of a variable say of its numbers.
class Meaning {
 public:
  Meaning(const Group& group, const std::string& variable)
      : type_(group.type(variable)), missing_(fill_values(type_)) {
    const std::vector<double> scale = group.number_attributes(variable, "scale_factor", 1);
    const std::vector<double> offset = group.number_attributes(variable, "add_offset", 1);
    packed_ = !scale.empty() || !offset.empty();
    if (!scale.empty()) scale_ = scale.front();
    if (!offset.empty()) offset_ = offset.front();
    for (const char* name : {"_FillValue", "missing_value"}) {
      for (const double value : group.number_attributes(variable, name)) missing_.push_back(stored(value));
    }
    for (const double least : group.number_attributes(variable, "valid_min", 1)) {
      range_of(group, variable, "valid_min").narrow({.least = stored(least)});
    }
    for (const double most : group.number_attributes(variable, "valid_max", 1)) {
      range_of(group, variable, "valid_max").narrow({.most = stored(most)});
    }
    if (const std::vector<double> both = group.number_attributes(variable, "valid_range", 2); !both.empty()) {
      range_of(group, variable, "valid_range").narrow({stored(both[0]), stored(both[1])});
    }
  }

  [[nodiscard]] double of(double value) const {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (std::find(missing_.begin(), missing_.end(), value) != missing_.end()) return none;
    if (!packed_range_.contains(value)) return none;
    const double unpacked = packed_ ? value * scale_ + offset_ : value;
    return unpacked_range_.contains(unpacked) ? unpacked : none;
  }

 private:
  /// A bound written in double for numbers stored in float was rounded when they were.
  [[nodiscard]] double stored(double value) const {
    return type_ == NC_FLOAT ? static_cast<double>(static_cast<float>(value)) : value;
  }

  /// A floating-point range of packed integers is one of what they stand for.
  Range& range_of(const Group& group, const std::string& variable, const char* name) {
    const bool unpacked = packed_ && !is_floating(type_) && is_floating(group.attribute_type(variable, name));
    return unpacked ? unpacked_range_ : packed_range_;
  }

  nc_type type_;
  std::vector<double> missing_;
  bool packed_ = false;
  double scale_ = 1;
  double offset_ = 0;
  Range packed_range_;
  Range unpacked_range_;
};

}  // namespace

std::vector<double> read_by_conventions(const Group& group, const std::string& variable) {
  const Meaning meaning(group, variable);
  std::vector<double> values = group.read(variable);
  for (double& value : values) value = meaning.of(value);
  return values;
}

}  // namespace langevo::netcdf
