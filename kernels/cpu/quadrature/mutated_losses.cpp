#include "kernels/cpu/quadrature/mutated_losses.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/parallel_for.hpp"

namespace langevo {

namespace {

/// Width of the mutations that choose nodes, where those of the run are smaller.
constexpr double least_width = 1e-3;
/// A state where the gradient nearly vanishes asks for no more than this of the points' own changes.
constexpr double least_scale = 1e-4;
/// Draws of pilots have the replica numbers below.
constexpr std::uint32_t first_stream = 16;

double root_mean_square_width(std::span<const double> sigma) {
  double squares = 0;
  for (const double s : sigma) squares += s * s;
  return std::sqrt(squares / static_cast<double>(sigma.size()));
}

}  // namespace

std::vector<double> weights_of_points(const Dataset& data) {
  if (!data.weights.empty()) return data.weights;
  return std::vector<double>(data.points, 1 / static_cast<double>(data.points));
}

PointChanges MutatedLosses::changes(const std::vector<PilotState>& states, bool choosing,
                                    std::size_t mutations) const {
  std::size_t count = 0;
  for (const PilotState& state : states) count += state.chooses == choosing ? mutations : 0;
  PointChanges changes{candidates_.size(), count, std::vector<double>(candidates_.size() * count),
                       std::vector<double>(count)};
  std::vector<std::size_t> of_columns;
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (states[s].chooses == choosing) of_columns.push_back(s);
  }
  parallel_for(of_columns.size(), all_.threads(), 1, [&](int thread, std::uint64_t k) {
    const std::size_t state = of_columns[k];
    add(thread, states[state].x, state, mutations, k * mutations, changes);
  });
  return changes;
}

void MutatedLosses::add(int thread, const std::vector<double>& x, std::size_t state, std::size_t mutations,
                        std::size_t column, PointChanges& changes) const {
  const std::size_t points = weights_.size();
  const double enlarged = std::max(1.0, least_width / root_mean_square_width(sigma_));
  std::vector<double> before(points);
  std::vector<double> after(points);
  std::vector<double> proposed(x.size());
  all_.losses_of_points(thread, x.data(), before.data());
  double mean_squares = 0;
  double squares = 0;
  for (std::size_t m = 0; m < mutations; ++m) {
    const std::vector<float> z =
        pilot_normals(seed_, m, static_cast<std::uint32_t>(first_stream + state), x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      proposed[i] = x[i] + enlarged * sigma_[i] * static_cast<double>(z[i]);
    all_.losses_of_points(thread, proposed.data(), after.data());
    double mean = 0;
    for (std::size_t p = 0; p < points; ++p) {
      after[p] -= before[p];
      mean += weights_[p] * after[p];
      squares += weights_[p] * after[p] * after[p];
    }
    for (std::size_t c = 0; c < candidates_.size(); ++c)
      changes.rows[c * changes.columns + column + m] = after[candidates_[c]];
    changes.mean[column + m] = mean;
    mean_squares += mean * mean;
  }
  const double scale =
      std::sqrt(std::max(mean_squares, least_scale * least_scale * squares) / static_cast<double>(mutations));
  const bool usable = scale > 0 && std::isfinite(scale);
  const auto rescale = [&](double& change) { change = usable ? change / scale : 0; };
  for (std::size_t m = 0; m < mutations; ++m) {
    rescale(changes.mean[column + m]);
    for (std::size_t c = 0; c < candidates_.size(); ++c)
      rescale(changes.rows[c * changes.columns + column + m]);
  }
}

}  // namespace langevo
