#include "kernels/cuda/cuda_backend.hpp"

#include <algorithm>
#include <limits>

#include "kernels/cuda/cuda_ensemble.cuh"
#include "kernels/cuda/device_problem.cuh"
#include "kernels/cuda/device_snapshot.cuh"
#include "kernels/cuda/launch_plan.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

/// The one place that launches.
template <class... Parameters, class... Arguments>
void launch_async(void (*kernel)(Parameters...), const LaunchPlan& plan, std::uint64_t blocks,
                  const CudaStream& stream, Arguments... arguments) {
  static_assert((std::is_trivially_copyable_v<Arguments> && ...), "kernels take views by value");
  kernel<<<static_cast<unsigned>(blocks), plan.kernels->threads_per_block(), plan.on_chip_bytes_per_block(),
           stream.get()>>>(arguments...);
  check_cuda(cudaGetLastError(), "start a kernel");
}

/// What stays on the device for every replica, beside its state.
constexpr std::uint64_t fixed_bytes_per_replica =
    sizeof(FloatCalibration) + sizeof(ScreeningState) + sizeof(std::uint64_t) + sizeof(double);

class CudaBackend final : public Backend {
 public:
  CudaBackend(const HostProblem& host, Dynamics dynamics, const EnsembleShape& shape, int device,
              std::string name, const LaunchPlan& plan, ReplicaBatches batches)
      : problem_(host),
        dynamics_(std::move(dynamics)),
        shape_(shape),
        device_(device),
        name_(std::move(name)),
        plan_(plan),
        parameter_count_(host.view().network.parameter_count),
        sigma_(dynamics_.sigma.data(), dynamics_.sigma.size()),
        ensemble_(parameter_count_, batches),
        calibrations_(shape.replicas),
        screenings_(shape.replicas),
        steps_taken_(shape.replicas),
        reports_(batches.size()),
        snapshot_(parameter_count_, shape.replicas, batches.largest()),
        loss_(1),
        row_(parameter_count_),
        gradient_(parameter_count_),
        host_reports_(batches.size()),
        host_loss_(1),
        host_row_(parameter_count_) {
    for (std::size_t lane = 0; lane < CudaEnsemble::lanes(batches); ++lane)
      workspaces_.emplace_back(plan.workspace_bytes());
  }

  void set_all_parameters(std::span<const double> x) override {
    use_device();
    send_row(x);
    ensemble_.visit(CudaEnsemble::Access::write, [&](const CudaEnsemble::Visit& visit) {
      broadcast_async(row_.data(), parameter_count_, visit.range.count, visit.states, visit.stream);
    });
    forget_what_was_learnt(0, shape_.replicas);
  }

  void set_parameters(std::uint64_t first, std::span<const double> x) override {
    use_device();
    ensemble_.set(first, x);
    forget_what_was_learnt(first, x.size() / parameter_count_);
  }

  std::vector<double> parameters(std::uint64_t first, std::uint64_t count) const override {
    use_device();
    return ensemble_.get(first, count);
  }

  void advance(std::uint64_t first_step, std::uint64_t steps) override {
    use_device();
    with_kernel_rule(dynamics_.rule, [&](const auto& rule) { advance_with(rule, first_step, steps); });
  }

  StepCounters counters() const override { return counters_; }

  std::future<EnsembleSnapshot> snapshot(std::uint64_t traced) const override {
    use_device();
    snapshot_.begin(traced);
    ensemble_.visit_async(CudaEnsemble::Access::read, [&](const CudaEnsemble::Visit& visit) {
      snapshot_.add_async(visit, [&](const double* states, std::uint64_t count, double* losses) {
        launch_async(plan_.kernels->losses, plan_, count == 1 ? 1 : plan_.blocks, visit.stream,
                     problem_.view(), states, count, pool(visit.lane), losses);
      });
    });
    snapshot_.copy_async();
    return std::async(std::launch::deferred, [this] {
      use_device();
      return snapshot_.collect();
    });
  }

  Moments parameter_moments() const override { return snapshot(0).get().moments; }

  std::vector<double> losses() const override { return snapshot(0).get().losses; }

