#include "langevo/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "netcdf.hpp"
#include "netcdf_conventions.hpp"
#include "run_file_format.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// A file, and what there must be of it in one row.
struct Source {
  InputFile file;
  int input_dim = 0;
  int target_dim = 0;
  DataFormat format;

  [[nodiscard]] bool takes_labels() const { return format.class_labels && target_dim > 1; }
  /// Without points yet.
  [[nodiscard]] DataFile begin() const {
    return {
        .data = {.points = 0, .input_dim = input_dim, .target_dim = target_dim, .inputs = {}, .targets = {}},
        .has_header = {}};
  }
};

/// Fields of one line of CSV without the spaces and quotes around them; none where it is blank or a comment.
std::vector<std::string> fields_of(std::string_view line, const std::string& where) {
  std::vector<std::string> fields;
  const auto skip_spaces = [line](std::size_t i) {
    return std::min(line.find_first_not_of(" \t", i), line.size());
  };
  std::size_t i = skip_spaces(0);
  if (i == line.size() || line[i] == '#') return fields;
  for (bool more = true; more; ++i) {
    std::string& field = fields.emplace_back();
    i = skip_spaces(i);
    if (i < line.size() && line[i] == '"') {
      for (++i; i < line.size() && (line[i] != '"' || line.substr(i + 1).starts_with('"')); ++i) {
        if (line[i] == '"') ++i;  // two of them stand for one
        field += line[i];
      }
      if (i == line.size()) throw InputError(where + " has a quote that is not closed; close it there");
      i = skip_spaces(i + 1);
    } else {
      const std::size_t end = std::min(line.find_first_of(",#", i), line.size());
      field = trim(line.substr(i, end - i));
      i = end;
    }
    more = i < line.size() && line[i] == ',';
    if (!more && i < line.size() && line[i] != '#') {
      throw InputError(where + " has " + quote(line.substr(i)) +
                       " after a quoted field; put a comma between fields");
    }
  }
  return fields;
}

/// A header names every column: a first line with an empty field, or one that begins like a number, is data,
/// so that a typing error in the first row is not skipped as a header.
bool is_header(const std::vector<std::string>& fields) {
  return std::none_of(fields.begin(), fields.end(), [](const std::string& field) {
    return trim(field).empty() || begins_like_a_number(field);
  });
}

std::string wanted_columns(const Source& source) {
  const std::string of_inputs = std::to_string(source.input_dim) + " input(s) and ";
  return of_inputs + std::to_string(source.target_dim) + " target(s)" +
         (source.takes_labels() ? ", or as many and one class label" : "");
}

/// The targets of a point of class `label`.
/// @throws InputError where there is no such class
void append_class(std::vector<double>& targets, double label, int classes, const std::string& where) {
  if (!(label >= 0 && label < classes && label == std::floor(label))) {
    throw InputError(where + " is " + shortest(label) + ", not a class from 0 to " +
                     std::to_string(classes - 1) + "; correct it, or change the last of the widths");
  }
  targets.resize(targets.size() + static_cast<std::size_t>(classes));
  *(targets.end() - classes + static_cast<int>(label)) = 1;
}

DataFile read_csv(const Source& source) {
  const auto inputs = static_cast<std::size_t>(source.input_dim);
  std::size_t columns = inputs + static_cast<std::size_t>(source.target_dim);
  DataFile result = source.begin();
  Dataset& data = result.data;
  const std::vector<std::string> lines = read_lines(source.file);
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const std::string where = source.file.name + " line " + std::to_string(row + 1);
    const std::vector<std::string> fields = fields_of(lines[row], where);
    if (fields.empty()) continue;
    if (!result.has_header && source.takes_labels() && fields.size() == inputs + 1) {
      result.has_class_labels = true;
      columns = inputs + 1;
    }
    if (fields.size() != columns) {
      const bool semicolons = lines[row].find(';') != std::string::npos;
      throw InputError(
          where + " has " + std::to_string(fields.size()) + " column(s), but the network takes " +
          wanted_columns(source) + "; give " + std::to_string(columns) + " comma-separated numbers a line" +
          (semicolons ? " with a point for decimals, not semicolons" : ", or change the widths"));
    }
    if (!result.has_header) {
      const HeaderLine header = source.format.header;
      result.has_header = header == HeaderLine::yes || (header == HeaderLine::automatic && is_header(fields));
      if (*result.has_header) continue;
    }
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string place = where + " column " + std::to_string(column + 1);
      const double value = finite_number(place, fields[column], "correct or remove the line");
      if (column < inputs) {
        data.inputs.push_back(value);
      } else if (result.has_class_labels) {
        append_class(data.targets, value, source.target_dim, place);
      } else {
        data.targets.push_back(value);
      }
    }
    ++data.points;
  }
  if (data.points == 0) {
    throw InputError(source.file.name + " has no data" + (result.has_header ? " below its header line" : "") +
                     "; give at least one line of numbers");
  }
  return result;
}

