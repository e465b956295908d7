#include "thread_block.hpp"

#include <cxxabi.h>
#include <execinfo.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fiber.hpp"
#include "sanitizers.hpp"

namespace emulated_cuda {

ThreadPlace here;

namespace {

constexpr unsigned whole_warp = 0xffffffffu;

enum class Wait { nothing, warp_barrier, exchange, vote, ballot, block_barrier };

const char* name_of(Wait wait) {
  switch (wait) {
    case Wait::warp_barrier:
      return "__syncwarp";
    case Wait::exchange:
      return "a shuffle";
    case Wait::vote:
    case Wait::ballot:
      return "a vote";
    case Wait::block_barrier:
      return "__syncthreads";
    case Wait::nothing:
      break;
  }
  return "nothing";
}

struct Thread {
  Fiber fiber;
  Wait wait = Wait::nothing;
  std::uint64_t value = 0;       ///< given to a collective,
  int partner = 0;               ///< and whose the thread is to get
  void* const* frame = nullptr;  ///< of the collective that it waits at,
  std::uint64_t way = 0;         ///< and a hash of the calls that led there
};

constexpr int most_threads = 1024;

/// Of the block that runs now; their stacks are kept for the next one.
Thread* const threads = new Thread[most_threads];
Thread* current = nullptr;
Order chosen_order = Order::ascending;

/// Tags for the thread sanitizer: barriers order memory, shuffles and votes do not (CUDA C++ Programming
/// Guide, "Warp Shuffle Functions"). Two of each take turns, as a fast lane may be at the next barrier
/// already.
char warp_tags[2][most_threads / warp_size];
char block_tags[2];
char end_tag;

void print_call(void* address) {
  char** const symbols = backtrace_symbols(&address, 1);
  std::string line = symbols[0];
  std::free(symbols);
  const std::size_t begin = line.find('(');
  const std::size_t end = line.find_first_of("+)", begin);
  if (begin != std::string::npos && end > begin + 1) {
    int status = 1;
    char* const name =
        abi::__cxa_demangle(line.substr(begin + 1, end - begin - 1).c_str(), nullptr, nullptr, &status);
    if (status == 0) line = std::string(name).substr(0, 200) + line.substr(end);
    std::free(name);
  }
  std::fprintf(stderr, "    %s\n", line.c_str());
}

[[noreturn]] void fail_at(const std::string& sentence, int one, int other) {
  for (const int t : {one, other}) {
    const Thread& thread = threads[t];
    std::fprintf(stderr, "  thread %d of block %u %s\n", t, here.block.x,
                 thread.fiber.ended() ? "has ended" : (std::string("is at ") + name_of(thread.wait)).c_str());
    if (!thread.fiber.ended()) thread.fiber.each_call(thread.frame, print_call);
  }
  fail(sentence);
}

void wait_for(Wait what, std::uint64_t value, int partner, void* const* frame) {
  current->wait = what;
  current->value = value;
  current->partner = partner;
  current->frame = frame;
  std::uint64_t way = 0;
  current->fiber.each_call(frame, [&](void* address) {
    way = way * 0x9e3779b97f4a7c15u + reinterpret_cast<std::uint64_t>(address);
  });
  current->way = way;
  Fiber::pause();
}

void expect_whole_warp(unsigned mask) {
  if (mask != whole_warp) fail("collectives of a part of a warp are not emulated");
}

/// Whether a barrier passed by the thread is an even or an odd one.
bool odd_warp_barrier[most_threads];
bool odd_block_barrier[most_threads];

void run_thread(int t) {
  Thread& thread = threads[t];
  current = &thread;
  here.thread = {static_cast<unsigned>(t), 0, 0};
  thread.wait = Wait::nothing;
  thread.way = 0;
  thread.fiber.resume();
}

/// Threads first .. end - 1.
struct Warp {
  int first;
  int end;
};

enum class WarpState { ready, at_block_barrier, ended };

/// What all lanes of a warp have come to; ready where they have met and can go on.
WarpState meet(const Warp& warp) {
  const Thread& first = threads[warp.first];
  for (int t = warp.first + 1; t < warp.end; ++t) {
    const Thread& thread = threads[t];
    if (thread.wait == first.wait && thread.way == first.way && thread.fiber.ended() == first.fiber.ended())
      continue;
    if (thread.fiber.ended() != first.fiber.ended())
      fail_at("a lane of a warp has ended while others wait for it", warp.first, t);
    if (thread.wait != first.wait) fail_at("lanes of a warp are at different collectives", warp.first, t);
    fail_at("lanes of a warp have come to a collective by different ways", warp.first, t);
  }
  if (first.fiber.ended()) return WarpState::ended;
  return first.wait == Wait::block_barrier ? WarpState::at_block_barrier : WarpState::ready;
}

/// Gives lanes that have met what they get of each other.
void exchange_values(const Warp& warp) {
  const Wait met_at = threads[warp.first].wait;
  if (met_at == Wait::warp_barrier) return;
  const int lanes = warp.end - warp.first;
  std::uint64_t value[warp_size];
  for (int lane = 0; lane < lanes; ++lane) value[lane] = threads[warp.first + lane].value;
  const std::uint64_t most = *std::max_element(value, value + lanes);
  std::uint64_t ballot = 0;
  for (int lane = 0; lane < lanes; ++lane) ballot |= (value[lane] != 0 ? std::uint64_t{1} : 0) << lane;
  for (int lane = 0; lane < lanes; ++lane) {
    Thread& thread = threads[warp.first + lane];
    if (met_at == Wait::exchange && thread.partner >= lanes)
      fail("a shuffle asks a lane that does not exist");
    thread.value = met_at == Wait::exchange ? value[thread.partner] : met_at == Wait::ballot ? ballot : most;
  }
}

/// first, first + 1, ... in the order of this turn.
class Turns {
 public:
  Turns(int first, int count) : count_(count) {
    for (int i = 0; i < count; ++i)
      place_[i] = first + (chosen_order == Order::descending ? count - 1 - i : i);
    shuffle();
  }
  void shuffle() {
    if (chosen_order == Order::random) std::shuffle(place_, place_ + count_, generator());
  }
  [[nodiscard]] const int* begin() const { return place_; }
  [[nodiscard]] const int* end() const { return place_ + count_; }

