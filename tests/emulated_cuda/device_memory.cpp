#include "device_memory.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "sanitizers.hpp"
#include "thread_block.hpp"

namespace langevo {

constexpr std::size_t on_chip_capacity = 58 * 4096;
alignas(4096) unsigned char on_chip[on_chip_capacity];

}  // namespace langevo

namespace emulated_cuda {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t alignment = 256;     ///< of what cudaMalloc gives
constexpr unsigned char beyond = 0xfd;     ///< between an allocation's end and its page's
constexpr std::size_t most_freed = 20000;  ///< freed regions that are kept closed

struct Allocation {
  MemoryKind kind;
  unsigned char* begin;  ///< what the program was given,
  std::size_t bytes;     ///< and how much it asked for
  unsigned char* region;
  std::size_t region_bytes;
  bool freed = false;

  [[nodiscard]] unsigned char* end() const { return begin + bytes; }
  [[nodiscard]] unsigned char* region_end() const { return region + region_bytes; }
};

std::map<const unsigned char*, Allocation> allocations;  ///< by region
std::deque<const unsigned char*> freed_regions;
std::size_t device_bytes = 0;
int open_count = 0;

std::size_t rounded_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

void protect(const Allocation& allocation, int protection) {
  // a closed page at either side
  mprotect(allocation.region + page, allocation.region_bytes - 2 * page, protection);
}

Allocation* find(const void* address) {
  const auto* byte = static_cast<const unsigned char*>(address);
  auto after = allocations.upper_bound(byte);
  if (after == allocations.begin()) return nullptr;
  Allocation& allocation = std::prev(after)->second;
  return byte < allocation.region_end() ? &allocation : nullptr;
}

std::string describe(const Allocation& allocation, const unsigned char* at) {
  std::string words = allocation.freed ? "freed memory" : "memory";
  words = std::string(allocation.kind == MemoryKind::device ? "device " : "pinned ") + words;
  words += " of " + std::to_string(allocation.bytes) + " bytes";
  const std::ptrdiff_t offset = at - allocation.begin;
  return words + ", at byte " + std::to_string(offset);
}

void on_fault(int signal, siginfo_t* info, void* /*context*/) {
  const auto* at = static_cast<const unsigned char*>(info->si_addr);
  if (const Allocation* const allocation = find(at)) {
    const bool closed = !allocation->freed && allocation->kind == MemoryKind::device && open_count == 0;
    fail((closed ? "the host touched " : "a kernel or a copy touched, or went beyond, ") +
         describe(*allocation, at));
  }
  if (at >= langevo::on_chip && at < langevo::on_chip + langevo::on_chip_capacity)
    fail("a kernel went beyond its memory on chip");
  ::signal(signal, SIG_DFL);  // not one of ours
}

void watch_faults() {
  static unsigned char stack[std::size_t{64} << 10];
  static bool watched = false;
  if (std::exchange(watched, true)) return;
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

void check_beyond(const Allocation& allocation) {
  const auto* const end = allocation.region_end() - page;
  const auto* const wrong = std::find_if(static_cast<const unsigned char*>(allocation.end()), end,
                                         [](unsigned char byte) { return byte != beyond; });
  if (wrong != end) fail("a kernel or a copy wrote beyond " + describe(allocation, wrong));
}

}  // namespace

void* allocate(MemoryKind kind, std::size_t bytes, std::size_t limit) {
  watch_faults();
  if (kind == MemoryKind::device && device_bytes + bytes > limit) return nullptr;
  const std::size_t aligned = rounded_up(std::max<std::size_t>(bytes, 1), alignment);
  const std::size_t region_bytes = rounded_up(aligned, page) + 2 * page;
  void* const mapped =
      mmap(nullptr, region_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const region = static_cast<unsigned char*>(mapped);
  Allocation allocation{kind, region + region_bytes - page - aligned, bytes, region, region_bytes};
  protect(allocation, PROT_READ | PROT_WRITE);
  std::memset(allocation.begin, poison, bytes);
  std::memset(allocation.end(), beyond,
              static_cast<std::size_t>(allocation.region_end() - page - allocation.end()));
  if (kind == MemoryKind::device) {
    device_bytes += bytes;
    if (open_count == 0) protect(allocation, PROT_NONE);
  }
  allocations.emplace(region, allocation);
  return allocation.begin;
}

bool release(MemoryKind kind, void* memory) {
  Allocation* const allocation = find(memory);
  if (allocation == nullptr || allocation->begin != memory || allocation->freed || allocation->kind != kind)
    return false;
  protect(*allocation, PROT_READ | PROT_WRITE);
  check_beyond(*allocation);
  madvise(allocation->region, allocation->region_bytes, MADV_DONTNEED);
  protect(*allocation, PROT_NONE);
  allocation->freed = true;
  if (kind == MemoryKind::device) device_bytes -= allocation->bytes;
  freed_regions.push_back(allocation->region);
  if (freed_regions.size() > most_freed) {
    const auto oldest = allocations.find(freed_regions.front());
    munmap(oldest->second.region, oldest->second.region_bytes);
    allocations.erase(oldest);
    freed_regions.pop_front();
  }
  return true;
}

bool is_allocated(MemoryKind kind, const void* begin, std::size_t bytes) {
  const Allocation* const allocation = find(begin);
  const auto* const first = static_cast<const unsigned char*>(begin);
  return allocation != nullptr && allocation->kind == kind && !allocation->freed &&
         first >= allocation->begin && first + bytes <= allocation->end();
}

std::size_t allocated_bytes() {
  return device_bytes;
}

OpenDeviceMemory::OpenDeviceMemory() {
  if (open_count++ > 0) return;
  for (const auto& [region, allocation] : allocations) {
    if (!allocation.freed && allocation.kind == MemoryKind::device)
      protect(allocation, PROT_READ | PROT_WRITE);
  }
}

OpenDeviceMemory::~OpenDeviceMemory() {
  if (--open_count > 0) return;
  for (const auto& [region, allocation] : allocations) {
    if (allocation.freed || allocation.kind != MemoryKind::device) continue;
    check_beyond(allocation);
    protect(allocation, PROT_NONE);
  }
}

void renew_on_chip_memory(std::size_t bytes) {
  watch_faults();
  // New pages: to the thread sanitizer what another block did with the same addresses is nothing to this one.
  mmap(langevo::on_chip, langevo::on_chip_capacity, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  const std::size_t open = rounded_up(bytes, page);
  std::memset(langevo::on_chip, poison, bytes);
  std::memset(langevo::on_chip + bytes, beyond, open - bytes);
  if (open < langevo::on_chip_capacity)
    mprotect(langevo::on_chip + open, langevo::on_chip_capacity - open, PROT_NONE);
}

void check_on_chip_memory(std::size_t bytes) {
  const unsigned char* const end = langevo::on_chip + rounded_up(bytes, page);
  if (std::any_of(static_cast<const unsigned char*>(langevo::on_chip) + bytes, end,
                  [](unsigned char byte) { return byte != beyond; }))
    fail("a kernel wrote beyond its memory on chip");
}

}  // namespace emulated_cuda
