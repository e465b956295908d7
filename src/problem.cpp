#include "langevo/problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

void require_widths(const Network& network, const Dataset& data) {
  if (data.input_dim == network.input_dim() && data.target_dim == network.output_dim()) return;
  throw InputError("--widths has " + std::to_string(network.input_dim()) + " inputs and " +
                   std::to_string(network.output_dim()) + " outputs but the data have " +
                   std::to_string(data.input_dim) + " and " + std::to_string(data.target_dim) +
                   "; make the first and last width match the data");
}

/// One column after the other of one point after the other, all finite.
void require_values(const std::string& what, const std::vector<double>& values, std::size_t points,
                    int width) {
  const auto columns = static_cast<std::size_t>(width);
  if (values.size() % columns != 0 || values.size() / columns != points) {
    throw InputError("the data set has " + std::to_string(values.size()) + " " + what + " values for " +
                     std::to_string(points) + " point(s) of " + std::to_string(width) +
                     "; give as many as points times columns");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw InputError("the " + what + " at point " + std::to_string(i / columns) + ", column " +
                     std::to_string(i % columns) + " is " + shortest(values[i]) +
                     ", not a finite number; correct or remove the point");
  }
}

/// The one place that asks for the sign of weights.
Dataset without_negative_weights(Dataset data) {
  for (std::size_t point = 0; point < data.weights.size(); ++point) {
    if (!(data.weights[point] < 0)) continue;
    throw InputError("the weight of point " + std::to_string(point) + " is " + shortest(data.weights[point]) +
                     "; give weights of at least 0");
  }
  return data;
}

/// Scales weights to a sum of 1. Those that have it already, to rounding, stay as they are, so that the data
/// of a problem make the same problem.
void normalize(std::vector<double>& weights) {
  double largest = 0;
  for (const double weight : weights) largest = std::max(largest, std::abs(weight));
  if (largest == 0) {
    throw InputError("the weights of all " + std::to_string(weights.size()) +
                     " point(s) are 0; give at least one point a positive weight");
  }
  int exponent = 0;  // in units of this power of 2 no sum overflows
  std::frexp(largest, &exponent);
  double sum = 0;
  for (const double weight : weights) sum += std::ldexp(weight, -exponent);
  const double total = std::ldexp(sum, exponent);
  if (!(sum > 0)) {
    throw InputError("the weights of the points have the sum " + shortest(total) +
                     "; give weights with a positive sum");
  }
  const double rounding = static_cast<double>(weights.size()) * std::numeric_limits<double>::epsilon();
  if (std::abs(total - 1) <= rounding) return;
  for (double& weight : weights) weight = std::ldexp(weight, -exponent) / sum;
}

}  // namespace

Problem::Problem(Network network, Dataset data, Loss loss)
    : Problem(std::move(network), without_negative_weights(std::move(data)), loss, SignedWeights{}) {}

Problem Problem::with_signed_weights(Network network, Dataset data, Loss loss) {
  return {std::move(network), std::move(data), loss, SignedWeights{}};
}

Problem::Problem(Network network, Dataset data, Loss loss, SignedWeights /*weights*/)
    : network_(std::move(network)), data_(std::move(data)), loss_(loss) {
  if (data_.points == 0) throw InputError("the data set has no points; give at least one");
  require_widths(network_, data_);
  require_values("input", data_.inputs, data_.points, data_.input_dim);
  require_values("target", data_.targets, data_.points, data_.target_dim);
  if (loss_ == Loss::cross_entropy) {
    for (const double target : data_.targets) {
      if (target < 0) {
        throw InputError("--loss cross-entropy needs targets of at least 0 (class weights), found " +
                         std::to_string(target) + "; use --loss mse or one column per class");
      }
    }
  }
  if (data_.weights.empty()) return;
  require_values("weight", data_.weights, data_.points, 1);
  normalize(data_.weights);
}

}  // namespace langevo
