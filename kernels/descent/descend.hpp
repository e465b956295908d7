#pragma once

#include "kernels/descent/leap_lengths.hpp"

/// Gradient steps of one replica in leaps, or one by one, with measured gradients.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Measurements take at most one part in so many of the time, by count.
inline constexpr double steps_per_cost = 64;

/// A measurement comes after 2^k times longest_stretch steps, k as small as its cost lets it, and at most
/// `most`; costs are in gradients of one point in float, which one step's normals cost about as well.
LANGEVO_INLINE bool is_due(std::uint64_t step, std::uint32_t replica, double cost, double cost_of_step,
                           int most) {
  const double per_measure = longest_stretch * cost_of_step / steps_per_cost;
  std::uint64_t mask = 0;
  for (int k = 0; k < most && static_cast<double>(mask + 1) * per_measure < cost; ++k) mask = 2 * mask + 1;
  const std::uint64_t place = step / longest_stretch + std::uint64_t{replica} * 0x9E3779B97F4A7C15u;
  return (place & mask) == 0;
}

template <class Run>
LANGEVO_FUNCTION double cost_of_step(const Run& run) {
  const LeapState& state = *run.replica.state;
  const double directions = state.length == 1 || run.noisy() ? 1 : 4;
  return (run.noisy() ? 1 : 0) + directions * run.sources.cost(state.source) / state.length;
}

/// Whether the pilots of the quadrature, if there is one, have seen its gradients within the tolerance.
template <class Run>
LANGEVO_FUNCTION bool nodes_are_known(const Run& run) {
  return run.sources.nodes == nullptr || run.sources.nodes->gradient_error <= run.rule.method.tolerance;
}

/// Audits the gradient at x.
template <class Run>
LANGEVO_FUNCTION bool audit(const Run& run, GradientSource first, const double* x) {
  return audit_gradient(run.context, run.rule, run.sources, x, first, run.work.whole, run.replica.defect,
                        *run.replica.state);
}

/// Where the steps so far say that one is due. At step 0 replicas are where the pilots began, and a few
/// audits will do.
template <class Run>
LANGEVO_FUNCTION bool audit_is_due(const Run& run) {
  constexpr int any = 40;
  const double cost = 1.5 * run.sources.cost(GradientSource::double_on_all);
  const bool starts_as_known = run.context.step == 0 && nodes_are_known(run);
  return is_due(run.context.step, run.context.replica, cost, cost_of_step(run),
                starts_as_known ? any : run.replica.state->audit_spacing);
}

/// The noise of `steps` steps from the one of `source` on.
template <class Run>
LANGEVO_FUNCTION void sum_noise_of(const Run& run, const RandomSource& source, std::uint32_t steps,
                                   NoiseSums& noise) {
  sum_noise(run.team, source, run.size(), steps, run.work.piece, noise);
}

