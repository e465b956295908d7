#pragma once

namespace langevo {

/// While it lives, the first SIGINT or SIGTERM asks for a clean stop and the second one ends the program.
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
