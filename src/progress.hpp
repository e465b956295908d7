#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "langevo/run_request.hpp"

namespace langevo {

/// Tells how far a run is: one line rewritten several times a second on a terminal, else a line at every
/// tenth or every half minute, or nothing.
class ProgressLine {
 public:
  ProgressLine(Workload workload, bool quiet, std::FILE* stream = stderr);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(double fraction);

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool is_due(double fraction, Clock::time_point now) const;

  Workload workload_;
  std::FILE* stream_;
  bool quiet_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point begin_;
  Clock::time_point last_;
  double last_fraction_ = 0;
};

/// "run.nc: 42 %, 1.2e+04 steps/s, 1.2e+07 proposals/s, 45 s left".
std::string progress_text(const Workload& workload, double fraction, double seconds);

}  // namespace langevo
