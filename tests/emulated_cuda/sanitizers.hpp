#pragma once

#include <cstddef>

#if defined(EMULATED_CUDA_FINDS_RACES)
#  include <sanitizer/tsan_interface.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#  include <sanitizer/asan_interface.h>
#  include <sanitizer/common_interface_defs.h>
#endif

/// What sanitizers have to be told: changes of stack and, where races are looked for, which accesses are
/// ordered. Files that emulate are compiled without the thread sanitizer, so that it sees CUDA code and
/// copies alone.
namespace emulated_cuda::sanitizers {

#if defined(EMULATED_CUDA_FINDS_RACES)
inline void* this_thread() {
  return __tsan_get_current_fiber();
}
inline void* begin_thread() {
  return __tsan_create_fiber(0);
}
inline void end_thread(void* thread) {
  __tsan_destroy_fiber(thread);
}
inline void go_on_as(void* thread) {
  __tsan_switch_to_fiber(thread, __tsan_switch_to_fiber_no_sync);
}
/// What this thread did until now is before what another one does after acquire() of the same address.
inline void release(void* tag) {
  __tsan_release(tag);
}
inline void acquire(void* tag) {
  __tsan_acquire(tag);
}
inline constexpr bool finds_races = true;
#else
inline void* this_thread() {
  return nullptr;
}
inline void* begin_thread() {
  return nullptr;
}
inline void end_thread(void* /*thread*/) {}
inline void go_on_as(void* /*thread*/) {}
inline void release(void* /*tag*/) {}
inline void acquire(void* /*tag*/) {}
inline constexpr bool finds_races = false;
#endif

#if defined(__SANITIZE_ADDRESS__)
inline void clear_stack(unsigned char* bottom, std::size_t size) {
  __asan_unpoison_memory_region(bottom, size);
}
inline void leave_stack(void** keep, const void* next_bottom, std::size_t next_size) {
  __sanitizer_start_switch_fiber(keep, next_bottom, next_size);
}
inline void arrive_on_stack(void* kept, const void** last_bottom, std::size_t* last_size) {
  __sanitizer_finish_switch_fiber(kept, last_bottom, last_size);
}
#else
inline void clear_stack(unsigned char* /*bottom*/, std::size_t /*size*/) {}
inline void leave_stack(void** /*keep*/, const void* /*next_bottom*/, std::size_t /*next_size*/) {}
inline void arrive_on_stack(void* /*kept*/, const void** /*last_bottom*/, std::size_t* /*last_size*/) {}
#endif

}  // namespace emulated_cuda::sanitizers
