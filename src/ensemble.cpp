#include "langevo/ensemble.hpp"

#include <cstdio>
#include <cstring>

#include "ensemble_checks.hpp"
#include "fingerprint.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

/// The version of what is learnt: another one where the meaning of the bytes changes, not only their number.
constexpr int layout_version = 1;

std::string in_words(const EnsembleShape& shape) {
  return counted(shape.replicas, "replica") + " from " + std::to_string(shape.first_replica) +
         " on with seed " + std::to_string(shape.seed);
}

std::string in_hexadecimal(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

}  // namespace

Ensemble::Ensemble(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape)
    : shape_(shape),
      parameter_count_(problem.network().parameter_count()),
      fingerprint_(fingerprint(problem, dynamics)),
      step_(shape.first_step) {}

void Ensemble::set_all_parameters(std::span<const double> x) {
  require_parameters("the state", x.size(), parameter_count_);
  require_finite_states(x, parameter_count_, 0);
  do_set_all_parameters(x);
  failed_ = false;
}

void Ensemble::set_parameters(std::uint64_t first, std::span<const double> x) {
  if (x.size() % parameter_count_ != 0) {
    throw InputError("the states have " + counted(x.size(), "number") + ", no multiple of the network's " +
                     counted(parameter_count_, "parameter") + "; give whole states, one after the other");
  }
  require_replicas(first, x.size() / parameter_count_);
  require_finite_states(x, parameter_count_, first);
  do_set_parameters(first, x);
  if (x.size() == shape_.replicas * parameter_count_) failed_ = false;
}

std::vector<double> Ensemble::parameters(std::uint64_t first, std::uint64_t count) const {
  require_replicas(first, count);
  return do_parameters(first, count);
}

void Ensemble::advance(std::uint64_t steps) {
  require_whole();
  if (steps > step_limit - step_) {
    throw InputError(counted(steps, "more step") + " from step " + std::to_string(step_) +
                     " on reach beyond 2^56 - 1, the last one with random numbers; take fewer");
  }
  if (steps == 0) return;
  failed_ = true;  // until it is known that it is not
  do_advance(step_, steps, counters_);
  step_ += steps;
  failed_ = false;
}

std::future<EnsembleSnapshot> Ensemble::snapshot(std::uint64_t traced) const {
  require_traced(traced, shape_.replicas);
  require_no_snapshot();
  const auto pending = std::make_shared<char>();
  snapshot_ = pending;
  return std::async(std::launch::deferred,
                    [pending, inner = do_snapshot(traced)]() mutable { return inner.get(); });
}

Moments Ensemble::parameter_moments() const {
  require_no_snapshot();
  return do_parameter_moments();
}

std::vector<Moments> Ensemble::chunk_moments() const {
  require_no_snapshot();
  return do_chunk_moments();
}

std::vector<double> Ensemble::losses() const {
  require_no_snapshot();
  return do_losses();
}

double Ensemble::loss(std::span<const double> x) const {
  require_parameters("the state", x.size(), parameter_count_);
  return do_loss(x);
}

double Ensemble::gradient(std::span<const double> x, std::span<double> gradient) const {
  require_parameters("the state", x.size(), parameter_count_);
  require_parameters("the place for the gradient", gradient.size(), parameter_count_);
  return do_gradient(x, gradient);
}

EnsembleState Ensemble::save() const {
  require_whole();
  EnsembleState state{shape_, step_, counters_, do_parameters(0, shape_.replicas), {}};
  if (const std::size_t bytes = do_descent_bytes(); bytes > 0) {
    state.descent.resize(sizeof fingerprint_ + bytes);
    std::memcpy(state.descent.data(), &fingerprint_, sizeof fingerprint_);
    do_save_descent(std::span(state.descent).subspan(sizeof fingerprint_));
  }
  return state;
}

void Ensemble::restore(const EnsembleState& state) {
  if (state.shape.replicas != shape_.replicas || state.shape.first_replica != shape_.first_replica ||
      state.shape.seed != shape_.seed) {
    throw InputError("the saved state is of " + in_words(state.shape) + ", but the ensemble is of " +
                     in_words(shape_) + "; make them equal");
  }
  if (state.parameters.size() != shape_.replicas * parameter_count_) {
    throw InputError("the saved state has " + counted(state.parameters.size(), "number") + ", but " +
                     counted(shape_.replicas, "replica") + " of " + counted(parameter_count_, "parameter") +
                     " have " + std::to_string(shape_.replicas * parameter_count_) +
                     "; give the state of the same network");
  }
  if (state.step > step_limit) {
    throw InputError("the saved state is at step " + std::to_string(state.step) +
                     ", beyond 2^56 - 1, the last one with random numbers; give one that save() made");
  }
  const bool descends = !state.descent.empty();
  if (descends && (state.descent.size() != sizeof fingerprint_ + do_descent_bytes() ||
                   std::memcmp(state.descent.data(), &fingerprint_, sizeof fingerprint_) != 0)) {
    throw InputError("the saved state has gradient steps under way (" +
                     counted(state.descent.size(), "byte") +
                     ") of other data or dynamics; give a state of the same ones");
  }
  require_finite_states(state.parameters, parameter_count_, 0);
  do_set_parameters(0, state.parameters);
  if (descends) do_restore_descent(std::span(state.descent).subspan(sizeof fingerprint_));
  step_ = state.step;
  counters_ = state.counters;
  failed_ = false;
}

std::string Ensemble::learnt_layout() const {
  const Learnt learnt = do_learnt_layout();
  return "version " + std::to_string(layout_version) + ", " + learnt.code + ", " +
         counted(learnt.bytes_per_replica, "byte") + " for each of " + in_words(shape_) +
         ", problem and dynamics " + in_hexadecimal(fingerprint_);
}

LearntState Ensemble::learnt() const {
  LearntState learnt{learnt_layout(), {}};
  learnt.bytes.resize(shape_.replicas * do_learnt_layout().bytes_per_replica);
  do_save_learnt(learnt.bytes);
  return learnt;
}

void Ensemble::restore_learnt(const LearntState& learnt) {
  const std::string layout = learnt_layout();
  if (learnt.layout != layout) {
    throw InputError("what was learnt is of another ensemble ('" + learnt.layout + "', here it is '" +
                     layout + "'); go on without it, results do not depend on it");
  }
  const std::size_t bytes = shape_.replicas * do_learnt_layout().bytes_per_replica;
  if (learnt.bytes.size() != bytes) {
    throw InputError("what was learnt has " + counted(learnt.bytes.size(), "byte") +
                     ", but its layout says " + std::to_string(bytes) +
                     "; go on without it, results do not depend on it");
  }
  do_restore_learnt(learnt.bytes);
}

void Ensemble::require_replicas(std::uint64_t first, std::uint64_t count) const {
  if (first <= shape_.replicas && count <= shape_.replicas - first) return;
  throw InputError(counted(count, "replica") + " from " + std::to_string(first) +
                   " on are asked for, but the ensemble has only " + std::to_string(shape_.replicas) +
                   "; give a range within them");
}

void Ensemble::require_no_snapshot() const {
  if (snapshot_.expired()) return;
  throw InputError(
      "a snapshot is still to be taken; get() it before asking for another one, moments or losses");
}

void Ensemble::require_whole() const {
  if (!failed_) return;
  throw InputError("steps from step " + std::to_string(step_) +
                   " on failed and left replicas at different steps; set or restore their states");
}

}  // namespace langevo
