#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace langevo {

/// Replicas are reduced in fixed chunks of this many consecutive ones, by their global index: each chunk in
/// order, then the chunks in order, so that threads, ranks and shards that begin with a chunk cannot change a
/// bit of the result.
inline constexpr std::size_t replicas_per_chunk = 32;

/// Count, mean and sum of squared deviations of every parameter over replicas. Sizes that differ are an
/// InputError.
struct Moments {
  std::uint64_t count = 0;
  std::vector<double> mean;
  std::vector<double> sum_squared_deviations;

  explicit Moments(std::size_t size = 0) : mean(size), sum_squared_deviations(size) {}

  /// Takes one more sample in (Welford, Technometrics 4, 419 (1962)).
  void add(std::span<const double> values);

  /// Takes the samples of `other` in (Chan, Golub, LeVeque, Am. Stat. 37, 242 (1983), eq. 1.5).
  void merge(const Moments& other);

  /// Variance with n - 1 in the denominator; NaN for fewer than two samples, which have none.
  [[nodiscard]] std::vector<double> variance() const;
};

inline constexpr std::array<double, 5> loss_quantile_levels{0.05, 0.25, 0.5, 0.75, 0.95};

/// The replicas' losses at one time, at least one, reduced. Quantiles interpolate linearly between order
/// statistics.
struct LossSummary {
  double mean = 0;
  double variance = 0;  ///< NaN for one replica
  double min = 0;
  double max = 0;
  std::array<double, loss_quantile_levels.size()> quantiles{};
};

LossSummary summarize_losses(std::span<const double> losses);

/// Delta = (1/N) sum_i (a_i - b_i)^2, the paper's distance of the mean replica from the gradient trajectory.
double mean_squared_difference(std::span<const double> a, std::span<const double> b);

/// What happened to the proposals (or steps) of an ensemble.
struct StepCounters {
  std::uint64_t steps = 0;     ///< replicas times steps, whatever the rule
  std::uint64_t accepted = 0;  ///< proposals that were accepted
  std::uint64_t decided_by_model =
      0;  ///< screened acceptance: the local model's bound excluded the threshold
  std::uint64_t decided_on_nodes = 0;   ///< by the change on the nodes of a quadrature, in float or double
  std::uint64_t decided_by_float = 0;   ///< first rung: float change, bound excluded the threshold
  std::uint64_t decided_by_double = 0;  ///< second rung: double change, bound excluded the threshold
  std::uint64_t decided_by_value = 0;  ///< threshold inside the double bound too: decided by the double value
  std::uint64_t not_finite = 0;        ///< proposals whose loss is not finite: rejected
  std::uint64_t audits = 0;            ///< proposals sent on to double only to measure the float rung's error
  std::uint64_t audit_failures = 0;    ///< audits that found an error above the bound in use
  std::uint64_t anchors = 0;           ///< local models made
  std::uint64_t replays = 0;           ///< stretches done again because their model was worse than assumed
  std::uint64_t model_audits = 0;      ///< proposals evaluated exactly only to measure the model's error
  std::uint64_t model_failures = 0;    ///< exact evaluations that found an error above the model's bound
  std::uint64_t spans = 0;             ///< of proposals on nodes, ended with a gradient on all points
  std::uint64_t repeated_spans = 0;    ///< of those, done again as the nodes left out more than assumed

  std::uint64_t gradients = 0;  ///< that gradient rules took their steps by

  /// Proposals that an evaluation of the loss change on all points decided.
  [[nodiscard]] std::uint64_t decided_exactly() const;
  /// Proposals decided; 0 for rules without an acceptance test.
  [[nodiscard]] std::uint64_t decided() const {
    return decided_by_model + decided_on_nodes + decided_exactly();
  }

  StepCounters& operator+=(const StepCounters& other);
  friend StepCounters operator-(StepCounters a, const StepCounters& b);
};

/// Errors of one kind, measured now and then; unit 1.
struct MeasuredError {
  std::uint64_t count = 0;
  double largest = 0;
  double root_mean_square = 0;
};

/// What was measured of an ensemble's gradient steps since their states were set.
struct GradientErrors {
  MeasuredError gradient;  ///< of gradients, against those in double on all points, relative to |sigma.g|
  MeasuredError halves;    ///< of followed steps against two halves of them, as such errors add up over
                           ///< thousands of steps, relative to the way moved
  MeasuredError steps;     ///< and against exact steps
  std::uint64_t replicas_on_nodes = 0;   ///< whose gradients are those on the nodes of a quadrature
  std::uint64_t replicas_in_double = 0;  ///< whose gradients in float err too much, or are not wanted
};

}  // namespace langevo
