#include "run_report.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "measured_error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Replicas fetched at a time: enough to be quick, few enough to need no memory worth counting.
constexpr std::uint64_t replicas_per_fetch = 64;
constexpr std::size_t most_rows = 6;

std::string share(std::uint64_t part, std::uint64_t whole) {
  return rounded(100 * static_cast<double>(part) / static_cast<double>(whole), 4) + " %";
}

}  // namespace

std::vector<std::uint64_t> averaging_sizes(std::uint64_t replicas) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t decade = 1; decade <= replicas; decade *= 10) {
    for (const std::uint64_t factor : {1, 2, 5}) {
      if (decade * factor < replicas) sizes.push_back(decade * factor);
    }
  }
  sizes.push_back(replicas);
  return sizes;
}

RunReport::RunReport(const ReferenceTrajectory* reference, std::uint64_t replicas,
                     std::vector<std::string> scores)
    : reference_(reference), replicas_(replicas), scores_(std::move(scores)) {}

void RunReport::take(const EnsembleRecord& record) {
  if (reference_) {
    delta_.push_back(mean_squared_difference(reference_->parameter[rows_.size()], record.parameter_mean));
  }
  rows_.push_back({record.time,
                   record.loss.mean,
                   std::sqrt(record.loss.variance / static_cast<double>(replicas_)),
                   record.loss_of_mean,
                   record.accepted_fraction,
                   {}});
  for (const ScoreSummary& score : record.scores) rows_.back().scores.push_back(score.mean);
}

Correspondence RunReport::correspondence(const Ensemble& ensemble) const {
  Correspondence result{delta_, averaging_sizes(replicas_), {}};
  const std::vector<double>& target = reference_->parameter[rows_.size() - 1];
  const std::size_t parameters = target.size();
  std::vector<double> sum(parameters);
  std::vector<double> mean(parameters);
  std::uint64_t done = 0;
  for (const std::uint64_t size : result.replicas_averaged) {
    while (done < size) {
      const std::uint64_t count = std::min(replicas_per_fetch, size - done);
      const std::vector<double> states = ensemble.parameters(done, count);
      for (std::size_t i = 0; i < states.size(); ++i) sum[i % parameters] += states[i];
      done += count;
    }
    for (std::size_t i = 0; i < parameters; ++i) mean[i] = sum[i] / static_cast<double>(size);
    result.delta_by_replicas.push_back(mean_squared_difference(target, mean));
  }
  return result;
}

std::string RunReport::table(const RunSummary& summary) const {
  std::ostringstream out;
  const auto cell = [&out](const std::string& text, int width) { out << std::setw(width) << text; };
  cell("t", 10);
  if (reference_) cell("gradient loss", 15);
  cell("mean loss", 13);
  cell("+-", 10);
  cell("of mean net", 13);
  if (reference_) cell("Delta", 11);
  cell("accepted", 10);
  for (std::string score : scores_) {
    std::replace(score.begin(), score.end(), '_', ' ');
    cell(score, 15);
  }
  out << '\n';
  const std::size_t shown = std::min(most_rows, rows_.size());
  for (std::size_t k = 0; k < shown; ++k) {
    const std::size_t i = shown == 1 ? 0 : k * (rows_.size() - 1) / (shown - 1);
    cell(rounded(rows_[i].time, 4), 10);
    if (reference_) cell(rounded(reference_->loss[i], 6), 15);
    cell(rounded(rows_[i].loss_mean, 6), 13);
    cell(rounded_or_dash(rows_[i].loss_standard_error, 2), 10);
    cell(rounded(rows_[i].loss_of_mean, 6), 13);
    if (reference_) cell(rounded(delta_[i], 3), 11);
    cell(rounded_or_dash(rows_[i].accepted_fraction, 4), 10);
    for (const double score : rows_[i].scores) cell(rounded(score, 6), 15);
    out << '\n';
  }
  const StepCounters& counters = summary.counters;
  const std::uint64_t decided = counters.decided();
  const auto steps = static_cast<double>(counters.steps);
  const std::string unit = decided > 0 ? "proposals" : "replica steps";
  out << rounded(steps, 6) << ' ' << unit << " in " << duration_in_words(summary.wall_seconds) << ", "
      << rounded(steps / summary.wall_seconds, 3) << ' ' << unit << "/s\n";
  if (decided > 0) {
    out << "decided by ";
    if (counters.anchors > 0) out << "local model " << share(counters.decided_by_model, decided) << ", ";
    if (counters.decided_on_nodes > 0) out << "nodes " << share(counters.decided_on_nodes, decided) << ", ";
    out << "float " << share(counters.decided_by_float, decided) << ", double "
        << share(counters.decided_by_double, decided) << ", value "
        << share(counters.decided_by_value, decided) << "; not finite " << counters.not_finite
        << "; audits of the float bound " << counters.audits << ", failed " << counters.audit_failures
        << '\n';
  }
  if (counters.anchors > 0) {
    out << "local models " << counters.anchors << ", replayed " << counters.replays
        << "; audits of their bounds " << counters.model_audits << ", exact evaluations above the bound "
        << counters.model_failures << '\n';
  }
  if (counters.spans > 0) {
    out << "gradients on all points to check the nodes " << counters.spans << ", spans done again "
        << counters.repeated_spans << '\n';
  }
  if (counters.gradients > 0) {
    const GradientErrors& errors = summary.gradient_errors;
    out << "gradients " << counters.gradients << ", one for "
        << rounded(steps / static_cast<double>(counters.gradients), 3) << " steps"
        << in_words(errors.gradient) << '\n';
    if (errors.halves.count > 0)
      out << "followed steps against their halves" << in_words(errors.halves)
          << (errors.steps.count > 0 ? "; against exact steps" + in_words(errors.steps) : "") << '\n';
    if (errors.gradient.count > 0)
      out << "replicas with gradients on nodes at the end " << errors.replicas_on_nodes << ", in double "
          << errors.replicas_in_double << '\n';
  }
  return out.str();
}

}  // namespace langevo
