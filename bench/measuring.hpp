#pragma once

#include <chrono>
#include <cstdio>

#include "langevo/statistics.hpp"

namespace langevo {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The end of a line: who decided the proposals, and what was made besides.
inline void print_decisions(const StepCounters& c) {
  const auto share = [&](std::uint64_t part) {
    return static_cast<double>(part) / static_cast<double>(c.steps);
  };
  std::printf(
      "model %.4f, nodes %.4f, float %.1e, double %.1e; anchors %.1e, replays %.1e, audits %.1e, spans %llu, "
      "repeated %llu\n",
      share(c.decided_by_model), share(c.decided_on_nodes), share(c.decided_by_float),
      share(c.decided_by_double + c.decided_by_value), share(c.anchors), share(c.replays),
      share(c.audits + c.model_audits), static_cast<unsigned long long>(c.spans),
      static_cast<unsigned long long>(c.repeated_spans));
}

}  // namespace langevo