  double loss(std::span<const double> x) const override {
    use_device();
    const CudaStream& stream = send_row(x);
    launch_async(plan_.kernels->losses, plan_, 1, stream, problem_.view(),
                 static_cast<const double*>(row_.data()), std::uint64_t{1}, pool(0), loss_.data());
    return receive_loss(stream);
  }

  double gradient(std::span<const double> x, std::span<double> gradient) const override {
    use_device();
    const CudaStream& stream = send_row(x);
    launch_async(plan_.kernels->loss_and_gradient, plan_, 1, stream, problem_.view(),
                 static_cast<const double*>(row_.data()), pool(0), loss_.data(), gradient_.data());
    copy_to_host_async(gradient_.data(), parameter_count_, host_row_.data(), stream);
    const double loss = receive_loss(stream);
    std::copy(host_row_.data(), host_row_.data() + parameter_count_, gradient.begin());
    return loss;
  }

  std::string device() const override { return name_ + " (cuda)"; }

 private:
  /// CUDA's current device belongs to the thread, which may have used another one since.
  void use_device() const { check_cuda(cudaSetDevice(device_), "take the device"); }

  [[nodiscard]] WorkspacePool pool(std::size_t lane) const {
    return {workspaces_[lane].data(), plan_.bytes_per_team, plan_.on_chip_bytes_per_team};
  }

  void forget_what_was_learnt(std::uint64_t first, std::uint64_t count) {
    calibrations_.set_to_zero_async(first, count, ensemble_.first_stream());  // FloatCalibration{}
    const std::vector<ScreeningState> fresh(count);
    copy_to_device_async(fresh.data(), count, screenings_.data() + first, ensemble_.first_stream());
    ensemble_.first_stream().synchronize();
  }

  /// x to row_, complete on the returned stream and on all others.
  const CudaStream& send_row(std::span<const double> x) const {
    const CudaStream& stream = ensemble_.first_stream();
    std::copy(x.begin(), x.end(), host_row_.data());
    copy_to_device_async(host_row_.data(), x.size(), row_.data(), stream);
    stream.synchronize();
    return stream;
  }

  double receive_loss(const CudaStream& stream) const {
    copy_to_host_async(loss_.data(), 1, host_loss_.data(), stream);
    stream.synchronize();
    return host_loss_[0];
  }

  template <class RuleType>
  void advance_with(const RuleType& rule, std::uint64_t first_step, std::uint64_t steps) {
    constexpr unsigned long long none = std::numeric_limits<unsigned long long>::max();
    std::size_t batch = 0;
    ensemble_.visit(CudaEnsemble::Access::write, [&](const CudaEnsemble::Visit& visit) {
      const ReplicaRange range = visit.range;
      StretchReport& report = host_reports_[batch];
      StretchReport* const device_report = reports_.data() + batch;
      report = {{}, none, steps_taken_.data() + range.first};
      copy_to_device_async(&report, 1, device_report, visit.stream);
      const DeviceEnsembleView view{problem_.view(),
                                    sigma_.data(),
                                    visit.states,
                                    calibrations_.data() + range.first,
                                    screenings_.data() + range.first,
                                    range.count,
                                    shape_.first_replica + range.first,
                                    shape_.seed};
      launch_async(plan_.kernels->advance(rule), plan_, plan_.blocks, visit.stream, view, rule, first_step,
                   steps, pool(visit.lane), device_report);
      copy_to_host_async(device_report, 1, &report, visit.stream);
      ++batch;
    });
    const StretchReport* failed = nullptr;
    for (std::size_t b = 0; b < batch; ++b) {
      counters_ += host_reports_[b].counters;
      if (failed == nullptr && host_reports_[b].failed_replica != none) failed = &host_reports_[b];
    }
    if (failed != nullptr) throw RunError(failure(*failed, first_step));
  }

  [[nodiscard]] std::string failure(const StretchReport& report, std::uint64_t first_step) const {
    const std::uint64_t* const taken_on_device = report.steps_taken + report.failed_replica;
    std::uint64_t taken = 0;
    copy_to_host_async(taken_on_device, 1, &taken, ensemble_.first_stream());
    ensemble_.first_stream().synchronize();
    const auto replica = static_cast<std::uint64_t>(taken_on_device - steps_taken_.data());
    return not_finite_message(first_step + taken, shape_.first_replica + replica);
  }

