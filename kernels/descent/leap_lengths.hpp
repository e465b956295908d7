#pragma once

#include "kernels/descent/leap.hpp"

/// How long leaps are: a function of the states at fixed steps alone.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// A leap does not cross a multiple of so many steps.
inline constexpr std::uint32_t longest_stretch = 4096;

/// Lengths are powers of two, or 1; shorter ones than the least cost more than steps one by one.
LANGEVO_INLINE constexpr std::uint32_t least_leap(bool noisy) {
  return noisy ? 2 : 16;
}
LANGEVO_INLINE constexpr std::uint32_t longest_leap(bool noisy) {
  return noisy ? 1024 : longest_stretch;
}
/// How much more a leap of twice the length may err.
LANGEVO_INLINE constexpr double error_of_twice(bool noisy) {
  return noisy ? 4 : 16;
}

/// One leap in so many is measured, and where steps are taken one by one a leap is tried after so many.
inline constexpr std::uint32_t leaps_per_measure = 16;
inline constexpr std::uint32_t steps_per_trial = 256;

/// Leaps begin and end at multiples of their length, so that those which are measured begin at fixed steps.
LANGEVO_INLINE bool is_measured(std::uint64_t step, std::uint32_t length) {
  const std::uint32_t every = length == 1 ? steps_per_trial : leaps_per_measure * length;
  return step % every == 0;
}

/// And of those, which are sixteen leaps apart, one in four times its length is held against its steps.
LANGEVO_INLINE bool is_checked(std::uint64_t step, std::uint32_t replica, std::uint32_t length) {
  const std::uint64_t number = step / (leaps_per_measure * std::uint64_t{length});
  return (number + replica) % (std::uint64_t{4} * length) == 0;
}

LANGEVO_INLINE std::uint32_t half_leap(std::uint32_t length, bool noisy) {
  return length / 2 >= least_leap(noisy) ? length / 2 : 1;
}
LANGEVO_INLINE std::uint32_t twice_leap(std::uint32_t length, bool noisy) {
  if (length == 1) return least_leap(noisy);
  return 2 * length <= longest_leap(noisy) ? 2 * length : length;
}

/// Where states run apart their distance grows beyond the sum of the errors: leaps keep below the tolerance
/// by so much.
inline constexpr double error_margin = 4;

/// |a - b| relative to the way that `steps` steps move, if errors of leaps all pointed the same way, which
/// noise does not: over longest_stretch steps it adds up to the root of so many times as much.
/// `direction`: D, of which drift k |sigma D| is the way without noise.
template <class Run>
LANGEVO_FUNCTION double leap_error(const Run& run, const double* a, const double* b, std::uint32_t steps,
                                   const float* direction) {
  const std::size_t n = run.size();
  const double* const sigma = run.context.sigma;
  const double square = run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double off = a[i] - b[i];
    return off * off;
  });
  const double drift = run.rule.drift * steps;
  const double along = run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double part = drift * sigma[i] * static_cast<double>(direction[i]);
    return part * part;
  });
  const double shaken_by = run.rule.noise * steps;
  const double across = run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double part = shaken_by * sigma[i];
    return part * part;
  });
  return relative(square_root(square), square_root(along + across / longest_stretch));
}

/// Errors whose directions are averaged, and how few of them say anything.
inline constexpr int most_headings = 64;
inline constexpr int least_headings = 16;

/// Takes the direction of the error of the leap just compared with its halves into their mean. What errors of
/// leaps of so many steps add up to over longest_stretch steps, relative to what they would if all pointed
/// the same way: the part they have in common does, the rest adds up to its root.
template <class Run>
LANGEVO_FUNCTION double growth_of_errors(const Run& run, std::uint32_t steps) {
  LeapState& state = *run.replica.state;
  const std::size_t n = run.size();
  const double* const whole = run.work.whole;
  const double* const halves = run.work.end;
  float* const heading = run.replica.heading;
  const double size = square_root(run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const double off = whole[i] - halves[i];
    return off * off;
  }));
  if (size > 0) {
    if (state.headings < most_headings) ++state.headings;
    const double share = 1.0 / state.headings;
    run.team.each(n, [&](std::size_t i) LANGEVO_BODY {
      const auto before = static_cast<double>(heading[i]);
      heading[i] = static_cast<float>(before + share * ((whole[i] - halves[i]) / size - before));
    });
  }
  if (state.headings < least_headings) return 1;
  const double common = run.team.sum(n, [&](std::size_t i) LANGEVO_BODY {
    const auto part = static_cast<double>(heading[i]);
    return part * part;
  });
  return smaller(1.0, square_root(common + static_cast<double>(steps) / longest_stretch));
}

/// A leap of twice so many steps as run.work.noise has, or as `half`, against its halves; the noise of the
/// second half is in second_noise. The halves end at x, the error goes to `error`. `directions` as for a
/// leap.
template <class Run>
LANGEVO_FUNCTION LeapEnd leap_and_halves(const Run& run, double* x, std::uint32_t half,
                                         std::uint32_t last_steps, float* directions, double& error) {
  const std::size_t n = run.size();
  const std::size_t kept = leap_points(run.noisy()) * n;
  float* const other = run.work.directions;
  run.team.each(kept, [&](std::size_t i) LANGEVO_BODY { other[i] = directions[i]; });
  LeapEnd ends;
  if (run.noisy()) {
    ends = leap_with_noise(run, x, run.work.noise, directions, run.work.end);
    if (ends == LeapEnd::taken)
      ends = leap_with_noise(run, run.work.end, run.work.second_noise, directions, run.work.end);
    if (ends != LeapEnd::taken) return ends;
    join_noise(run.team, n, run.work.noise, run.work.second_noise, run.work.noise);
    ends = leap_with_noise(run, x, run.work.noise, other, run.work.whole);
  } else {
    ends = leap_without_noise(run, x, half, last_steps, directions, run.work.end);
    if (ends == LeapEnd::taken)
      ends = leap_without_noise(run, run.work.end, half, half, directions, run.work.end);
    if (ends != LeapEnd::taken) return ends;
    ends = leap_without_noise(run, x, 2 * half, last_steps, other, run.work.whole);
  }
  if (ends == LeapEnd::not_finite) return ends;
  error = ends == LeapEnd::taken ? leap_error(run, run.work.whole, run.work.end, 2 * half, directions)
                                 : Limits<double>::infinity;
  run.team.each(n, [&](std::size_t i) LANGEVO_BODY { x[i] = run.work.end[i]; });
  return LeapEnd::taken;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
