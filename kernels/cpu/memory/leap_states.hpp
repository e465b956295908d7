#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "kernels/cpu/memory/packed_bytes.hpp"
#include "kernels/descent/leap_state.hpp"
#include "kernels/rules/kernel_rules.hpp"
#include "langevo/statistics.hpp"

namespace langevo {

/// What is kept of replicas for gradient steps that are measured, beside the states and as much part of their
/// trajectories.
class LeapStates {
 public:
  struct Use {
    bool measures = false;       ///< gradients in float, on nodes, or in leaps
    std::size_t origin = 0;      ///< numbers for each replica, as in LeapView
    std::size_t directions = 0;  ///< likewise
    std::size_t heading = 0;     ///< likewise
    std::size_t defect = 0;      ///< likewise
  };

  /// Of a rule; `nodes`: those of a quadrature may stand for all points.
  static Use use_of(const KernelRule& rule, std::size_t parameters, bool nodes) {
    const auto* const descends = std::get_if<GradientRule>(&rule);
    if (descends == nullptr) return {};
    const bool leaps = descends->method.steps != GradientSteps::exact;
    const bool defects = leaps && nodes;
    Use use;
    use.measures = leaps || descends->method.precision == Precision::float32;
    use.origin = leaps ? parameters : 0;
    use.directions = leaps ? leap_points(descends->noise > 0) * parameters : 0;
    use.heading = leaps && descends->noise > 0 ? parameters : 0;
    use.defect = defects ? parameters : 0;
    return use;
  }

  static std::size_t bytes_per_replica(const Use& use) {
    return (use.measures ? sizeof(LeapState) : 0) + use.origin * sizeof(double) +
           (use.directions + use.heading + use.defect) * sizeof(float);
  }

  LeapStates(const Use& use, std::uint64_t replicas)
      : use_(use),
        states_(use.measures ? replicas : 0),
        origins_(replicas * use.origin),
        directions_(replicas * use.directions),
        headings_(replicas * use.heading),
        defects_(replicas * use.defect) {}

  [[nodiscard]] const Use& use() const { return use_; }

  [[nodiscard]] LeapView view(std::uint64_t r) {
    if (!use_.measures) return {};
    return {&states_[r], at(origins_, r * use_.origin), at(directions_, r * use_.directions),
            at(headings_, r * use_.heading), at(defects_, r * use_.defect)};
  }

  [[nodiscard]] bool is_new(std::uint64_t r) const { return states_[r].length == 0; }

  void forget(std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t r = first; r < end && use_.measures; ++r) states_[r] = LeapState{};
  }

  /// Gives replica r, which begins where the one of `known` began, what there is to know there.
  void begin_with(const LeapStates& known, std::uint64_t r) {
    states_[r] = known.states_[0];
    copy(known.directions_, directions_, r);
    copy(known.headings_, headings_, r);
    copy(known.defects_, defects_, r);
  }

  void save(std::span<std::byte> bytes) const {
    take_out(states_, bytes);
    take_out(origins_, bytes);
    take_out(directions_, bytes);
    take_out(headings_, bytes);
    take_out(defects_, bytes);
  }
  void restore(std::span<const std::byte> bytes) {
    put_back(bytes, states_);
    put_back(bytes, origins_);
    put_back(bytes, directions_);
    put_back(bytes, headings_);
    put_back(bytes, defects_);
  }

  /// Over all replicas, in their order.
  [[nodiscard]] GradientErrors errors() const {
    GradientErrors errors;
    for (const LeapState& state : states_) {
      add(state.gradient, errors.gradient);
      add(state.halves, errors.halves);
      add(state.steps, errors.steps);
      if (is_on_nodes(state.source)) ++errors.replicas_on_nodes;
      if (!is_in_float(state.source)) ++errors.replicas_in_double;
    }
    for (MeasuredError* error : {&errors.gradient, &errors.halves, &errors.steps}) {
      if (error->count > 0)
        error->root_mean_square = std::sqrt(error->root_mean_square / static_cast<double>(error->count));
    }
    return errors;
  }

 private:
  static void add(const ErrorSample& sample, MeasuredError& error) {
    error.count += sample.count;
    error.largest = std::max(error.largest, static_cast<double>(sample.largest));
    error.root_mean_square += sample.sum_of_squares;  // divided at the end
  }

  template <class T>
  [[nodiscard]] static T* at(std::vector<T>& values, std::size_t place) {
    return values.empty() ? nullptr : values.data() + place;
  }

  template <class T>
  static void copy(const std::vector<T>& one, std::vector<T>& all, std::uint64_t r) {
    for (std::size_t i = 0; i < one.size(); ++i) all[r * one.size() + i] = one[i];
  }

  Use use_;
  std::vector<LeapState> states_;  // [replicas], or none
  std::vector<double> origins_;    // [replicas][origin]
  std::vector<float> directions_;  // [replicas][directions]
  std::vector<float> headings_;    // [replicas][heading]
  std::vector<float> defects_;     // [replicas][defect]
};

}  // namespace langevo