  DeviceProblem problem_;
  Dynamics dynamics_;
  EnsembleShape shape_;
  int device_;
  std::string name_;
  LaunchPlan plan_;
  std::size_t parameter_count_;
  DeviceArray<double> sigma_;
  CudaEnsemble ensemble_;
  DeviceArray<FloatCalibration> calibrations_;          // [replicas]
  DeviceArray<ScreeningState> screenings_;              // [replicas]
  DeviceArray<std::uint64_t> steps_taken_;              // [replicas]
  DeviceArray<StretchReport> reports_;                  // [batches]
  mutable DeviceSnapshot snapshot_;                     // scratch, no state
  DeviceArray<double> loss_;                            // [1]
  DeviceArray<double> row_;                             // [N]
  DeviceArray<double> gradient_;                        // [N]
  std::vector<DeviceArray<unsigned char>> workspaces_;  // for each stream, of all its teams
  PinnedArray<StretchReport> host_reports_;
  PinnedArray<double> host_loss_;
  PinnedArray<double> host_row_;
  StepCounters counters_;
};

DeviceInfo usable_device(int index) {
  const std::vector<DeviceInfo> devices = list_cuda_devices();
  const std::string asked = "--backend cuda --device " + std::to_string(index);
  for (const DeviceInfo& device : devices) {
    if (device.index != index) continue;
    if (device.usable) return device;
    throw InputError(asked + " cannot be used because " + device.why_not + "; use --backend cpu");
  }
  throw InputError(asked + " does not exist; see `langevo devices`");
}

/// Free device memory less what the driver may want for itself.
std::uint64_t available_bytes() {
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  check_cuda(cudaMemGetInfo(&free_bytes, &total_bytes), "ask for free memory");
  const std::uint64_t reserve = std::max<std::uint64_t>(free_bytes / 32, 64 << 20);
  return free_bytes > reserve ? free_bytes - reserve : 0;
}

/// Device memory beside the states: data, workspaces, what single states and every replica need.
std::uint64_t fixed_bytes(const ProblemView& problem, std::uint64_t replicas, const LaunchPlan& plan) {
  const DataView<double>& data = problem.data_double;
  const std::uint64_t values =
      data.tiles * points_per_tile * static_cast<std::uint64_t>(data.input_dim + data.target_dim);
  return values * (sizeof(float) + sizeof(double)) + 6 * problem.network.parameter_count * sizeof(double) +
         replicas * fixed_bytes_per_replica + 2 * plan.workspace_bytes();
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + 999999) / 1000000) + " MB";
}

ReplicaBatches cut_to_fit(std::uint64_t replicas, std::size_t parameters, std::uint64_t fixed,
                          std::uint64_t available, std::uint64_t limit) {
  const std::uint64_t each = parameters * sizeof(double) + DeviceMoments::bytes_per_replica(parameters);
  const std::uint64_t left = available > fixed ? available - fixed : 0;
  const ReplicaBatches batches =
      ReplicaBatches::fit(replicas, each, limit == 0 ? left : std::min(limit, left));
  if (batches.size() > 0) return batches;
  throw InputError("--backend cuda needs " + megabytes(fixed + 2 * replicas_per_chunk * each) +
                   " of device memory for --replicas " + std::to_string(replicas) + " but may use " +
                   megabytes(limit == 0 ? available : fixed + limit) +
                   "; give fewer replicas, or use --backend cpu");
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Dynamics& dynamics,
                                           const EnsembleShape& shape, const BackendOptions& options) {
  const DeviceInfo device = usable_device(options.device);
  check_cuda(cudaSetDevice(options.device), "take the device");
  const HostProblem host(problem);
  const ProblemView view = host.view();
  const std::uint64_t available = available_bytes();
  const LaunchPlan plan = plan_launch(view, dynamics.rule, shape.replicas, options.device, available / 8);
  const ReplicaBatches batches =
      cut_to_fit(shape.replicas, view.network.parameter_count, fixed_bytes(view, shape.replicas, plan),
                 available, options.device_memory_limit);
  return std::make_unique<CudaBackend>(host, dynamics, shape, options.device, device.name, plan, batches);
}

}  // namespace langevo
