#include "langevo/problem.hpp"

#include <cmath>
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

}  // namespace

Problem::Problem(Network network, Dataset data, Loss loss)
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
}

}  // namespace langevo
