#include "shared_ensemble.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "langevo/error.hpp"

namespace langevo::python {

namespace {

constexpr double seconds_of_a_block = 1;
/// Multiplications and additions that no machine does in less than some tenths of a second.
constexpr double first_block = 2e10;

/// Time t of one step, unit 1; alpha lambda follows from sigma and beta alone.
struct TimeOfStep {
  double operator()(const Metropolis& rule) const { return lambda_from_sigma(sigma, 1, rule.beta); }
  double operator()(const Gradient& rule) const { return rule.alpha; }
  double operator()(const NormalizedGradient& rule) const { return rule.alpha; }
  double operator()(const Langevin& rule) const {
    return rule.stride * lambda_from_sigma(sigma, 1, rule.beta);
  }
  double sigma;
};

}  // namespace

SharedEnsemble::SharedEnsemble(const Problem& problem, const Dynamics& dynamics,
                               const EnsembleArguments& arguments)
    : ensemble_(make_ensemble(problem, dynamics, arguments.shape, arguments.backend)),
      time_per_step_(std::visit(TimeOfStep{root_mean_square(dynamics.sigma)}, dynamics.rule)) {
  const double work = static_cast<double>(dynamics.sigma.size()) *
                      static_cast<double>(problem.data().points) *
                      static_cast<double>(arguments.shape.replicas);
  block_ = static_cast<std::uint64_t>(std::clamp(first_block / work, 1.0, 1e9));
}

SharedEnsemble::Use::Use(const SharedEnsemble& shared) : shared_(shared) {
  if (!shared.used_.exchange(true)) return;
  throw InputError(
      "the ensemble is taking steps; look at the record that the callback was given, or wait until they are "
      "done");
}

void SharedEnsemble::advance(std::uint64_t steps) {
  using Clock = std::chrono::steady_clock;
  const Use ensemble(*this);
  for (std::uint64_t left = steps; left > 0;) {
    const std::uint64_t count = std::min(left, block_);
    const Clock::time_point begin = Clock::now();
    {
      const nb::gil_scoped_release without_lock;
      ensemble->advance(count);
    }
    left -= count;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const double wanted = static_cast<double>(count) * seconds_of_a_block / std::max(seconds, 1e-6);
    if (count == block_)
      block_ = static_cast<std::uint64_t>(std::clamp(wanted, 1.0, 8.0 * static_cast<double>(block_)));
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }
}

}  // namespace langevo::python
