#pragma once

#include <stdexcept>

namespace langevo {

/// The user asked for something that cannot be done as asked: one sentence that says what is wrong, the
/// value, and what to do. The program ends with exit code 2.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A valid request failed while it ran (disk full, device lost, loss not finite). Exit code 1.
struct RunError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace langevo
