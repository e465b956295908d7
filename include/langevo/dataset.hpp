#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace langevo {

/// Training data: `points` rows of inputs and targets, row-major, finite.
struct Dataset {
  std::size_t points = 0;
  int input_dim = 0;
  int target_dim = 0;
  std::vector<double> inputs;   ///< [points][input_dim]
  std::vector<double> targets;  ///< [points][target_dim]
  /// Of the points in the mean that the loss is, [points]; empty: all points alike.
  std::vector<double> weights = {};
};

/// theta_j = j/K for j = 0..K-1, target sin(2 pi theta); the paper's shallow nets use K = 1000.
Dataset make_sin_unit(std::size_t points);

/// K equally spaced points on [-1, 1], both ends included, target sin(pi theta); the paper's deep net uses K
/// = 1001.
Dataset make_sin_symmetric(std::size_t points);

/// Whether the first line of a CSV file names the columns. automatic: where none of its fields is empty or
/// begins like a number.
enum class HeaderLine { automatic, yes, no };

/// How a data file is to be taken.
struct DataFormat {
  HeaderLine header = HeaderLine::automatic;
  /// Whether one column of class numbers, 0 to target_dim - 1, may stand for the targets: it becomes a column
  /// for each class, 1 in that of the point's class and 0 elsewhere.
  bool class_labels = false;
};

/// A data set from a file, and how that was taken.
struct DataFile {
  Dataset data;
  std::optional<bool> has_header;  ///< of CSV
  bool has_class_labels = false;
};

/// Reads CSV (the first input_dim columns are inputs, the rest targets; `#` begins a comment, blank lines are
/// skipped, fields may stand in double quotes) or netCDF (`input(point,input_dim)`,
/// `target(point,output_dim)` and, where points have weights, `weight(point)`, unpacked and checked for
/// missing values as the CF conventions say), told apart by content.
/// @throws InputError for files that are missing, empty, ragged, not numeric, not finite or of the wrong
/// width
DataFile read_data_file(const std::string& path, int input_dim, int target_dim, const DataFormat& format);

/// The data set alone, with the default format.
Dataset read_dataset(const std::string& path, int input_dim, int target_dim);

}  // namespace langevo
