#include <limits>

#include "kernels/cuda/executor.cuh"
#include "kernels/cuda/launch.cuh"
#include "langevo/error.hpp"

namespace langevo {

namespace {

constexpr unsigned long long none = std::numeric_limits<unsigned long long>::max();

class TeamExecutor final : public Executor {
 public:
  TeamExecutor(const DeviceDynamics& dynamics, const LaunchPlan& plan, const KeptCurvature& curvature,
               const ReplicaBatches& batches)
      : dynamics_(dynamics),
        plan_(plan),
        calibrations_(dynamics.shape.replicas, Filled::before_it_is_read),  // by forget, as the next three
        screenings_(is_screened(dynamics.rule) ? dynamics.shape.replicas : 0, Filled::before_it_is_read),
        curvatures_(curvature.learnt ? dynamics.shape.replicas : 0, Filled::before_it_is_read),
        directions_per_replica_(curvature.directions),
        directions_(dynamics.shape.replicas * curvature.directions, Filled::before_it_is_read),
        steps_taken_(dynamics.shape.replicas, Filled::before_it_is_read),  // by the kernel that reports it
        reports_(batches.size(), Filled::before_it_is_read),               // by advance_with, as the next one
        host_reports_(batches.size(), Filled::before_it_is_read) {
    for (std::size_t slot = 0; slot < CudaEnsemble::slots(batches); ++slot) {
      // scratch memory: a team reads of it what it has written itself
      workspaces_.emplace_back(plan.workspace_bytes(), Filled::before_it_is_read);
    }
    forget(0, dynamics.shape.replicas);
  }

  /// Directions beyond the rank learnt so far have to be 0: they are multiplied by 0, not left out.
  void forget(std::uint64_t first, std::uint64_t count) override {
    calibrations_.set_to_zero_async(first, count, stream_);  // FloatCalibration{}, LearntCurvature{}
    if (curvatures_.size() > 0) curvatures_.set_to_zero_async(first, count, stream_);
    directions_.set_to_zero_async(first * directions_per_replica_, count * directions_per_replica_, stream_);
    const std::vector<ScreeningState> fresh(screenings_.size() == 0 ? 0 : count);
    copy_to_device_async(fresh.data(), fresh.size(), at_replica(screenings_, first), stream_);
    stream_.synchronize();
  }

  [[nodiscard]] std::size_t learnt_bytes_per_replica() const override {
    return sizeof(FloatCalibration) + (screenings_.size() == 0 ? 0 : sizeof(ScreeningState)) +
           (curvatures_.size() == 0 ? 0 : sizeof(LearntCurvature)) + directions_per_replica_ * sizeof(float);
  }

  void save_learnt(std::byte* bytes) const override {
    take_out(calibrations_, bytes);
    take_out(screenings_, bytes);
    take_out(curvatures_, bytes);
    take_out(directions_, bytes);
    stream_.synchronize();
  }

  void restore_learnt(const std::byte* bytes) override {
    put_back(bytes, calibrations_);
    put_back(bytes, screenings_);
    put_back(bytes, curvatures_);
    put_back(bytes, directions_);
    stream_.synchronize();
  }

  [[nodiscard]] std::string name() const override {
    return "teams of " + std::to_string(plan_.kernels->workers_per_team);
  }

  void advance_async(const CudaEnsemble::Visit& visit, std::uint64_t first_step,
                     std::uint64_t steps) override {
    std::visit([&](const auto& rule) { advance_with(rule, visit, first_step, steps); }, dynamics_.rule);
  }

  void finish(std::uint64_t first_step, std::uint64_t /*steps*/, StepCounters& counters) override {
    const StepsReport* failed = nullptr;
    for (std::size_t b = 0; b < batches_; ++b) {
      counters += host_reports_[b].counters;
      if (failed == nullptr && host_reports_[b].failed_replica != none) failed = &host_reports_[b];
    }
    batches_ = 0;
    if (failed != nullptr) throw RunError(failure(*failed, first_step));
  }

  void losses_async(const CudaStream& stream, std::size_t slot, const double* states, std::uint64_t count,
                    double* losses) override {
    launch(plan_.kernels->losses, count == 1 ? 1 : plan_.blocks, stream, problem(), states, count, pool(slot),
           losses);
  }

  void gradient_async(const CudaStream& stream, const double* x, double* loss, double* gradient) override {
    launch(plan_.kernels->loss_and_gradient, 1, stream, problem(), x, pool(0), loss, gradient);
  }

