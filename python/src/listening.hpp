#pragma once

#include <exception>

#include "bindings.hpp"

namespace langevo::python {

/// Calls Python from long work in C++ that goes on without Python's lock (the GIL). What Python raises is
/// kept and asks the work to stop; Ctrl-C is raised in whatever is called next.
class Listening {
 public:
  /// Calls `speech` with the lock.
  template <class Speech>
  void call(const Speech& speech) {
    const nb::gil_scoped_acquire lock;
    try {
      speech();
    } catch (...) {
      if (!raised_) raised_ = std::current_exception();
      stop_ = true;
    }
  }

  [[nodiscard]] bool goes_on() const { return !stop_; }

  void request_stop() { stop_ = true; }

  /// Raises what was raised, once the work has ended.
  void raise() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  std::exception_ptr raised_;
  bool stop_ = false;
};

}  // namespace langevo::python
