#pragma once

#include "langevo/dataset.hpp"
#include "langevo/network.hpp"

namespace langevo {

/// mse: mean over points and outputs of (f - y)^2.
/// cross_entropy: mean over points of -sum_c y_c log softmax(f)_c; targets are non-negative weights of the
/// classes.
enum class Loss { mse, cross_entropy };

/// What is learned: U(x) is the loss of the network with parameters x on the data.
class Problem {
 public:
  /// @throws InputError where the data do not fit the network or the loss, are fewer or more than their sizes
  /// say, or not finite
  Problem(Network network, Dataset data, Loss loss);

  [[nodiscard]] const Network& network() const { return network_; }
  [[nodiscard]] const Dataset& data() const { return data_; }
  [[nodiscard]] Loss loss() const { return loss_; }

 private:
  Network network_;
  Dataset data_;
  Loss loss_;
};

}  // namespace langevo
