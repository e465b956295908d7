#include "langevo/one_step_moments.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "ensemble_checks.hpp"
#include "langevo/error.hpp"
#include "langevo/one_step_theory.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Sums over replicas of what one proposal each did, in units of sigma.
struct DisplacementSums {
  double along = 0;
  double along_squared = 0;
  double across_squared = 0;  ///< of each replica the mean over directions
};

void add_displacement(std::span<const double> before, const double* after, std::span<const double> sigma,
                      std::span<const double> direction, DisplacementSums& sums) {
  double along = 0;
  double square = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double y = (after[i] - before[i]) / sigma[i];
    along += direction[i] * y;
    square += y * y;
  }
  sums.along += along;
  sums.along_squared += along * along;
  if (before.size() > 1) {
    sums.across_squared += (square - along * along) / static_cast<double>(before.size() - 1);
  }
}

Estimate estimate(double sum, double count, double expected, double variance) {
  return {sum / count, expected, std::sqrt(std::max(variance, 0.0) / count)};
}

/// (|tr M| + sqrt(tr M^2)) / (2 |sigma.g|), M_ij = sigma_i sigma_j d^2U/dx_i dx_j: mean and spread of the
/// second-order change of loss under a proposal, over the spread of the first-order one. Traces by
/// Hutchinson's estimator, Commun. Stat. Simul. Comput. 18, 1059 (1989).
double relative_curvature(const Ensemble& ensemble, std::span<const double> x, std::span<const double> sigma,
                          double norm) {
  constexpr int probes = 16;
  constexpr double reach = 1e-5;  // of the finite difference, per parameter
  const double largest = *std::max_element(sigma.begin(), sigma.end());
  const std::size_t n = x.size();
  std::mt19937_64 random(1);
  std::vector<double> sign(n);
  std::vector<double> moved(n);
  std::vector<double> forward(n);
  std::vector<double> backward(n);
  double trace = 0;
  double square_trace = 0;
  for (int probe = 0; probe < probes; ++probe) {
    for (double& s : sign) s = (random() >> 63) != 0 ? 1 : -1;
    const double h = reach / largest;
    for (std::size_t i = 0; i < n; ++i) moved[i] = x[i] + h * sigma[i] * sign[i];
    ensemble.gradient(moved, forward);
    for (std::size_t i = 0; i < n; ++i) moved[i] = x[i] - h * sigma[i] * sign[i];
    ensemble.gradient(moved, backward);
    for (std::size_t i = 0; i < n; ++i) {
      const double product = sigma[i] * (forward[i] - backward[i]) / (2 * h);
      trace += sign[i] * product;
      square_trace += product * product;
    }
  }
  return (std::abs(trace / probes) + std::sqrt(square_trace / probes)) / (2 * norm);
}

std::unique_ptr<Ensemble> evaluator(const Problem& problem, std::span<const double> sigma) {
  BackendOptions options;
  options.kind = BackendKind::cpu;
  options.threads = 1;
  return make_ensemble(problem, {Metropolis{}, {sigma.begin(), sigma.end()}}, EnsembleShape{}, options);
}

}  // namespace

double Estimate::z() const {
  const double off = measured - expected;
  return off == 0 ? 0 : off / standard_error;
}

OneStepProbe::OneStepProbe(const Problem& problem, std::vector<double> x, std::vector<double> sigma)
    : problem_(&problem), x_(std::move(x)), sigma_(std::move(sigma)), direction_(x_.size()) {
  const std::unique_ptr<Ensemble> ensemble = evaluator(problem, sigma_);
  loss_ = ensemble->gradient(x_, direction_);
  for (std::size_t i = 0; i < x_.size(); ++i) direction_[i] *= sigma_[i];
  double square = 0;
  for (const double component : direction_) square += component * component;
  norm_ = std::sqrt(square);
  if (!(norm_ > 0) || !std::isfinite(norm_)) {
    throw InputError(std::string("the gradient at this initial state is ") +
                     (norm_ == 0 ? "0" : "not finite") +
                     ", so there is no direction to measure along; choose another --init or --seed");
  }
  for (double& component : direction_) component /= norm_;
  curvature_ = relative_curvature(*ensemble, x_, sigma_, norm_);
}

double OneStepProbe::curvature_shift(std::uint64_t replicas) const {
  // at beta = inf the acceptance moves by curvature/sqrt(2 pi) and its standard error is 1/(2 sqrt(replicas))
  constexpr double two_over_sqrt_2pi = 0.7978845608028654;
  return two_over_sqrt_2pi * curvature_ * std::sqrt(static_cast<double>(replicas));
}

OneStepMoments OneStepProbe::measure(double a, const OneStepSample& sample) const {
  if (!(a > 0)) throw InputError("a is " + shortest(a) + "; give a positive number or inf");
  require_replica_numbers(sample.replicas, sample.first_replica);
  constexpr std::uint64_t batch_bytes = std::uint64_t{1} << 26;
  const std::uint64_t batch = std::max<std::uint64_t>(1, batch_bytes / (sizeof(double) * x_.size()));
  OneStepMoments result;
  result.a = a;
  result.beta = a / norm_;
  const Dynamics dynamics{Metropolis{.beta = result.beta, .precision = sample.precision}, sigma_};
  DisplacementSums sums;
  for (std::uint64_t done = 0; done < sample.replicas; done += batch) {
    const EnsembleShape shape{.replicas = std::min(batch, sample.replicas - done),
                              .first_replica = sample.first_replica + done,
                              .seed = sample.seed,
                              .first_step = sample.step};
    const std::unique_ptr<Ensemble> ensemble = make_ensemble(*problem_, dynamics, shape, sample.backend);
    ensemble->set_all_parameters(x_);
    ensemble->advance(1);
    result.counters += ensemble->counters();
    const std::vector<double> after = ensemble->parameters(0, shape.replicas);
    for (std::uint64_t r = 0; r < shape.replicas; ++r) {
      add_displacement(x_, after.data() + r * x_.size(), sigma_, direction_, sums);
    }
  }
  const auto count = static_cast<double>(sample.replicas);
  const OneStepTheory theory = one_step_theory(a);
  const double p = theory.acceptance;
  const double second = theory.second_moment_along;
  result.acceptance = estimate(static_cast<double>(result.counters.accepted), count, p, p * (1 - p));
  result.drift = estimate(sums.along, count, theory.drift, second - theory.drift * theory.drift);
  result.second_moment_along =
      estimate(sums.along_squared, count, second, theory.fourth_moment_along - second * second);
  if (x_.size() > 1) {
    // of an accepted proposal this is chi^2/(N - 1) with N - 1 degrees of freedom
    const double across = theory.second_moment_across;
    const double fourth = across * (1 + 2 / static_cast<double>(x_.size() - 1));
    result.second_moment_across = estimate(sums.across_squared, count, across, fourth - across * across);
  }
  return result;
}

}  // namespace langevo
