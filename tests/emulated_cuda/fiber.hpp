#pragma once

#include <cstddef>
#include <functional>

#include "stack_switch.hpp"

namespace emulated_cuda {

/// A function with a stack of its own that can pause and be resumed. One fiber runs at a time, in the thread
/// that resumes it. The address and thread sanitizers are told of every change of stack.
class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() calls body(). To the thread sanitizer it is a new thread, started by the caller.
  void start(const std::function<void()>* body);

  /// Runs the fiber until it pauses or its body ends.
  void resume();

  /// From within a fiber: back to resume().
  static void pause();

  /// Frees what the thread sanitizer keeps of the thread that start() began.
  void forget();

  [[nodiscard]] bool ended() const { return ended_; }

  /// The calls that led to a frame of this fiber, innermost first: body(return address) for each. Needs code
  /// that is compiled with frame pointers.
  template <class Body>
  void each_call(void* const* frame, const Body& body) const {
    for (; holds(frame) && frame[1] != nullptr; frame = static_cast<void* const*>(*frame)) body(frame[1]);
  }

 private:
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;
  static constexpr std::size_t guard_bytes = 4096;

  [[nodiscard]] bool holds(const void* address) const {
    return static_cast<const unsigned char*>(address) - stack_ < static_cast<std::ptrdiff_t>(stack_bytes) &&
           address >= stack_;
  }

  void new_stack();
  static void enter();

  unsigned char* stack_ = nullptr;
  Context context_;
  void* sanitizer_thread_ = nullptr;
  void* sanitizer_stack_ = nullptr;
  const std::function<void()>* body_ = nullptr;
  bool ended_ = true;
};

}  // namespace emulated_cuda
