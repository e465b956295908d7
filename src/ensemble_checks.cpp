#include "ensemble_checks.hpp"

#include <cmath>

#include "langevo/error.hpp"
#include "physical_memory.hpp"
#include "text.hpp"

namespace langevo {

namespace {

void require_rule(const Metropolis& rule) {
  require_beta(rule.beta);
}
void require_rule(const Gradient& rule) {
  require_positive("--alpha", rule.alpha);
}
void require_rule(const NormalizedGradient& rule) {
  require_positive("--alpha", rule.alpha);
}
void require_rule(const Langevin& rule) {
  require_beta(rule.beta);
  require_positive("--stride", rule.stride);
}

void require_sigma(std::span<const double> sigma, std::size_t parameters) {
  require_parameters("sigma", sigma.size(), parameters);
  for (std::size_t i = 0; i < sigma.size(); ++i) {
    if (sigma[i] > 0 && std::isfinite(sigma[i])) continue;
    throw InputError("sigma is " + shortest(sigma[i]) + " for parameter " + std::to_string(i) +
                     "; give positive numbers");
  }
}

void require_quadrature(const Quadrature& quadrature, std::size_t points) {
  if (quadrature.nodes.size() != quadrature.weights.size()) {
    throw InputError("the quadrature has " + counted(quadrature.nodes.size(), "node") + " and " +
                     counted(quadrature.weights.size(), "weight") + "; give one weight for each node");
  }
  for (std::size_t k = 0; k < quadrature.nodes.size(); ++k) {
    if (quadrature.nodes[k] >= points) {
      throw InputError("node " + std::to_string(k) + " of the quadrature is point " +
                       std::to_string(quadrature.nodes[k]) + ", but the data have " +
                       counted(points, "point") + "; give numbers below that");
    }
    if (std::isfinite(quadrature.weights[k])) continue;
    throw InputError("the weight of node " + std::to_string(k) + " is " + shortest(quadrature.weights[k]) +
                     ", not a finite number; give a quadrature that make_quadrature made");
  }
  if (!(quadrature.gradient_error >= 0) || !(quadrature.change_error >= 0)) {
    throw InputError("the errors of the quadrature are " + shortest(quadrature.gradient_error) + " and " +
                     shortest(quadrature.change_error) + "; give numbers of at least 0");
  }
}

}  // namespace

std::string counted(std::uint64_t count, const std::string& things) {
  return std::to_string(count) + " " + things + (count == 1 ? "" : "s");
}

void require_positive(const char* option, double value) {
  if (value > 0 && std::isfinite(value)) return;
  throw InputError(std::string(option) + " is " + shortest(value) + "; give a positive number");
}

void require_beta(double beta) {
  if (beta > 0) return;
  throw InputError("--beta is " + shortest(beta) + "; give a positive number or inf");
}

void require_replica_numbers(std::uint64_t replicas, std::uint64_t first_replica) {
  if (replicas < 1) throw InputError("--replicas is 0; give at least 1");
  if (replicas > replica_limit || first_replica > replica_limit - replicas) {
    throw InputError("--first-replica " + std::to_string(first_replica) + " and --replicas " +
                     std::to_string(replicas) + " reach beyond replica 2^32 - 1; give less");
  }
}

void require_traced(std::uint64_t traced, std::uint64_t replicas) {
  if (traced <= replicas) return;
  throw InputError("--trace is " + std::to_string(traced) + ", but there are only " +
                   std::to_string(replicas) + " replicas; give at most that");
}

void require_machine(const BackendOptions& options) {
  if (options.threads < 0 || options.threads > 4096) {
    throw InputError("--threads is " + std::to_string(options.threads) +
                     "; give 1 to 4096, or 0 for all that this process may use");
  }
  if (options.device < 0) {
    throw InputError("--device is " + std::to_string(options.device) +
                     "; give a number that `langevo devices` lists");
  }
}

void require_parameters(const char* what, std::size_t numbers, std::size_t parameters) {
  if (numbers == parameters) return;
  throw InputError(std::string(what) + " has " + counted(numbers, "number") + ", but the network has " +
                   counted(parameters, "parameter") + "; give one number for each");
}

void require_finite_states(std::span<const double> x, std::size_t parameters, std::uint64_t first) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i])) continue;
    throw InputError("parameter " + std::to_string(i % parameters) + " of the state for replica " +
                     std::to_string(first + i / parameters) + " is " + shortest(x[i]) +
                     ", not a finite number; give finite parameters");
  }
}

void require_memory(double bytes, const std::string& what) {
  const double available = physical_memory();
  if (bytes <= available) return;
  throw InputError("the run needs " + bytes_in_words(bytes) + " of memory for " + what +
                   ", but this machine has " + bytes_in_words(available) +
                   "; give fewer --replicas, --points or --records, or smaller --widths");
}

void require_memory_of_states(double parameters, double replicas) {
  require_memory(parameters * sizeof(double) * (replicas + 4),
                 rounded(replicas, 3) + " replica(s) of " + rounded(parameters, 3) + " parameters");
}

void check_ensemble(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape,
                    const BackendOptions& options) {
  const std::size_t parameters = problem.network().parameter_count();
  require_replica_numbers(shape.replicas, shape.first_replica);
  if (shape.first_step >= step_limit) {
    throw InputError("the first step is " + std::to_string(shape.first_step) +
                     ", beyond 2^56 - 1, the last one with random numbers; give less");
  }
  require_sigma(dynamics.sigma, parameters);
  std::visit([](const auto& rule) { require_rule(rule); }, dynamics.rule);
  require_quadrature(dynamics.quadrature, problem.data().points);
  require_positive("--gradient-tolerance", dynamics.gradient.tolerance);
  require_machine(options);
  require_memory_of_states(static_cast<double>(parameters), static_cast<double>(shape.replicas));
}

}  // namespace langevo
