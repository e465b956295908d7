#pragma once

#include "langevo/ensemble.hpp"

#include <atomic>
#include <memory>
#include <string>

#include "bindings.hpp"

namespace langevo::python {

/// What a user of Python says of an ensemble beside its problem and its dynamics.
struct EnsembleArguments {
  EnsembleShape shape;
  BackendOptions backend;
};

/// An ensemble that Python holds. One call at a time may use it: Python's other threads run while it takes
/// steps.
class SharedEnsemble {
 public:
  SharedEnsemble(const Problem& problem, const Dynamics& dynamics, const EnsembleArguments& arguments);

  /// The right to use the ensemble.
  class Use {
   public:
    /// @throws InputError while another call uses it
    explicit Use(const SharedEnsemble& shared);
    ~Use() { shared_.used_ = false; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Ensemble* operator->() const { return shared_.ensemble_.get(); }

   private:
    const SharedEnsemble& shared_;
  };

  /// What the ensemble says of itself at any time.
  [[nodiscard]] const Ensemble& quiet() const { return *ensemble_; }

  [[nodiscard]] std::shared_ptr<Ensemble> share() const { return ensemble_; }

  [[nodiscard]] double time_per_step() const { return time_per_step_; }

  /// Takes steps in blocks of about a second, and between them answers Ctrl-C.
  void advance(std::uint64_t steps);

 private:
  std::shared_ptr<Ensemble> ensemble_;
  double time_per_step_ = 0;
  std::uint64_t block_ = 1;  // steps
  mutable std::atomic<bool> used_{false};
};

}  // namespace langevo::python
