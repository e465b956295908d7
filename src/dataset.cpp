#include "langevo/dataset.hpp"

#include <cmath>
#include <numbers>
#include <string_view>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "netcdf.hpp"

namespace langevo {

namespace {

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t comma = line.find(','); comma != std::string_view::npos; comma = line.find(',')) {
    fields.push_back(trim(line.substr(0, comma)));
    line.remove_prefix(comma + 1);
  }
  fields.push_back(trim(line));
  return fields;
}

/// A header names every column: a first line with any number in it is data, so that a typing error in the
/// first row is not skipped as a header.
bool is_header(const std::vector<std::string_view>& fields) {
  for (const std::string_view field : fields) {
    if (field.empty() || parse_number(field)) return false;
  }
  return true;
}

Dataset read_csv(const InputFile& file, int input_dim, int target_dim) {
  const auto inputs = static_cast<std::size_t>(input_dim);
  const auto columns = inputs + static_cast<std::size_t>(target_dim);
  Dataset data{.points = 0, .input_dim = input_dim, .target_dim = target_dim, .inputs = {}, .targets = {}};
  const std::vector<std::string> lines = read_lines(file);
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const std::string where = file.name + " line " + std::to_string(row + 1);
    const std::vector<std::string_view> fields = split(lines[row]);
    if (fields.size() != columns) {
      throw InputError(where + " has " + std::to_string(fields.size()) +
                       " column(s), but the network takes " + std::to_string(input_dim) + " input(s) and " +
                       std::to_string(target_dim) + " target(s); give " + std::to_string(columns) +
                       " comma-separated numbers a line, or change the widths");
    }
    if (row == 0 && is_header(fields)) continue;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::optional<double> value = parse_number(fields[column]);
      if (!value || !std::isfinite(*value)) {
        throw InputError(where + " column " + std::to_string(column + 1) + " is " + quote(fields[column]) +
                         ", not a finite number; correct or remove the line");
      }
      (column < inputs ? data.inputs : data.targets).push_back(*value);
    }
    ++data.points;
  }
  if (data.points == 0) throw InputError(file.name + " has no data; give at least one line of numbers");
  return data;
}

/// One variable of shape [points][width], finite.
std::vector<double> read_matrix(const InputFile& file, const netcdf::Group& group,
                                const std::string& variable, int width) {
  if (!group.has_variable(variable)) {
    throw InputError(file.name + " has no variable '" + variable +
                     "'; give input(point,input_dim) and target(point,output_dim)");
  }
  const std::vector<std::size_t> shape = group.shape(variable);
  if (shape.size() != 2) {
    throw InputError(file.name + ": '" + variable + "' has " + std::to_string(shape.size()) +
                     " dimension(s); give it two, (point, column)");
  }
  if (shape[1] != static_cast<std::size_t>(width)) {
    throw InputError(file.name + ": '" + variable + "' has " + std::to_string(shape[1]) +
                     " column(s), but the network has " + std::to_string(width) +
                     "; change the file or the widths");
  }
  // The C library hands out packed numbers as they are stored.
  if (group.number_attribute(variable, "scale_factor") || group.number_attribute(variable, "add_offset")) {
    throw InputError(file.name + ": '" + variable +
                     "' is packed (scale_factor, add_offset); store it as plain floating-point numbers");
  }
  const std::optional<double> fill = group.number_attribute(variable, "_FillValue");
  std::vector<double> values = group.read(variable);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) && values[i] != fill && !netcdf::is_fill(values[i])) continue;
    throw InputError(file.name + ": '" + variable + "' at point " + std::to_string(i / shape[1]) +
                     ", column " + std::to_string(i % shape[1]) +
                     " is missing or not finite; correct or remove the point");
  }
  return values;
}

Dataset read_netcdf(const InputFile& file, int input_dim, int target_dim) try {
  const netcdf::File netcdf_file = netcdf::File::open_to_read(file.path);
  Dataset data{.points = 0, .input_dim = input_dim, .target_dim = target_dim, .inputs = {}, .targets = {}};
  data.inputs = read_matrix(file, netcdf_file.root(), "input", input_dim);
  data.targets = read_matrix(file, netcdf_file.root(), "target", target_dim);
  data.points = data.inputs.size() / static_cast<std::size_t>(input_dim);
  const std::size_t target_points = data.targets.size() / static_cast<std::size_t>(target_dim);
  if (target_points != data.points) {
    throw InputError(file.name + " has " + std::to_string(data.points) + " inputs but " +
                     std::to_string(target_points) + " targets; give one target for each input");
  }
  if (data.points == 0) throw InputError(file.name + " has no data; give at least one point");
  return data;
} catch (const netcdf::Error& error) {
  throw InputError(std::string("data file ") + error.what() + "; is it complete?");
}

}  // namespace

Dataset read_dataset(const std::string& path, int input_dim, int target_dim) {
  const InputFile file("data file", path);
  return is_netcdf(file) ? read_netcdf(file, input_dim, target_dim) : read_csv(file, input_dim, target_dim);
}

}  // namespace langevo
