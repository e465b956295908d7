#include "langevo/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/base/moments.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

void require_same_size(std::size_t here, std::size_t there) {
  if (here == there) return;
  throw InputError("vectors of " + std::to_string(here) + " and of " + std::to_string(there) +
                   " numbers do not go together; give as many");
}

}  // namespace

void Moments::add(std::span<const double> values) {
  require_same_size(mean.size(), values.size());
  ++count;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    add_to_moments(values[i], static_cast<double>(count), mean[i], sum_squared_deviations[i]);
  }
}

void Moments::merge(const Moments& other) {
  if (other.count == 0) return;
  require_same_size(mean.size(), other.mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    merge_moments(static_cast<double>(count), mean[i], sum_squared_deviations[i],
                  static_cast<double>(other.count), other.mean[i], other.sum_squared_deviations[i]);
  }
  count += other.count;
}

std::vector<double> Moments::variance() const {
  std::vector<double> variance(mean.size(), std::numeric_limits<double>::quiet_NaN());
  if (count < 2) return variance;
  for (std::size_t i = 0; i < variance.size(); ++i) {
    variance[i] = sum_squared_deviations[i] / static_cast<double>(count - 1);
  }
  return variance;
}

LossSummary summarize_losses(std::span<const double> losses) {
  if (losses.empty()) throw InputError("there is no loss to summarize; give at least one");
  Moments moments(1);
  for (const double& loss : losses) moments.add({&loss, 1});
  std::vector<double> sorted(losses.begin(), losses.end());
  std::sort(sorted.begin(), sorted.end());
  LossSummary summary;
  summary.mean = moments.mean.front();
  summary.variance = moments.variance().front();
  summary.min = sorted.front();
  summary.max = sorted.back();
  for (std::size_t q = 0; q < loss_quantile_levels.size(); ++q) {
    const double position = loss_quantile_levels[q] * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    summary.quantiles[q] =
        sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
  }
  return summary;
}

double mean_squared_difference(std::span<const double> a, std::span<const double> b) {
  require_same_size(a.size(), b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

std::uint64_t StepCounters::decided_exactly() const {
  return decided_by_float + decided_by_double + decided_by_value + not_finite;
}

StepCounters& StepCounters::operator+=(const StepCounters& other) {
  steps += other.steps;
  accepted += other.accepted;
  decided_by_float += other.decided_by_float;
  decided_by_double += other.decided_by_double;
  decided_by_value += other.decided_by_value;
  not_finite += other.not_finite;
  audits += other.audits;
  audit_failures += other.audit_failures;
  decided_by_model += other.decided_by_model;
  anchors += other.anchors;
  replays += other.replays;
  model_audits += other.model_audits;
  model_failures += other.model_failures;
  decided_on_nodes += other.decided_on_nodes;
  spans += other.spans;
  repeated_spans += other.repeated_spans;
  gradients += other.gradients;
  return *this;
}

StepCounters operator-(StepCounters a, const StepCounters& b) {
  a.steps -= b.steps;
  a.accepted -= b.accepted;
  a.decided_by_float -= b.decided_by_float;
  a.decided_by_double -= b.decided_by_double;
  a.decided_by_value -= b.decided_by_value;
  a.not_finite -= b.not_finite;
  a.audits -= b.audits;
  a.audit_failures -= b.audit_failures;
  a.decided_by_model -= b.decided_by_model;
  a.anchors -= b.anchors;
  a.replays -= b.replays;
  a.model_audits -= b.model_audits;
  a.model_failures -= b.model_failures;
  a.decided_on_nodes -= b.decided_on_nodes;
  a.spans -= b.spans;
  a.repeated_spans -= b.repeated_spans;
  a.gradients -= b.gradients;
  return a;
}

}  // namespace langevo