 private:
  [[nodiscard]] const ProblemView& problem() const { return dynamics_.problem.view(); }

  [[nodiscard]] WorkspacePool pool(std::size_t slot) const {
    return {workspaces_[slot].data(), plan_.bytes_per_team, plan_.on_chip_bytes_per_team};
  }

  template <class Kernel, class... Arguments>
  void launch(Kernel kernel, std::uint64_t blocks, const CudaStream& stream,
              const Arguments&... arguments) const {
    launch_async(kernel, blocks, plan_.kernels->threads_per_block(), plan_.on_chip_bytes_per_block(), stream,
                 arguments...);
  }

  template <class RuleType>
  void advance_with(const RuleType& rule, const CudaEnsemble::Visit& visit, std::uint64_t first_step,
                    std::uint64_t steps) {
    const ReplicaRange range = visit.range;
    StepsReport& report = host_reports_[batches_];
    StepsReport* const device_report = reports_.data() + batches_;
    ++batches_;
    report = {{}, none, steps_taken_.data() + range.first};
    copy_to_device_async(&report, 1, device_report, visit.stream);
    const DeviceEnsembleView view{problem(),
                                  dynamics_.sigma.data(),
                                  visit.states,
                                  calibrations_.data() + range.first,
                                  at_replica(screenings_, range.first),
                                  at_replica(curvatures_, range.first),
                                  at_replica(directions_, range.first * directions_per_replica_),
                                  directions_per_replica_,
                                  range.count,
                                  dynamics_.shape.first_replica + range.first,
                                  dynamics_.shape.seed};
    launch(plan_.kernels->advance.of(rule), plan_.blocks, visit.stream, view, rule, first_step, steps,
           pool(visit.slot), device_report);
    copy_to_host_async(device_report, 1, &report, visit.stream);
  }

  /// nullptr where there is none.
  template <class T>
  static T* at_replica(const DeviceArray<T>& array, std::size_t first) {
    return array.size() == 0 ? nullptr : array.data() + first;
  }

  /// An array's bytes, which then go on behind them.
  template <class T>
  void take_out(const DeviceArray<T>& array, std::byte*& bytes) const {
    if (array.size() == 0) return;
    copy_to_host_async(reinterpret_cast<const std::byte*>(array.data()), array.size() * sizeof(T), bytes,
                       stream_);
    bytes += array.size() * sizeof(T);
  }
  template <class T>
  void put_back(const std::byte*& bytes, const DeviceArray<T>& array) const {
    if (array.size() == 0) return;
    copy_to_device_async(bytes, array.size() * sizeof(T), reinterpret_cast<std::byte*>(array.data()),
                         stream_);
    bytes += array.size() * sizeof(T);
  }

  [[nodiscard]] std::string failure(const StepsReport& report, std::uint64_t first_step) const {
    const std::uint64_t* const taken_on_device = report.steps_taken + report.failed_replica;
    std::uint64_t taken = 0;
    copy_to_host_async(taken_on_device, 1, &taken, stream_);
    stream_.synchronize();
    const auto replica = static_cast<std::uint64_t>(taken_on_device - steps_taken_.data());
    return not_finite_message(first_step + taken, dynamics_.shape.first_replica + replica);
  }

  const DeviceDynamics& dynamics_;
  LaunchPlan plan_;
  DeviceArray<FloatCalibration> calibrations_;  // [replicas]
  DeviceArray<ScreeningState> screenings_;      // [replicas], or none where no model screens
  DeviceArray<LearntCurvature> curvatures_;     // [replicas], or none where none is learnt
  std::size_t directions_per_replica_;
  DeviceArray<float> directions_;                       // of learnt curvatures, [replicas][..], or none
  DeviceArray<std::uint64_t> steps_taken_;              // [replicas]
  DeviceArray<StepsReport> reports_;                    // [batches]
  std::vector<DeviceArray<unsigned char>> workspaces_;  // for each slot, of all its teams
  PinnedArray<StepsReport> host_reports_;
  std::size_t batches_ = 0;  // of the steps under way
  CudaStream stream_;
};

}  // namespace

std::unique_ptr<Executor> make_team_executor(const DeviceDynamics& dynamics, const LaunchPlan& plan,
                                             const KeptCurvature& curvature, const ReplicaBatches& batches) {
  return std::make_unique<TeamExecutor>(dynamics, plan, curvature, batches);
}

}  // namespace langevo
