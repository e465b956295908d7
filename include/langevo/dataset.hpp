#pragma once

#include <cstddef>
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
};

/// theta_j = j/K for j = 0..K-1, target sin(2 pi theta); the paper's shallow nets use K = 1000.
Dataset make_sin_unit(std::size_t points);

/// K equally spaced points on [-1, 1], both ends included, target sin(pi theta); the paper's deep net uses K
/// = 1001.
Dataset make_sin_symmetric(std::size_t points);

/// Reads CSV (header line optional; the first input_dim columns are inputs, the rest targets) or netCDF
/// (`input(point,input_dim)`, `target(point,output_dim)`), told apart by content.
/// @throws InputError for files that are missing, empty, ragged, not numeric, not finite or of the wrong
/// width
Dataset read_dataset(const std::string& path, int input_dim, int target_dim);

}  // namespace langevo
