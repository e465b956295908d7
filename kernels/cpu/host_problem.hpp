#pragma once

#include <vector>

#include "kernels/problem_view.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// Owns what a ProblemView looks at: the layers, and the data in float and double by tiles of points.
class HostProblem {
 public:
  explicit HostProblem(const Problem& problem);

  /// Valid as long as this object lives.
  [[nodiscard]] ProblemView view() const;

  [[nodiscard]] static std::size_t padded_points(std::size_t points);

  /// NetworkView::carried_tiles: all of them, where their values fit into 64 MiB for a thread.
  [[nodiscard]] static std::size_t carried_tiles(const Network& network, std::size_t points);

 private:
  std::vector<Layer> layers_;
  std::vector<float> inputs_float_;
  std::vector<float> targets_float_;
  std::vector<double> inputs_double_;
  std::vector<double> targets_double_;
  std::size_t points_;
  int input_dim_;
  int target_dim_;
  double largest_input_;
  int max_width_;
  std::size_t parameter_count_;
  Activation activation_;
  Loss loss_;
  std::size_t carried_tiles_;
};

}  // namespace langevo
