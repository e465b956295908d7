#include "run_checks.hpp"

#include <cmath>
#include <filesystem>
#include <numeric>

#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

void check_ensemble(const RunOptions& options) {
  require_replica_numbers(options.replicas, options.first_replica);
  if (options.trace) require_traced(*options.trace, options.replicas);
  if (options.init == InitKind::gaussian) require_positive("--init-std", options.init_std);
  if (options.init_per_replica && options.init == InitKind::file && !options.init_at) {
    throw InputError(
        "--init-per-replica draws a state for every replica, but --init '" + options.init_file +
        "' gives one for all; leave one of them out, or start from what a run traced with --init-at last");
  }
}

void check_dynamics(const RunOptions& options) {
  require_positive("--alpha", options.alpha);
  require_positive("--gradient-tolerance", options.gradient_tolerance);
  require_beta(options.beta);
  if (options.lambda) require_positive("--lambda", *options.lambda);
  if (options.sigma) require_positive("--sigma", *options.sigma);
  if (options.stride) require_positive("--stride", *options.stride);
  const bool from_file = !options.sigma_file.empty();
  if (options.lambda && (options.sigma || from_file)) {
    throw InputError("--lambda " + shortest(*options.lambda) + " and " +
                     (options.sigma ? "--sigma " + shortest(*options.sigma)
                                    : "--sigma-file '" + options.sigma_file + "'") +
                     " both say how large mutations are; give one of them");
  }
  if (options.sigma && from_file) {
    throw InputError("--sigma " + shortest(*options.sigma) + " and --sigma-file '" + options.sigma_file +
                     "' both say how large mutations are; give one of them");
  }
  if (options.stride && options.dynamics != DynamicsKind::langevin) {
    throw InputError("--stride " + shortest(*options.stride) +
                     " is for --dynamics langevin alone; leave it out");
  }
}

/// Before any of it is allocated, and without overflow: widths and replicas can be absurd.
void check_sizes(const RunOptions& options) {
  double parameters = 0;
  for (std::size_t l = 0; l + 1 < options.widths.size(); ++l) {
    parameters += (static_cast<double>(options.widths[l]) + 1) * static_cast<double>(options.widths[l + 1]);
  }
  require_memory_of_states(parameters, static_cast<double>(options.replicas));
  const auto points = static_cast<double>(options.points.value_or(0));
  require_memory(4 * points * sizeof(double), rounded(points, 3) + " points");
}

}  // namespace

void require_file(const char* option, const std::string& path, const std::vector<std::string>& built_in) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return;
  const std::string near = nearest(path, built_in);
  const bool similar = edit_distance(path, near) <= 3;
  throw InputError(std::string(option) + " is '" + path + "', neither built in nor a file that exists; " +
                   (similar ? "did you mean '" + near + "'?" : "give " + joined(built_in) + " or a file"));
}

void require_distributions(const Dataset& data) {
  constexpr double rounding = 1e-5;  // of a file with six digits, or of float
  const auto classes = static_cast<std::size_t>(data.target_dim);
  for (std::size_t point = 0; point < data.points; ++point) {
    const double* const row = data.targets.data() + point * classes;
    const double sum = std::accumulate(row, row + classes, 0.0);
    if (std::abs(sum - 1) <= rounding) continue;
    throw InputError(
        "--loss cross-entropy needs targets that are probabilities of the classes, but those of point " +
        std::to_string(point) + " sum to " + rounded(sum, 6) +
        "; divide them by their sum, or give one column of class labels");
  }
}

void check_options(const RunOptions& options) {
  if (options.loss == Loss::cross_entropy && !options.widths.empty() && options.widths.back() < 2) {
    throw InputError(
        "--loss cross-entropy needs an output for each class, two at least, but --widths ends with " +
        std::to_string(options.widths.back()) + "; end it with the number of classes");
  }
  check_ensemble(options);
  check_dynamics(options);
  require_machine(options.backend);
  check_sizes(options);
}

}  // namespace langevo