std::vector<double> read_finite(const InputFile& file, const netcdf::Group& group,
                                const std::string& variable, std::size_t columns) {
  std::vector<double> values = netcdf::read_by_conventions(group, variable);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw InputError(file.name + ": '" + variable + "' at point " + std::to_string(i / columns) +
                     ", column " + std::to_string(i % columns) +
                     " is missing, not valid or not finite; correct or remove the point");
  }
  return values;
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
  return read_finite(file, group, variable, shape[1]);
}

/// weight[points], finite; empty where there is none.
std::vector<double> read_weights(const InputFile& file, const netcdf::Group& group, std::size_t points) {
  if (!group.has_variable("weight")) return {};
  const std::vector<std::size_t> shape = group.shape("weight");
  if (shape.size() != 1) {
    throw InputError(file.name + ": 'weight' has " + std::to_string(shape.size()) +
                     " dimension(s); give it one, (point)");
  }
  if (shape[0] != points) {
    throw InputError(file.name + " has " + std::to_string(points) + " inputs but " +
                     std::to_string(shape[0]) + " weights; give one weight for each point, or none at all");
  }
  return read_finite(file, group, "weight", 1);
}

DataFile read_netcdf(const Source& source) try {
  const InputFile& file = source.file;
  const netcdf::File netcdf_file = netcdf::File::open_to_read(file.path);
  const netcdf::Group root = netcdf_file.root();
  require_known_format(root, file.name);
  DataFile result = source.begin();
  Dataset& data = result.data;
  data.inputs = read_matrix(file, root, "input", source.input_dim);
  data.points = data.inputs.size() / static_cast<std::size_t>(source.input_dim);
  const std::vector<std::size_t> shape =
      root.has_variable("target") ? root.shape("target") : std::vector<std::size_t>{};
  result.has_class_labels = source.takes_labels() && shape.size() == 2 && shape[1] == 1;
  data.targets = read_matrix(file, root, "target", result.has_class_labels ? 1 : source.target_dim);
  if (result.has_class_labels) {
    const std::vector<double> labels = std::exchange(data.targets, {});
    for (std::size_t i = 0; i < labels.size(); ++i) {
      append_class(data.targets, labels[i], source.target_dim,
                   file.name + ": 'target' at point " + std::to_string(i));
    }
  }
  const std::size_t target_points = data.targets.size() / static_cast<std::size_t>(source.target_dim);
  if (target_points != data.points) {
    throw InputError(file.name + " has " + std::to_string(data.points) + " inputs but " +
                     std::to_string(target_points) + " targets; give one target for each input");
  }
  if (data.points == 0) throw InputError(file.name + " has no data; give at least one point");
  data.weights = read_weights(file, root, data.points);
  return result;
} catch (const netcdf::Error& error) {
  throw InputError(std::string("data file ") + error.what() + "; is it complete?");
}

}  // namespace

DataFile read_data_file(const std::string& path, int input_dim, int target_dim, const DataFormat& format) {
  const Source source{InputFile("data file", path), input_dim, target_dim, format};
  return is_netcdf(source.file) ? read_netcdf(source) : read_csv(source);
}

Dataset read_dataset(const std::string& path, int input_dim, int target_dim) {
  return read_data_file(path, input_dim, target_dim, {}).data;
}

}  // namespace langevo
