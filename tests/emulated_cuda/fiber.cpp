#include "fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "sanitizers.hpp"

namespace emulated_cuda {

namespace {

thread_local Fiber* running = nullptr;
thread_local Context resumer;
thread_local void* resumer_sanitizer_thread = nullptr;
thread_local void* resumer_sanitizer_stack = nullptr;
thread_local const void* resumer_stack_bottom = nullptr;
thread_local std::size_t resumer_stack_size = 0;

}  // namespace

#if defined(__x86_64__)
asm(R"(
.text
.globl emulated_cuda_switch
.type emulated_cuda_switch,@function
emulated_cuda_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulated_cuda_switch,.-emulated_cuda_switch
)");
#endif

Fiber::~Fiber() {
  forget();
  if (stack_ != nullptr) munmap(stack_, stack_bytes);
}

void Fiber::forget() {
  if (sanitizer_thread_ != nullptr) sanitizers::end_thread(sanitizer_thread_);
  sanitizer_thread_ = nullptr;
}

/// In place of the old one, if any: to the thread sanitizer what was done on that is nothing to this one.
void Fiber::new_stack() {
  const int fixed = stack_ == nullptr ? 0 : MAP_FIXED;
  void* const mapped =
      mmap(stack_, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
  if (mapped == MAP_FAILED) std::abort();
  stack_ = static_cast<unsigned char*>(mapped);
  mprotect(stack_, guard_bytes, PROT_NONE);
}

void Fiber::start(const std::function<void()>* body) {
  forget();
  if (stack_ == nullptr || sanitizers::finds_races) new_stack();
  body_ = body;
  ended_ = false;
  sanitizers::clear_stack(stack_ + guard_bytes, stack_bytes - guard_bytes);
  begin_context(context_, stack_ + guard_bytes, stack_bytes - guard_bytes, &Fiber::enter);
  sanitizer_thread_ = sanitizers::begin_thread();
}

void Fiber::resume() {
  running = this;
  resumer_sanitizer_thread = sanitizers::this_thread();
  sanitizers::leave_stack(&resumer_sanitizer_stack, stack_ + guard_bytes, stack_bytes - guard_bytes);
  sanitizers::go_on_as(sanitizer_thread_);
  switch_context(resumer, context_);
  sanitizers::arrive_on_stack(resumer_sanitizer_stack, nullptr, nullptr);
  running = nullptr;
}

void Fiber::pause() {
  Fiber* const self = running;
  sanitizers::leave_stack(self->ended_ ? nullptr : &self->sanitizer_stack_, resumer_stack_bottom,
                          resumer_stack_size);
  sanitizers::go_on_as(resumer_sanitizer_thread);
  switch_context(self->context_, resumer);
  sanitizers::arrive_on_stack(self->sanitizer_stack_, &resumer_stack_bottom, &resumer_stack_size);
}

void Fiber::enter() {
  sanitizers::arrive_on_stack(nullptr, &resumer_stack_bottom, &resumer_stack_size);
  (*running->body_)();
  running->ended_ = true;
  pause();
  std::abort();  // nobody resumes what has ended
}

}  // namespace emulated_cuda
