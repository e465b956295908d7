#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#  include <ucontext.h>
#endif

namespace emulated_cuda {

#if defined(__x86_64__)

/// Where a computation was left. (The library's own swapcontext asks the kernel for the signal mask each
/// time, which takes ten times as long.)
struct Context {
  void* stack_pointer = nullptr;
};

/// Saves the registers that a call preserves and the stack pointer, and goes on with those of another stack.
extern "C" void emulated_cuda_switch(void** save, void* load);

inline void begin_context(Context& context, unsigned char* stack, std::size_t size, void (*entry)()) {
  constexpr int preserved_registers = 6;
  auto** top = reinterpret_cast<void**>(stack + size - 64);
  *--top = nullptr;  // the stack is aligned as at a function's entry
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < preserved_registers; ++i) *--top = nullptr;
  context.stack_pointer = top;
}

inline void switch_context(Context& from, const Context& to) {
  emulated_cuda_switch(&from.stack_pointer, to.stack_pointer);
}

#else

struct Context {
  ucontext_t registers;
};

inline void begin_context(Context& context, unsigned char* stack, std::size_t size, void (*entry)()) {
  getcontext(&context.registers);
  context.registers.uc_stack.ss_sp = stack;
  context.registers.uc_stack.ss_size = size;
  context.registers.uc_link = nullptr;
  makecontext(&context.registers, entry, 0);
}

inline void switch_context(Context& from, const Context& to) {
  swapcontext(&from.registers, &to.registers);
}

#endif

}  // namespace emulated_cuda
