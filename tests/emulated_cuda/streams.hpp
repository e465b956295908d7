#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "machine.hpp"

/// Streams and events. What a stream is told to do waits in its queue until somebody needs it, or is done at
/// once, as Machine::streams says; the results of a right program are the same. To the thread sanitizer each
/// stream is a thread of its own, which events and waits order.
namespace emulated_cuda {

class Stream;

/// A point in the work of a stream.
struct Mark {
  Stream* stream = nullptr;
  bool reached = true;
  char tag = 0;
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void submit(std::function<void()> work);
  void submit_mark(const std::shared_ptr<Mark>& mark);
  void submit_wait(const std::shared_ptr<Mark>& mark);

  /// Does all that waits; what was done is before what the caller does next.
  void drain();

  /// Does what waits up to the mark.
  void drain_until(const Mark& mark);

  static const std::set<Stream*>& all();
  static void drain_all();

 private:
  struct Work {
    std::function<void()> run;
    std::shared_ptr<Mark> awaits;
    std::unique_ptr<char> submitted;  ///< tag
  };

  void add(Work work);
  void do_next();
  void as_stream(const std::function<void()>& body);
  static void do_some();

  std::deque<Work> queue_;
  void* sanitizer_thread_;
  char tag_ = 0;
};

/// Has done what is before the mark, and orders it before what the caller does next.
void wait_for(Mark& mark);

}  // namespace emulated_cuda
