#pragma once

#include "kernels/network/gradient.hpp"

/// What a network makes of data: its loss, and the share of the points whose class it finds.
namespace langevo {

struct Score {
  double loss;
  double accuracy;  ///< of classes; 0 without cross-entropy
};

inline namespace LANGEVO_TARGET {

/// Which of `rows` values of each point is the largest, the first of equals, [points_per_tile].
template <class Team>
LANGEVO_FUNCTION void find_largest_row(const Team& team, int rows, const double* values, double* largest) {
  team.each_point([&](int p) LANGEVO_BODY {
    double best = values[p];
    double row = 0;
    for (int k = 1; k < rows; ++k) {
      const double value = values[k * points_per_tile + p];
      row = value > best ? k : row;
      best = value > best ? value : best;
    }
    largest[p] = row;
  });
}

/// Adds the weights of the points of a tile whose largest output is their largest target, 1 without weights.
template <class Team>
LANGEVO_FUNCTION void add_hits(const Team& team, const DataView<double>& data, std::size_t tile,
                               const double* output, const GradientWorkspace<Team>& work,
                               typename Team::PointSum& hits) {
  const std::size_t first = tile * points_per_tile;
  double* const found = work.slope[0];
  double* const right = work.slope[1];
  find_largest_row(team, data.target_dim, output, found);
  find_largest_row(team, data.target_dim, data.targets + first * data.target_dim, right);
  const double* const weights = weights_of_tile(data, tile);
  team.add_points(hits, [&](int p) LANGEVO_BODY {
    const bool counts = first + static_cast<std::size_t>(p) < data.points;
    const double weight = weights == nullptr ? 1 : weights[p];
    return counts && found[p] == right[p] ? weight : 0;
  });
}

template <class Team>
LANGEVO_FUNCTION Score score_of_state(const Team& team, const ProblemView& problem, const double* x,
                                      const GradientWorkspace<Team>& work) {
  const DataView<double>& data = problem.data_double;
  const bool classes = problem.loss == Loss::cross_entropy;
  typename Team::PointSum& hits = work.parameter[0];
  team.clear(*work.loss);
  team.clear(hits);
  with_activation(problem.network.activation, [&](auto activation) {
    for (std::size_t tile = team.worker(); tile < data.tiles; tile += Team::workers) {
      const double* output = forward<decltype(activation)>(team, problem, x, tile, work.value);
      add_point_losses(team, problem, tile, output, work);
      if (classes) add_hits(team, data, tile, output, work, hits);
    }
  });
  team.synchronize();
  const double all = data.weights == nullptr ? static_cast<double>(data.points) : 1;
  return {team.total(*work.loss) / loss_denominator(problem), team.total(hits) / all};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
