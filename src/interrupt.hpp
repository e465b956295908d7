#pragma once

namespace langevo {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE ask for a clean stop. The first of the former two is
/// answered at once on standard error, and a second one ends the program. SIGXFSZ is ignored from then on.
/// One at a time: signals belong to the whole process. A signal that was ignored stays ignored.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  [[nodiscard]] static bool stop_requested();
};

}  // namespace langevo
