#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "langevo/problem.hpp"

namespace langevo {

/// What networks make of data beside the loss that they are trained by, in double on the CPU. With
/// cross-entropy the accuracy: the share of the points, by their weight, whose class, the largest target, is
/// also the largest output, the first of equals; on training data and on held-out data. And the loss on
/// held-out data.
class Scorer {
 public:
  /// @param held_out of the same network and loss; null: there are no held-out data
  /// @param threads of the CPU; 0 takes all that the process may use
  /// @throws InputError where the held-out data are of another network or loss
  Scorer(const Problem& training, const Problem* held_out, int threads);
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;
  ~Scorer();

  /// Of what there is: accuracy, test_loss, test_accuracy.
  [[nodiscard]] const std::vector<std::string>& names() const;

  /// For states [count][N], in the order of names(): [names][count].
  [[nodiscard]] std::vector<std::vector<double>> scores(std::span<const double> states);

 private:
  class Kernels;
  std::unique_ptr<Kernels> kernels_;
};

}  // namespace langevo
