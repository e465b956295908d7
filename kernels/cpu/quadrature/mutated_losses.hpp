#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/quadrature/choose_nodes.hpp"
#include "kernels/cpu/quadrature/pilot.hpp"

namespace langevo {

/// The weights of a data set's points in their mean, [points], with a sum of 1.
std::vector<double> weights_of_points(const Dataset& data);

/// The losses of all points under random mutations of states.
class MutatedLosses {
 public:
  /// `weights`: of all points. `candidates`: numbers of those that may become nodes.
  MutatedLosses(ProblemKernels& all, std::span<const double> sigma, const std::vector<double>& weights,
                const std::vector<std::uint64_t>& candidates, std::uint64_t seed)
      : all_(all), sigma_(sigma), weights_(weights), candidates_(candidates), seed_(seed) {}

  /// Their changes under so many mutations of each of the states that choose, or of those that check; in
  /// units of the root mean square over a state's mutations of the change of the mean.
  [[nodiscard]] PointChanges changes(const std::vector<PilotState>& states, bool choosing,
                                     std::size_t mutations) const;

 private:
  void add(int thread, const std::vector<double>& x, std::size_t state, std::size_t mutations,
           std::size_t column, PointChanges& changes) const;

  ProblemKernels& all_;
  std::span<const double> sigma_;
  const std::vector<double>& weights_;
  const std::vector<std::uint64_t>& candidates_;
  std::uint64_t seed_;
};

}  // namespace langevo