/// Finds the source of gradients and the length of leaps at x, the same for all replicas that begin there:
/// the noise is of a stream of its own.
template <class Run>
LANGEVO_APART LeapEnd begin_leaps(const Run& run, const double* x) {
  constexpr std::uint32_t nobody = 0xffffffffu;
  LeapState& state = *run.replica.state;
  const std::size_t n = run.size();
  state = LeapState{};
  state.source = run.sources.from(GradientSource::float_on_nodes, run.rule);
  state.length = 1;
  constexpr int spacing_where_known = 4;
  if (nodes_are_known(run)) state.audit_spacing = spacing_where_known;
  if (run.replica.defect != nullptr) {
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY { run.replica.defect[i] = 0; });
    if (!nodes_are_known(run)) {  // what is corrected here shows only later whether it holds
      if (!audit(run, GradientSource::float_on_all, x)) return LeapEnd::not_finite;
      state.audited_here = true;
    }
  }
  if (run.replica.origin == nullptr) return LeapEnd::taken;
  const bool noisy = run.noisy();
  float* const directions = run.replica.directions;
  GradientMotion motion;
  if (!find_direction(run, x, motion, directions)) return LeapEnd::not_finite;
  const std::size_t kept = leap_points(noisy) * n;
  for (std::size_t i = n; i < kept; ++i) directions[i] = directions[i - n];
  if (noisy) run.team.each(n, [&](std::size_t i) LANGEVO_BODY { run.replica.heading[i] = 0; });
  state.last_length = 1;
  // states and directions of trials go where a leap's own are not
  double* const moving = run.replica.origin;
  RandomSource source{run.context.seed, run.context.step, Stream::pilot, nobody};
  const auto left = static_cast<std::uint32_t>(longest_stretch - run.context.step % longest_stretch);
  for (std::uint32_t length = least_leap(noisy); length <= longest_leap(noisy) && length <= left;
       length *= 2) {
    const std::uint32_t half = length / 2;
    if (noisy) {
      if (length == least_leap(noisy)) sum_noise_of(run, source, half, run.work.noise);
      RandomSource later = source;
      later.step += half;
      sum_noise_of(run, later, half, run.work.second_noise);
    }
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY { moving[i] = x[i]; });
    float* const tried = run.work.tried;
    run.team.each(kept, [&](std::size_t i) LANGEVO_BODY { tried[i] = directions[i]; });
    double error = 0;
    const LeapEnd end = leap_and_halves(run, moving, half, state.last_length, tried, error);
    if (end == LeapEnd::not_finite) return end;
    if (end != LeapEnd::taken || !(error_margin * error <= run.rule.method.tolerance)) break;
    state.length = length;
    if (error_margin * error * error_of_twice(noisy) > run.rule.method.tolerance) break;
  }
  return LeapEnd::taken;
}

/// A leap of `steps` steps from x to x.
template <class Run>
LANGEVO_FUNCTION LeapEnd plain_leap(const Run& run, double* x, std::uint32_t steps, float* directions) {
  if (!run.noisy()) return leap_without_noise(run, x, steps, run.replica.state->last_length, directions, x);
  sum_noise_of(run, run.context.random(Stream::langevin_noise), steps, run.work.noise);
  return leap_with_noise(run, x, run.work.noise, directions, x);
}

/// `steps` steps from x to x one by one.
template <class Run>
LANGEVO_FUNCTION LeapEnd single_steps(const Run& run, double* x, std::uint32_t steps, float* directions) {
  std::uint64_t& step = run.context.step;
  const std::uint64_t first = step;
  LeapEnd went = LeapEnd::taken;
  for (; went == LeapEnd::taken && step < first + steps; ++step) went = plain_leap(run, x, 1, directions);
  step = first;
  return went;
}

/// Holds the whole leap that was just compared with its halves against its steps, taken from `origin` on.
/// `growth`: that of its error.
template <class Run>
LANGEVO_APART bool check_leap(const Run& run, const double* origin, std::uint32_t steps, double growth) {
  double* const x = run.work.end;
  float* const direction = run.work.tried;
  run.team.each(run.size(), [&](std::size_t i) LANGEVO_BODY { x[i] = origin[i]; });
  if (single_steps(run, x, steps, direction) != LeapEnd::taken) return false;
  add_error(run.replica.state->steps, growth * leap_error(run, run.work.whole, x, steps, direction));
  return true;
}

/// A leap of `steps` steps that is measured, from x to x; then its length may become another.
template <class Run>
LANGEVO_FUNCTION LeapEnd measured_leap(const Run& run, double* x, std::uint32_t steps) {
  LeapState& state = *run.replica.state;
  const std::size_t n = run.size();
  const std::uint32_t half = steps / 2;
  const bool noisy = run.noisy();
  const bool checks = is_checked(run.context.step, run.context.replica, steps);
  if (noisy) {
    RandomSource source = run.context.random(Stream::langevin_noise);
    sum_noise_of(run, source, half, run.work.noise);
    source.step += half;
    sum_noise_of(run, source, half, run.work.second_noise);
  }
  double* const origin = run.replica.origin;
  run.team.each(n, [&](std::size_t i) LANGEVO_BODY { origin[i] = x[i]; });
  double error = 0;
  const LeapEnd end = leap_and_halves(run, x, half, state.last_length, run.replica.directions, error);
  if (end != LeapEnd::taken) return end;
  state.last_length = noisy ? steps : half;
  const double growth = noisy ? growth_of_errors(run, steps) : 1;
  error *= growth;
  const double tolerance = run.rule.method.tolerance / error_margin;
  const bool stands = error <= tolerance;
  if (stands) add_error(state.halves, error);
  if (stands && checks && !check_leap(run, origin, steps, growth)) return LeapEnd::not_finite;
  const std::uint32_t twice = twice_leap(steps, noisy);
  const bool grows = stands && twice != steps && error * error_of_twice(noisy) <= tolerance;
  state.length = grows ? twice : stands ? steps : half_leap(steps, noisy);
  state.tries = grows || (!stands && state.length > 1);
  return end;
}

