#include <cmath>
#include <string_view>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "netcdf.hpp"
#include "netcdf_conventions.hpp"
#include "run_file_format.hpp"

namespace langevo {

namespace {

std::vector<double> read_text(const InputFile& file) {
  std::vector<double> values;
  const std::vector<std::string> lines = read_lines(file);
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const std::string_view line = lines[row];
    const std::string_view text = trim(line.substr(0, line.find('#')));
    if (text.empty()) continue;
    values.push_back(
        finite_number(file.name + " line " + std::to_string(row + 1), text, "give one number a line"));
  }
  return values;
}

std::vector<double> read_netcdf(const InputFile& file, const std::string& variable) try {
  const netcdf::File netcdf_file = netcdf::File::open_to_read(file.path);
  const netcdf::Group root = netcdf_file.root();
  require_known_format(root, file.name);
  if (!root.has_variable(variable)) {
    throw InputError(file.name + " has no variable '" + variable +
                     "'; give a netCDF file that has it, or text with one number a line");
  }
  if (const std::size_t dimensions = root.shape(variable).size(); dimensions != 1) {
    throw InputError(file.name + ": '" + variable + "' has " + std::to_string(dimensions) +
                     " dimensions; give it one, (parameter)");
  }
  std::vector<double> values = netcdf::read_by_conventions(root, variable);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw InputError(file.name + ": '" + variable + "' is missing, not valid or not finite at index " +
                     std::to_string(i) + "; give finite numbers");
  }
  return values;
} catch (const netcdf::Error& error) {
  throw InputError(file.name + " is not complete netCDF: " + error.what());
}

}  // namespace

std::vector<double> read_parameter_vector(const std::string& path, const std::string& variable,
                                          std::size_t count, const std::string& what) {
  const InputFile file(what, path);
  std::vector<double> values = is_netcdf(file) ? read_netcdf(file, variable) : read_text(file);
  if (values.size() != count) {
    throw InputError(file.name + " has " + std::to_string(values.size()) +
                     " number(s), but the network has " + std::to_string(count) +
                     " parameters; give one number for each");
  }
  return values;
}

}  // namespace langevo
