#pragma once

#include "langevo/dataset.hpp"
#include "langevo/network.hpp"

namespace langevo {

/// Losses, each with its word on the command line and the type in kernels/network/losses that knows it.
/// mse: mean over points and outputs of (f - y)^2.
/// cross_entropy: mean over points of -sum_c y_c log softmax(f)_c; targets are non-negative weights of the
/// classes.
/// huber: mean over points and outputs of r^2/2 where |r| <= 1 and |r| - 1/2 elsewhere, r = f - y (Huber,
/// Ann. Math. Stat. 35, 73 (1964)); targets in units of the residual beyond which a point is an outlier.
#define LANGEVO_LOSSES(entry)                                                         \
  entry(mse, "mse", SquaredError) entry(cross_entropy, "cross-entropy", CrossEntropy) \
      entry(huber, "huber", HuberLoss)

#define LANGEVO_VALUE(value, word, Type) value,
enum class Loss { LANGEVO_LOSSES(LANGEVO_VALUE) };
#undef LANGEVO_VALUE

/// Every loss and its word.
inline const std::vector<std::pair<std::string, Loss>>& loss_words() {
#define LANGEVO_WORD(value, word, Type) {word, Loss::value},
  static const std::vector<std::pair<std::string, Loss>> words{LANGEVO_LOSSES(LANGEVO_WORD)};
#undef LANGEVO_WORD
  return words;
}

/// What is learned: U(x) is the loss of the network with parameters x on the data. Where the data have
/// weights, the mean over points is sum_p w_p l_p with the w_p scaled to a sum of 1, as data() then has them.
class Problem {
 public:
  /// @throws InputError where the data do not fit the network or the loss, are fewer or more than their sizes
  /// say, or not finite; where weights are negative or all of them 0
  Problem(Network network, Dataset data, Loss loss);

  /// With weights of either sign, as a quadrature may have.
  /// @throws InputError as the constructor but for negative weights, and where their sum is not positive
  [[nodiscard]] static Problem with_signed_weights(Network network, Dataset data, Loss loss);

  [[nodiscard]] const Network& network() const { return network_; }
  [[nodiscard]] const Dataset& data() const { return data_; }
  [[nodiscard]] Loss loss() const { return loss_; }

 private:
  struct SignedWeights {};
  Problem(Network network, Dataset data, Loss loss, SignedWeights weights);

  Network network_;
  Dataset data_;
  Loss loss_;
};

}  // namespace langevo
