#include "langevo/problem.hpp"

#include <string>

#include "langevo/error.hpp"

namespace langevo {

Problem::Problem(Network network, Dataset data, Loss loss)
    : network_(std::move(network)), data_(std::move(data)), loss_(loss) {
  if (data_.points == 0) throw InputError("the data set has no points; give at least one");
  if (data_.input_dim != network_.input_dim() || data_.target_dim != network_.output_dim()) {
    throw InputError("--widths has " + std::to_string(network_.input_dim()) + " inputs and " +
                     std::to_string(network_.output_dim()) + " outputs but the data have " +
                     std::to_string(data_.input_dim) + " and " + std::to_string(data_.target_dim) +
                     "; make the first and last width match the data");
  }
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
