#pragma once

#include "kernels/base/arena.hpp"

/// What a workspace keeps from step to step. Workspaces are constant once they are carved, pointers and
/// sizes; what changes in them is one of these, so that a write that is not as the team's contract says (see
/// cuda_team.cuh) does not compile.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// State that every worker of a team has in its workspace, one for all its threads: they read it, and the
/// worker's leading lane alone changes it.
template <class T>
class KeptState {
 public:
  /// While the workspace is carved.
  LANGEVO_INLINE void begin(const T& state) { state_ = state; }

  LANGEVO_INLINE const T& operator*() const { return state_; }
  LANGEVO_INLINE const T* operator->() const { return &state_; }

  /// body(state); what it depends on, this state apart, each thread has found before.
  template <class Team, class Body>
  LANGEVO_INLINE void change(const Team& team, const Body& body) const {
    team.by_leading_lane([&]() LANGEVO_BODY { body(state_); });
  }

 private:
  mutable T state_;
};

/// What only teams of one thread keep, and change as they like: the others' workspaces have none of it.
template <class Team, class T, bool Kept = Team::carries_values>
class KeptByOneThread {
 public:
  template <class Shape>
  LANGEVO_INLINE void carve(Arena& arena, const Shape& shape) {
    kept_.carve(arena, shape);
  }
  [[nodiscard]] LANGEVO_INLINE T& get() const {
    static_assert(Team::threads == 1, "more threads would change it at the same time");
    return kept_;
  }

 private:
  mutable T kept_;
};
template <class Team, class T>
class KeptByOneThread<Team, T, false> {
 public:
  template <class Shape>
  LANGEVO_INLINE void carve(Arena& /*arena*/, const Shape& /*shape*/) {}
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
