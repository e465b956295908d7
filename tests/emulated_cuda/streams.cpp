#include "streams.hpp"

#include <iterator>
#include <utility>

#include "sanitizers.hpp"
#include "thread_block.hpp"

namespace emulated_cuda {

namespace {

std::set<Stream*>& registry() {
  static std::set<Stream*> streams;
  return streams;
}

}  // namespace

Stream::Stream() : sanitizer_thread_(sanitizers::begin_thread()) {
  registry().insert(this);
}

Stream::~Stream() {
  drain();
  registry().erase(this);
  if (sanitizer_thread_ != nullptr) sanitizers::end_thread(sanitizer_thread_);
}

const std::set<Stream*>& Stream::all() {
  return registry();
}

void Stream::drain_all() {
  for (Stream* const stream : registry()) stream->drain();
}

void Stream::as_stream(const std::function<void()>& body) {
  void* const caller = sanitizers::this_thread();
  sanitizers::go_on_as(sanitizer_thread_);
  body();
  sanitizers::go_on_as(caller);
}

void Stream::add(Work work) {
  work.submitted = std::make_unique<char>();
  sanitizers::release(work.submitted.get());
  queue_.push_back(std::move(work));
  if (machine().streams == Streams::eager) {
    while (!queue_.empty()) do_next();
  } else if (machine().streams == Streams::random) {
    do_some();
  }
}

void Stream::submit(std::function<void()> work) {
  add({std::move(work), nullptr, nullptr});
}

void Stream::submit_mark(const std::shared_ptr<Mark>& mark) {
  mark->stream = this;
  mark->reached = false;
  add({[mark] {
         sanitizers::release(&mark->tag);
         mark->reached = true;
       },
       nullptr, nullptr});
}

void Stream::submit_wait(const std::shared_ptr<Mark>& mark) {
  add({[mark] { sanitizers::acquire(&mark->tag); }, mark, nullptr});
}

void Stream::do_next() {
  Work work = std::move(queue_.front());
  queue_.pop_front();
  if (work.awaits != nullptr && !work.awaits->reached) work.awaits->stream->drain_until(*work.awaits);
  as_stream([&] {
    sanitizers::acquire(work.submitted.get());
    work.run();
    work = {};  // freed by whom it belongs to
  });
}

void Stream::drain() {
  while (!queue_.empty()) do_next();
  as_stream([&] { sanitizers::release(&tag_); });
  sanitizers::acquire(&tag_);
}

void Stream::drain_until(const Mark& mark) {
  while (!mark.reached && !queue_.empty()) do_next();
}

/// Some of what waits, in streams chosen at random.
void Stream::do_some() {
  for (std::size_t turn = generator()() % 4; turn > 0; --turn) {
    auto chosen = registry().begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(generator()() % registry().size()));
    if (!(*chosen)->queue_.empty()) (*chosen)->do_next();
  }
}

void wait_for(Mark& mark) {
  if (!mark.reached) mark.stream->drain_until(mark);
  sanitizers::acquire(&mark.tag);
}

}  // namespace emulated_cuda