/// The first `part` steps of a leap, to show where they end.
template <class Run>
LANGEVO_FUNCTION bool take_part(const Run& run, double* x, std::uint32_t part, float* directions) {
  const LeapEnd went = plain_leap(run, x, part, directions);
  return (went == LeapEnd::not_converged ? single_steps(run, x, part, directions) : went) == LeapEnd::taken;
}

/// Takes up to `steps` steps from x on; returns how many it took. It stops early only where loss or gradient
/// are no longer finite. Where the steps end within a leap, x is what a leap of so many steps makes; the leap
/// itself begins anew from its origin when there are more to take, so that no bit of it depends on where
/// steps ended.
template <class Run>
LANGEVO_FUNCTION std::uint64_t descend(const Run& run, double* x, std::uint64_t steps) {
  LeapState& state = *run.replica.state;
  const std::size_t n = run.size();
  std::uint64_t& step = run.context.step;
  const std::uint64_t first = step;
  const std::uint64_t end = step + steps;
  const auto taken = [&] { return step > first ? step - first : 0; };
  const bool resumes = state.under_way > 0;
  if (resumes) {
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY { x[i] = run.replica.origin[i]; });
    step -= state.under_way;
    state.under_way = 0;
  }
  if (state.length == 0 && begin_leaps(run, x) != LeapEnd::taken) return 0;
  for (bool audited = resumes || state.audited_here; step < end; audited = state.failed_here) {
    state.audited_here = false;
    const auto into = static_cast<std::uint32_t>(step % longest_stretch);
    if (into == 0 && !audited && audit_is_due(run) && !audit(run, GradientSource::float_on_nodes, x))
      return taken();
    if (is_measured(step, state.length) && !state.failed_here) state.tries = run.replica.origin != nullptr;
    const std::uint32_t wanted = state.tries && state.length == 1 ? least_leap(run.noisy()) : state.length;
    const auto length = static_cast<std::uint32_t>(wanted - step % wanted);
    if (end - step < length) {
      const auto part = static_cast<std::uint32_t>(end - step);
      float* const directions = run.work.tried;
      run.team.each(n, [&](std::size_t i) LANGEVO_BODY { run.replica.origin[i] = x[i]; });
      run.team.each(leap_points(run.noisy()) * n,
                    [&](std::size_t i) LANGEVO_BODY { directions[i] = run.replica.directions[i]; });
      const std::uint64_t gradients = run.counters.gradients;
      if (!take_part(run, x, part, directions)) return taken();
      run.counters.gradients = gradients;  // counted when the leap is over, wherever steps end
      state.under_way = part;
      step = end;
      break;
    }
    const bool measures = state.tries && length == wanted;
    float* const directions = run.replica.origin == nullptr ? run.work.tried : run.replica.directions;
    const LeapEnd went = measures ? measured_leap(run, x, length) : plain_leap(run, x, length, directions);
    if (went == LeapEnd::not_finite) return taken();
    if (went == LeapEnd::not_converged) {
      state.length = half_leap(state.length, run.noisy());
      state.tries = false;
      state.failed_here = true;
      continue;
    }
    state.failed_here = false;
    if (!measures) state.last_length = length;
    step += length;
  }
  run.counters.steps += steps;
  run.counters.accepted += steps;
  return steps;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
