#pragma once

#include <cstddef>
#include <vector>

#include "kernels/base/arena.hpp"
#include "kernels/network/problem_view.hpp"

namespace langevo {

/// Memory for one thread's kernels, aligned as Arena hands it out.
class WorkspaceMemory {
 public:
  explicit WorkspaceMemory(std::size_t bytes) : blocks_(bytes / sizeof(Block) + 1) {}
  [[nodiscard]] unsigned char* data() { return blocks_.front().bytes; }

 private:
  struct alignas(Arena::alignment) Block {
    unsigned char bytes[Arena::alignment];
  };
  std::vector<Block> blocks_;
};

/// A kernel's workspace together with its memory.
template <class Workspace>
class OwnedWorkspace {
 public:
  explicit OwnedWorkspace(const NetworkView& network)
      : memory_(workspace_bytes_of<Workspace>(network)),
        workspace_(carve_workspace<Workspace>(network, memory_.data())) {}
  [[nodiscard]] const Workspace& get() const { return workspace_; }

 private:
  WorkspaceMemory memory_;
  Workspace workspace_;
};

}  // namespace langevo
