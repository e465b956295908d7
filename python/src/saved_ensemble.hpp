#pragma once

#include "shared_ensemble.hpp"

namespace langevo::python {

/// An ensemble at one step: what its trajectories need to go on, and what it has learnt.
struct SavedEnsemble {
  EnsembleState state;
  LearntState learnt;
};

/// @throws InputError after a step that failed
SavedEnsemble save(const SharedEnsemble& shared);

/// What was learnt is left out where the ensemble cannot read it: it changes no result.
/// @throws InputError where it is of other replicas, of another seed or another network
void restore(const SavedEnsemble& saved, SharedEnsemble& shared);

}  // namespace langevo::python
