#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "langevo/run_file.hpp"
#include "langevo/run_options.hpp"

namespace langevo {

/// What the final table keeps of a record.
struct ReportRow {
  double time = 0;
  double loss_mean = 0;
  double loss_standard_error = 0;
  double loss_of_mean = 0;
  double accepted_fraction = 0;
  std::vector<double> scores = {};  ///< means over replicas
};

/// Gathers what is compared and told at the end of a run: Delta, and a few numbers of each record.
class RunReport {
 public:
  /// @param scores names of what a Scorer says of each record
  RunReport(const ReferenceTrajectory* reference, std::uint64_t replicas,
            std::vector<std::string> scores = {});

  void take(const EnsembleRecord& record);

  /// Delta at the records, and Delta of the mean of the first 1, 2, 5, 10 ... replicas of `ensemble` now.
  [[nodiscard]] Correspondence correspondence(const Ensemble& ensemble) const;

  /// The short table at the end of a run.
  [[nodiscard]] std::string table(const RunSummary& summary) const;

 private:
  const ReferenceTrajectory* reference_;
  std::uint64_t replicas_;
  std::vector<std::string> scores_;
  std::vector<ReportRow> rows_;
  std::vector<double> delta_;
};

/// 1, 2, 5, 10, 20, 50, ... up to and with `replicas`.
std::vector<std::uint64_t> averaging_sizes(std::uint64_t replicas);

}  // namespace langevo