 private:
  int place_[warp_size];  // of lanes, or of the warps of a block
  int count_;
};

/// Runs a warp on to a barrier of the block or to its end; in random order perhaps to its next collective
/// only, so that warps overtake each other.
WarpState run_warp(const Warp& warp) {
  Turns lanes(warp.first, warp.end - warp.first);
  for (;;) {
    for (const int t : lanes) run_thread(t);
    const WarpState state = meet(warp);
    if (state != WarpState::ready) return state;
    exchange_values(warp);
    if (chosen_order != Order::random) continue;
    lanes.shuffle();
    if (generator()() % 16 == 0) return state;
  }
}

void run_block(int count) {
  std::vector<Warp> warps;
  for (int t = 0; t < count; t += warp_size) warps.push_back({t, std::min(count, t + warp_size)});
  std::vector<WarpState> state(warps.size(), WarpState::ready);
  const auto all = [&](WarpState wanted) {
    return std::all_of(state.begin(), state.end(), [&](WarpState each) { return each == wanted; });
  };
  while (!all(WarpState::ended)) {
    for (const int w : Turns(0, static_cast<int>(warps.size()))) {
      const auto at = static_cast<std::size_t>(w);
      if (state[at] == WarpState::ready) state[at] = run_warp(warps[at]);
    }
    if (std::find(state.begin(), state.end(), WarpState::ready) != state.end()) continue;
    if (all(WarpState::ended)) return;
    const auto ended = std::find(state.begin(), state.end(), WarpState::ended);
    if (ended != state.end()) {
      const auto waits = std::find(state.begin(), state.end(), WarpState::at_block_barrier);
      fail_at("a warp has ended while others of its block wait in __syncthreads, which nobody can leave",
              warps[static_cast<std::size_t>(waits - state.begin())].first,
              warps[static_cast<std::size_t>(ended - state.begin())].first);
    }
    for (const Warp& warp : warps) {
      if (threads[warp.first].way != threads[0].way)
        fail_at("warps of a block have come to __syncthreads by different ways", 0, warp.first);
    }
    std::fill(state.begin(), state.end(), WarpState::ready);
  }
}

}  // namespace

std::mt19937& generator() {
  static std::mt19937 random(1);
  return random;
}

void set_order(Order wanted, std::uint32_t seed) {
  chosen_order = wanted;
  generator().seed(seed);
}

Order order() {
  return chosen_order;
}

void fail(const std::string& sentence) {
  std::fprintf(stderr, "emulated CUDA: %s\n", sentence.c_str());
  std::fflush(stderr);
  std::abort();
}

__attribute__((noinline)) void synchronize_warp(unsigned mask) {
  expect_whole_warp(mask);
  bool& odd = odd_warp_barrier[here.thread.x];
  void* const tag = &warp_tags[odd ? 1 : 0][here.thread.x / warp_size];
  odd = !odd;
  sanitizers::release(tag);
  wait_for(Wait::warp_barrier, 0, 0, static_cast<void* const*>(__builtin_frame_address(0)));
  sanitizers::acquire(tag);
}

__attribute__((noinline)) void synchronize_block() {
  bool& odd = odd_block_barrier[here.thread.x];
  void* const tag = &block_tags[odd ? 1 : 0];
  odd = !odd;
  sanitizers::release(tag);
  wait_for(Wait::block_barrier, 0, 0, static_cast<void* const*>(__builtin_frame_address(0)));
  sanitizers::acquire(tag);
}

__attribute__((noinline)) std::uint64_t exchange_xor(unsigned mask, std::uint64_t bits, int lane_mask) {
  expect_whole_warp(mask);
  const int partner = static_cast<int>(here.thread.x % warp_size) ^ lane_mask;
  wait_for(Wait::exchange, bits, partner, static_cast<void* const*>(__builtin_frame_address(0)));
  return current->value;
}

__attribute__((noinline)) std::uint64_t exchange(unsigned mask, std::uint64_t bits, int lane) {
  expect_whole_warp(mask);
  const int partner = lane & (warp_size - 1);
  wait_for(Wait::exchange, bits, partner, static_cast<void* const*>(__builtin_frame_address(0)));
  return current->value;
}

__attribute__((noinline)) bool any(unsigned mask, bool value) {
  expect_whole_warp(mask);
  wait_for(Wait::vote, value ? 1 : 0, 0, static_cast<void* const*>(__builtin_frame_address(0)));
  return current->value != 0;
}

__attribute__((noinline)) unsigned ballot(unsigned mask, bool value) {
  expect_whole_warp(mask);
  wait_for(Wait::ballot, value ? 1 : 0, 0, static_cast<void* const*>(__builtin_frame_address(0)));
  return static_cast<unsigned>(current->value);
}

void run_grid(unsigned blocks, int count, const std::function<void()>& body,
              const std::function<void()>& prepare) {
  if (count > most_threads) fail("a block has more than 1024 threads");
  here.block_size = {static_cast<unsigned>(count), 1, 1};
  here.grid_size = {blocks, 1, 1};
  const std::function<void()> as_thread = [&body] {
    body();
    sanitizers::release(&end_tag);
  };
  for (unsigned block = 0; block < blocks; ++block) {
    here.block = {chosen_order == Order::descending ? blocks - 1 - block : block, 0, 0};
    if (prepare) prepare();
    for (int t = 0; t < count; ++t) threads[t].fiber.start(&as_thread);
    run_block(count);
    for (int t = 0; t < count; ++t) threads[t].fiber.forget();
  }
  sanitizers::acquire(&end_tag);
}

}  // namespace emulated_cuda
