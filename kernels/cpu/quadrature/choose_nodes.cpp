#include "kernels/cpu/quadrature/choose_nodes.hpp"

#include <algorithm>
#include <cmath>

namespace langevo {

namespace {

// Four partial sums in a fixed order, so that nodes and weights are the same bits on every machine.
double dot(const double* a, const double* b, std::size_t n) {
  double sum[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (std::size_t q = 0; q < 4; ++q) sum[q] += a[i + q] * b[i + q];
  for (; i < n; ++i) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void take_out(double part, const double* direction, double* row, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) row[i] -= part * direction[i];
}

/// Of a point's row, what is left is roundings below this.
constexpr double rounding = 1e-14;

}  // namespace

NodeChoice::NodeChoice(const PointChanges& changes, std::size_t most) {
  const std::size_t n = changes.columns;
  std::vector<double> rest = changes.rows;
  std::vector<double> left(changes.points);
  double largest = 0;
  for (std::size_t p = 0; p < changes.points; ++p) {
    left[p] = dot(changes.row(p), changes.row(p), n);
    largest = std::max(largest, left[p]);
  }
  std::vector<double> mean = changes.mean;
  std::vector<std::vector<double>> directions;
  while (chosen_.size() < std::min(most, std::min(n, changes.points))) {
    const auto best = static_cast<std::size_t>(std::max_element(left.begin(), left.end()) - left.begin());
    if (!(left[best] > rounding * rounding * largest)) break;
    std::vector<double> direction(rest.begin() + static_cast<std::ptrdiff_t>(best * n),
                                  rest.begin() + static_cast<std::ptrdiff_t>((best + 1) * n));
    for (const std::vector<double>& other : directions)  // once more, for what roundings have left
      take_out(dot(other.data(), direction.data(), n), other.data(), direction.data(), n);
    const double length = std::sqrt(dot(direction.data(), direction.data(), n));
    for (double& part : direction) part /= length;
    for (std::size_t p = 0; p < changes.points; ++p) {
      if (left[p] == 0) continue;
      double* const row = rest.data() + p * n;
      take_out(dot(direction.data(), row, n), direction.data(), row, n);
      left[p] = dot(row, row, n);
    }
    left[best] = 0;
    directions.push_back(std::move(direction));
    chosen_.push_back(best);
    std::vector<double> parts;
    for (const std::vector<double>& other : directions)
      parts.push_back(dot(other.data(), changes.row(best), n));
    triangle_.push_back(std::move(parts));
    mean_.push_back(dot(directions.back().data(), mean.data(), n));
    take_out(mean_.back(), directions.back().data(), mean.data(), n);
  }
}

std::vector<double> NodeChoice::weights(std::size_t count) const {
  std::vector<double> weights(mean_.begin(), mean_.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t j = count; j-- > 0;) {
    for (std::size_t k = j + 1; k < count; ++k) weights[j] -= triangle_[k][j] * weights[k];
    weights[j] /= triangle_[j][j];
  }
  return weights;
}

double largest_error(const PointChanges& changes, const std::vector<std::size_t>& nodes,
                     const std::vector<double>& weights) {
  std::vector<double> error = changes.mean;
  for (std::size_t k = 0; k < weights.size(); ++k)
    take_out(weights[k], changes.row(nodes[k]), error.data(), changes.columns);
  double largest = 0;
  for (const double e : error) largest = std::max(largest, std::abs(e));
  return largest;
}

}  // namespace langevo
