#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "kernels/cpu/memory/packed_bytes.hpp"
#include "kernels/screened/replica_view.hpp"

namespace langevo {

/// What is kept of replicas for their rule beside the states: how good their estimates of the loss change
/// are.
class LearntStates {
 public:
  struct Use {
    bool screens;  ///< a local model does
    bool learns;   ///< and no curvature is known in full
    bool nodes;    ///< of a quadrature are there
    std::size_t directions_per_replica;
  };

  LearntStates(const Use& use, std::uint64_t replicas)
      : use_(use),
        calibrations_(replicas),
        screenings_(use.screens ? replicas : 0),
        curvatures_(use.learns ? replicas : 0),
        directions_(replicas * use.directions_per_replica),
        defects_(use.nodes ? replicas : 0) {}

  [[nodiscard]] const Use& use() const { return use_; }

  static std::size_t bytes_per_replica(const Use& use) {
    return sizeof(FloatCalibration) + (use.screens ? sizeof(ScreeningState) : 0) +
           (use.learns ? sizeof(LearntCurvature) : 0) + use.directions_per_replica * sizeof(float) +
           (use.nodes ? sizeof(DefectState) : 0);
  }

  /// Of replica r, whose state is x.
  [[nodiscard]] ReplicaView view(std::uint64_t r, double* x) {
    return {x,
            &calibrations_[r],
            at(screenings_, r),
            at(curvatures_, r),
            at(directions_, r * use_.directions_per_replica),
            at(defects_, r)};
  }

  void forget(std::uint64_t first, std::uint64_t end) {
    reset(calibrations_, first, end);
    reset(screenings_, first, end);
    reset(curvatures_, first, end);
    reset(defects_, first, end);
  }

  /// Gives replica r, where it knows nothing of its own, what the one of `known` has learnt of the float
  /// rungs; with `models` of local models and of the nodes, too.
  void begin_with(const LearntStates& known, bool models, std::uint64_t r) {
    if (audits(calibrations_[r]) == 0) calibrations_[r] = known.calibrations_[0];
    if (!models || screenings_[r].samples > 0 || known.screenings_[0].samples == 0) return;
    screenings_[r] = known.screenings_[0];
    if (use_.learns) curvatures_[r] = known.curvatures_[0];
    if (use_.nodes) defects_[r] = known.defects_[0];
    std::copy(known.directions_.begin(), known.directions_.end(),
              directions_.begin() + static_cast<std::ptrdiff_t>(r * use_.directions_per_replica));
  }

  void save(std::span<std::byte> bytes) const {
    take_out(calibrations_, bytes);
    take_out(screenings_, bytes);
    take_out(curvatures_, bytes);
    take_out(directions_, bytes);
    take_out(defects_, bytes);
  }
  void restore(std::span<const std::byte> bytes) {
    put_back(bytes, calibrations_);
    put_back(bytes, screenings_);
    put_back(bytes, curvatures_);
    put_back(bytes, directions_);
    put_back(bytes, defects_);
  }

 private:
  [[nodiscard]] static std::uint32_t audits(const FloatCalibration& calibration) {
    return calibration.fresh.audits + calibration.carried.audits + calibration.forward.audits;
  }

  template <class T>
  [[nodiscard]] static T* at(std::vector<T>& values, std::uint64_t place) {
    return values.empty() ? nullptr : values.data() + place;
  }

  template <class T>
  static void reset(std::vector<T>& values, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t r = first; r < end && !values.empty(); ++r) values[r] = T{};
  }

  Use use_;
  std::vector<FloatCalibration> calibrations_;  // [replicas]
  std::vector<ScreeningState> screenings_;      // [replicas], or none
  std::vector<LearntCurvature> curvatures_;     // likewise
  std::vector<float> directions_;               // [replicas][directions_per_replica]
  std::vector<DefectState> defects_;            // [replicas], or none
};

}  // namespace langevo
