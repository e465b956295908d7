#pragma once

#include <vector>

#include "kernels/network/problem_view.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// Owns what a ProblemView looks at: the layers, and the data in float and double by tiles of points, of
/// those whose weight is not 0.
class HostProblem {
 public:
  explicit HostProblem(const Problem& problem);
  /// Of data that fit the network and the loss, with weights as they are: of any sign and sum.
  HostProblem(const Network& network, const Dataset& data, Loss loss);

  /// Valid as long as this object lives.
  [[nodiscard]] ProblemView view() const;

  /// Points whose weight is not 0.
  [[nodiscard]] static std::size_t counted_points(const Dataset& data);
  [[nodiscard]] static std::size_t padded_points(std::size_t points);

  /// Of `layers`, those of the network. Values and outputs of all tiles are kept from step to step where they
  /// fit into 64 MiB for a thread.
  [[nodiscard]] static NetworkView network_view(const Network& network, const Layer* layers,
                                                std::size_t points);

 private:
  std::vector<Layer> layers_;
  std::vector<float> inputs_float_;
  std::vector<float> targets_float_;
  std::vector<float> weights_float_;
  std::vector<double> inputs_double_;
  std::vector<double> targets_double_;
  std::vector<double> weights_double_;
  std::size_t points_;
  int input_dim_;
  int target_dim_;
  double largest_input_;
  NetworkView network_;  ///< all but its layers
  Loss loss_;
};

}  // namespace langevo
