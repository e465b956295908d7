#pragma once

#include "kernels/base/scalar.hpp"
#include "kernels/quadrature/nodes.hpp"

/// How large the defect of a quadrature is taken to be, for how many proposals until it is measured again,
/// and when the nodes do not serve a replica.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// An error relative to a gradient's norm, 1 for what is not finite.
LANGEVO_INLINE double relative_error(double error, double norm) {
  if (error == 0) return 0;
  const double relative = error / norm;
  return is_finite(relative) ? relative : 1.0;
}

/// What a gradient on all points, and a change of the loss on all points under one more mutation, have shown
/// at the end of a span; relative to |sigma.dU/dx| at its beginning.
struct DefectError {
  double gradient;  ///< error of the defect's gradient
  double change;    ///< of its change beyond the gradient
};

struct DefectPolicy {
  /// For a mutation sigma z, the error e of the scaled gradient makes an error e.z, which is
  /// Normal(0, |e|^2): taken to be up to so many standard deviations.
  static constexpr double deviations = 6;
  /// Errors are taken to be so many times the largest ones where the nodes were chosen,
  static constexpr double margin_of_run = 16;
  /// or so many times those that a replica has shown itself, lately,
  static constexpr double margin_of_replica = 4;
  static constexpr double memory = 0.95;
  /// and this at least, beside which float arithmetic errs more.
  static constexpr double least = 1e-6;
  /// Without a gradient on all points a replica begins where the defect is this small.
  static constexpr double small_defect = 1e-4;
  /// A defect's gradient smaller than this is left out.
  static constexpr double worth_following = 2.5e-7;
  /// Proposals until the first gradient on all points, and then at least and at the most.
  static constexpr double first_span = 1024;
  static constexpr double shortest_span = 16;
  static constexpr double longest_span = 65536;
  /// Share of the time for those gradients.
  static constexpr double share_of_gradients = 1.0 / 64;
  /// Spans after which nodes that failed are tried again, doubled with every failure up to so many times.
  static constexpr std::uint32_t most_doublings = 8;
  /// Gradients on all points, and what the defect leaves open, may cost this share of exact steps there.
  static constexpr double worthwhile = 0.125;
  /// One span in so many has the change of the defect under one more mutation measured.
  static constexpr std::uint32_t spans_per_change = 4;
  /// An error of this size makes nodes useless.
  static constexpr double useless = 0.25;

  LANGEVO_INLINE static double gradient_error(const NodesView& nodes, const DefectState& state) {
    const double known =
        state.gradient > 0 ? static_cast<double>(state.gradient) : margin_of_run * nodes.gradient_error;
    return larger(least, known);
  }
  LANGEVO_INLINE static double change_error(const NodesView& nodes, const DefectState& state) {
    return larger(least, larger(margin_of_run * nodes.change_error, static_cast<double>(state.change)));
  }
  /// Bound on what the defect changes under a mutation beyond the gradient that is followed.
  LANGEVO_INLINE static double bound(const NodesView& nodes, const DefectState& state) {
    return deviations * gradient_error(nodes, state) + change_error(nodes, state);
  }
  /// Whether a replica of which no gradient on all points is at hand begins with one.
  LANGEVO_INLINE static bool begins_with_gradient(const NodesView& nodes, const DefectState& state) {
    return gradient_error(nodes, state) > small_defect;
  }

  /// Proposals of the next span, where a gradient on all points costs as much as `ratio` proposals that
  /// models decide.
  LANGEVO_INLINE static double usual_span(double ratio, const DefectState& state) {
    const double most = smaller(longest_span, larger(shortest_span, ratio / share_of_gradients));
    const double usual = state.span > 0 ? static_cast<double>(state.span) : first_span;
    return smaller(most, usual);
  }

  /// Whether errors were as assumed.
  LANGEVO_INLINE static bool holds(const NodesView& nodes, const DefectState& state,
                                   const DefectError& error) {
    return error.gradient <= gradient_error(nodes, state) && error.change <= change_error(nodes, state);
  }

  LANGEVO_INLINE static void take_error(const DefectError& error, DefectState& state) {
    const auto keep = [](double measured, float& kept) {
      kept = static_cast<float>(
          larger(larger(margin_of_replica * measured, 1e-30), memory * static_cast<double>(kept)));
    };
    keep(error.gradient, state.gradient);
    keep(error.change, state.change);
  }

  /// A span of `done` proposals was as good as assumed; those that the defect left open cost `opened`, in
  /// gradients on all points, as does an `exact_step` there. `whole`: it was as long as usual.
  LANGEVO_INLINE static void finish_span(double done, double opened, double exact_step, bool whole,
                                         std::uint64_t step, DefectState& state) {
    if (!whole) return;
    if (opened > 1) {
      state.span = static_cast<std::uint32_t>(larger(shortest_span, 0.5 * done));
    } else if (opened < 0.5) {
      state.span = static_cast<std::uint32_t>(
          smaller(longest_span, larger(static_cast<double>(state.span), 2 * done)));
    }
    if (2 + opened <= worthwhile * done * exact_step) {
      state.failures = 0;
    } else {
      rest(done, step, state);
    }
  }

  /// A span of `done` proposals was not.
  LANGEVO_INLINE static void fail_span(double done, const DefectError& error, std::uint64_t step,
                                       DefectState& state) {
    state.span = static_cast<std::uint32_t>(larger(shortest_span, 0.5 * done));
    const bool serves = error.gradient < useless && error.change < useless && state.failures == 0;
    rest(serves ? 0 : done, step, state);
  }

 private:
  /// All points decide for a while, longer each time.
  LANGEVO_INLINE static void rest(double done, std::uint64_t step, DefectState& state) {
    if (done > 0) {
      const std::uint64_t usual = static_cast<std::uint64_t>(done + first_span);
      state.rests_until = step + usual * (std::uint64_t{1} << state.failures);
    }
    state.failures += state.failures < most_doublings ? 1 : 0;
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
