#pragma once

#include <limits>
#include <span>
#include <variant>
#include <vector>

namespace langevo {

/// First rung of the acceptance ladder: the change of the loss in float with an error bound, or in double.
enum class Precision { float32, float64 };

/// Whether a local model of the loss screens proposals before their exact evaluation; decisions are the same.
/// automatic: where it pays, found out as the run goes.
enum class Acceptance { exact, automatic, screened };

/// Propose x' = x + eps, eps_i ~ Normal(0, sigma_i^2); accept with probability min(1, exp(-beta (U(x') -
/// U(x)))), at beta = inf iff U(x') <= U(x). A rejected step counts as a step.
struct Metropolis {
  double beta = std::numeric_limits<double>::infinity();
  Precision precision = Precision::float32;
  Acceptance acceptance = Acceptance::exact;
};

/// x_i -= alpha sigma_i^2 g_i with g = dU/dx; sigma is a relative scale here, 1 for ordinary gradient
/// descent.
struct Gradient {
  double alpha = 0;
};

/// x_i -= alpha sigma_i^2 g_i / |sigma.g| (sigma relative, 1 for g/|g|); where g = 0 the state stays.
struct NormalizedGradient {
  double alpha = 0;
};

/// The noisy gradient step that stands for `stride` mutations:
/// beta finite: x_i += -s (beta sigma_i^2/2) g_i + sigma_i sqrt(s) z_i;
/// beta = inf:  x_i += -s (sigma_i/sqrt(2 pi)) (sigma_i g_i)/|sigma.g| + sigma_i sqrt(s/2) z_i.
struct Langevin {
  double beta = std::numeric_limits<double>::infinity();
  double stride = 1;
};

/// One step of the evolution of a replica. Whitelam et al., Nat. Commun. 12, 6317 (2021), eqs. 1-20.
using Rule = std::variant<Metropolis, Gradient, NormalizedGradient, Langevin>;

/// A rule and the width sigma_i > 0 of every parameter's mutation (for the gradient rules: its relative
/// step).
struct Dynamics {
  Rule rule;
  std::vector<double> sigma;
};

/// sigma = lambda alpha sqrt(2 pi) at beta = inf, sqrt(2 alpha lambda / beta) at finite beta: the mutation
/// whose mean effect over 1/lambda steps is one (normalized) gradient step alpha.
double sigma_from_lambda(double lambda, double alpha, double beta);

/// The inverse of sigma_from_lambda. For one sigma per parameter pass the root mean square.
double lambda_from_sigma(double sigma, double alpha, double beta);

double root_mean_square(std::span<const double> values);

}  // namespace langevo
