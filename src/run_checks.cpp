#include "run_checks.hpp"

#include <cmath>
#include <cstdint>
#include <filesystem>

#include "langevo/error.hpp"
#include "physical_memory.hpp"
#include "text.hpp"

namespace langevo {

namespace {

void check_ensemble(const RunOptions& options) {
  if (options.replicas < 1) throw InputError("--replicas is 0; give at least 1");
  // The replica's number is one word of the random numbers' counter.
  constexpr std::uint64_t replica_limit = std::uint64_t{1} << 32;
  if (options.replicas > replica_limit || options.first_replica > replica_limit - options.replicas) {
    throw InputError("--first-replica " + std::to_string(options.first_replica) + " and --replicas " +
                     std::to_string(options.replicas) + " reach beyond replica 2^32 - 1; give less");
  }
  if (options.trace && *options.trace > options.replicas) {
    throw InputError("--trace is " + std::to_string(*options.trace) + ", but there are only " +
                     std::to_string(options.replicas) + " replicas; give at most that");
  }
  if (options.init == InitKind::gaussian) require_positive("--init-std", options.init_std);
  if (options.init_per_replica && options.init == InitKind::file) {
    throw InputError("--init-per-replica draws a state for every replica, but --init '" + options.init_file +
                     "' gives one for all; leave one of them out");
  }
}

void check_dynamics(const RunOptions& options) {
  require_positive("--alpha", options.alpha);
  if (!(options.beta > 0)) {
    throw InputError("--beta is " + shortest(options.beta) + "; give a positive number or inf");
  }
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

void check_machine(const BackendOptions& options) {
  if (options.threads < 0 || options.threads > 4096) {
    throw InputError("--threads is " + std::to_string(options.threads) +
                     "; give 1 to 4096, or 0 for all that this process may use");
  }
  if (options.device < 0) {
    throw InputError("--device is " + std::to_string(options.device) +
                     "; give a number that `langevo devices` lists");
  }
}

/// Before any of it is allocated, and without overflow: widths and replicas can be absurd.
void check_sizes(const RunOptions& options) {
  double parameters = 0;
  for (std::size_t l = 0; l + 1 < options.widths.size(); ++l) {
    parameters += (static_cast<double>(options.widths[l]) + 1) * static_cast<double>(options.widths[l + 1]);
  }
  require_memory(parameters * sizeof(double) * (static_cast<double>(options.replicas) + 4),
                 rounded(static_cast<double>(options.replicas), 3) + " replica(s) of " +
                     rounded(parameters, 3) + " parameters");
  const auto points = static_cast<double>(options.points.value_or(0));
  require_memory(4 * points * sizeof(double), rounded(points, 3) + " points");
}

}  // namespace

void require_positive(const char* option, double value) {
  if (value > 0 && std::isfinite(value)) return;
  throw InputError(std::string(option) + " is " + shortest(value) + "; give a positive number");
}

void require_file(const char* option, const std::string& path, const std::vector<std::string>& built_in) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) return;
  const std::string near = nearest(path, built_in);
  const bool similar = edit_distance(path, near) <= 3;
  throw InputError(std::string(option) + " is '" + path + "', neither built in nor a file that exists; " +
                   (similar ? "did you mean '" + near + "'?" : "give " + joined(built_in) + " or a file"));
}

void require_memory(double bytes, const std::string& what) {
  const double available = physical_memory();
  if (bytes <= available) return;
  throw InputError("the run needs " + bytes_in_words(bytes) + " of memory for " + what +
                   ", but this machine has " + bytes_in_words(available) +
                   "; give fewer --replicas, --points or --records, or smaller --widths");
}

void check_options(const RunOptions& options) {
  check_ensemble(options);
  check_dynamics(options);
  check_machine(options.backend);
  check_sizes(options);
}

}  // namespace langevo
