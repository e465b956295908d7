#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace langevo {

/// Of Metropolis rules: the first rung of the acceptance ladder, the change of the loss in float with an
/// error bound, or in double. Of gradient rules: gradients in float with measured errors, or in double.
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

/// Whether every gradient step has a gradient of its own, or several steps, each with its own noise, one at
/// the mean of their path. automatic: followed where the backend can.
enum class GradientSteps { exact, followed, automatic };

/// How gradient rules find their gradients.
struct GradientMethod {
  GradientSteps steps = GradientSteps::exact;
  Precision precision = Precision::float64;
  /// Largest error that followed steps and gradients may have where it is measured, unit 1: of the states,
  /// relative to the way moved, and of gradients, relative to |sigma.g|.
  double tolerance = 1e-5;
};

/// A weighted few of a problem's points, the nodes, whose loss U_S changes nearly as U does where a run goes:
/// U_S = sum_k w_k l(node k). It saves time and changes no decision: proposals that what the nodes leave out,
/// D = U - U_S, could decide otherwise are decided on all points. Gradients on the nodes have a measured
/// error. See make_quadrature.
struct Quadrature {
  std::vector<std::uint64_t> nodes;  ///< numbers of points, ascending; none: all points decide
  std::vector<double> weights;       ///< of the nodes, unit 1; they may be negative
  /// Largest |sigma.dD/dx| / |sigma.dU/dx| over states of the pilot trajectories, unit 1.
  double gradient_error = 0;
  /// Largest error of dD/dx.eps for the change of D under a mutation eps there, relative to |sigma.dU/dx|.
  double change_error = 0;
  /// What least squares leave of the points' loss changes: the largest error of a change on the nodes under
  /// mutations that did not choose them, relative to their root mean square.
  double least_squares_error = 0;
  std::string remark;  ///< a clause for the user: why there are no nodes, or what is to know of them

  [[nodiscard]] bool empty() const { return nodes.empty(); }
};

/// One step of the evolution of a replica. Whitelam et al., Nat. Commun. 12, 6317 (2021), eqs. 1-20.
using Rule = std::variant<Metropolis, Gradient, NormalizedGradient, Langevin>;

/// A rule and the width sigma_i > 0 of every parameter's mutation (for the gradient rules: its relative
/// step).
struct Dynamics {
  Rule rule;
  std::vector<double> sigma;
  /// Of Metropolis rules whose acceptance is not exact, and of gradient rules whose steps are followed.
  Quadrature quadrature = {};
  GradientMethod gradient = {};
};

/// sigma = lambda alpha sqrt(2 pi) at beta = inf, sqrt(2 alpha lambda / beta) at finite beta: the mutation
/// whose mean effect over 1/lambda steps is one (normalized) gradient step alpha.
double sigma_from_lambda(double lambda, double alpha, double beta);

/// The inverse of sigma_from_lambda. For one sigma per parameter pass the root mean square.
double lambda_from_sigma(double sigma, double alpha, double beta);

double root_mean_square(std::span<const double> values);

}  // namespace langevo
