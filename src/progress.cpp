#include "progress.hpp"

#include <unistd.h>

#include <algorithm>

#include "text.hpp"

namespace langevo {

ProgressLine::ProgressLine(Workload workload, bool quiet, std::FILE* stream)
    : workload_(std::move(workload)),
      stream_(stream),
      quiet_(quiet),
      terminal_(::isatty(::fileno(stream)) != 0),
      begin_(Clock::now()),
      last_(begin_) {}

ProgressLine::~ProgressLine() {
  // What comes next starts on an empty line.
  if (shown_ && terminal_) std::fputs("\r\x1b[K", stream_);
}

bool ProgressLine::is_due(double fraction, Clock::time_point now) const {
  const std::chrono::duration<double> since = now - last_;
  if (terminal_) return since.count() >= 0.2;
  // The end of the run speaks for itself.
  if (fraction >= 1) return false;
  return since.count() >= 30 || (since.count() >= 2 && fraction - last_fraction_ >= 0.1);
}

void ProgressLine::show(double fraction) {
  const Clock::time_point now = Clock::now();
  if (quiet_ || !is_due(fraction, now)) return;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const std::string text = progress_text(workload_, fraction, seconds);
  std::fprintf(stream_, terminal_ ? "\r%s\x1b[K" : "%s\n", text.c_str());
  std::fflush(stream_);
  last_ = now;
  last_fraction_ = fraction;
  shown_ = true;
}

std::string progress_text(const Workload& workload, double fraction, double seconds) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  std::string text = workload.name + ": " + std::to_string(static_cast<int>(fraction * 100)) + " %";
  if (!(seconds > 0) || !(fraction > 0)) return text;
  const double rate = fraction * workload.steps / seconds;
  text += ", " + rounded(rate, 3) + " steps/s";
  if (workload.replicas > 1) text += ", " + rounded(rate * workload.replicas, 3) + " " + workload.unit + "/s";
  return text + ", " + duration_in_words(seconds / fraction - seconds) + " left";
}

}  // namespace langevo
