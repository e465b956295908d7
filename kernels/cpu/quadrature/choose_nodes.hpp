#pragma once

#include <cstddef>
#include <vector>

namespace langevo {

/// Loss changes under some mutations: of points that may become nodes, and their mean over all points; each
/// mutation's in units of the root mean square of the means of its like.
struct PointChanges {
  std::size_t points = 0;  ///< that may become nodes
  std::size_t columns = 0;
  std::vector<double> rows;  ///< [points][columns]
  std::vector<double> mean;  ///< [columns]

  [[nodiscard]] const double* row(std::size_t point) const { return rows.data() + point * columns; }
};

/// Points in the order in which they are worth choosing, and what they need to find weights for any number of
/// them.
class NodeChoice {
 public:
  /// At most `most` points, by pivoted Gram-Schmidt over rows of `changes`: each next point is the one of
  /// which the others leave most. Fewer where nothing is left but roundings.
  NodeChoice(const PointChanges& changes, std::size_t most);

  [[nodiscard]] const std::vector<std::size_t>& points() const { return chosen_; }

  /// The weights of the first `count` of them with which they give every column's mean over all points, by
  /// least squares within the span of their rows.
  [[nodiscard]] std::vector<double> weights(std::size_t count) const;

 private:
  std::vector<std::size_t> chosen_;
  std::vector<std::vector<double>> triangle_;  ///< [k][j <= k]: part of point k's row along direction j
  std::vector<double> mean_;                   ///< parts of the mean row along the directions
};

/// The largest error of the first `count` nodes, with these weights, in the mean of any column.
double largest_error(const PointChanges& changes, const std::vector<std::size_t>& nodes,
                     const std::vector<double>& weights);

}  // namespace langevo
