#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "langevo/ensemble.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// A measured mean beside the number it should be.
struct Estimate {
  double measured = 0;
  double expected = 0;
  double standard_error = 0;  ///< of the mean, from the exact distribution

  /// How many standard errors it is off.
  [[nodiscard]] double z() const;
};

/// One Metropolis step from one x, averaged over many replicas, beside one_step_theory: displacements in
/// units of sigma.
struct OneStepMoments {
  double a = 0;
  double beta = 0;
  Estimate acceptance;
  Estimate drift;
  Estimate second_moment_along;
  Estimate second_moment_across;  ///< mean over the N - 1 directions; all zero where N = 1
  StepCounters counters;
};

/// Where and how many proposals are made.
struct OneStepSample {
  std::uint64_t replicas = 1000000;  ///< one proposal each
  std::uint64_t first_replica = 0;
  std::uint64_t seed = 1;
  std::uint64_t step = 0;  ///< of the random numbers
  Precision precision = Precision::float32;
  BackendOptions backend = {};
};

/// x and how the loss behaves around it.
class OneStepProbe {
 public:
  /// @throws InputError where the gradient at x is 0 or not finite: there is no direction to measure along;
  /// and for x or sigma of another size than the network
  OneStepProbe(const Problem& problem, std::vector<double> x, std::vector<double> sigma);

  [[nodiscard]] double loss() const { return loss_; }
  [[nodiscard]] double scaled_gradient_norm() const { return norm_; }  ///< |sigma.g|

  /// By how many standard errors of `replicas` proposals the curvature of the loss moves the results, about:
  /// the theory holds where this is small. Proportional to sigma.
  [[nodiscard]] double curvature_shift(std::uint64_t replicas) const;

  /// Replicas go through memory in batches.
  /// @param a beta |sigma.g| in (0, inf]
  /// @throws InputError for another a, or replicas and steps without random numbers
  [[nodiscard]] OneStepMoments measure(double a, const OneStepSample& sample) const;

 private:
  const Problem* problem_;
  std::vector<double> x_;
  std::vector<double> sigma_;
  std::vector<double> direction_;  ///< of sigma_i g_i, length 1
  double loss_ = 0;
  double norm_ = 0;
  double curvature_ = 0;  ///< change of loss by second order over that by first order, of a proposal
};

}  // namespace langevo
