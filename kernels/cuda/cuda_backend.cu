#include "kernels/cuda/cuda_backend.hpp"

#include <algorithm>

#include "kernels/cuda/executor.cuh"
#include "kernels/cuda/memory/device_snapshot.cuh"
#include "langevo/error.hpp"

namespace langevo {

namespace {

class CudaBackend final : public Ensemble {
 public:
  CudaBackend(const Problem& problem, const HostProblem& host, const Dynamics& dynamics,
              const EnsembleShape& shape, int device, std::string name, const ExecutorPlan& plan,
              ReplicaBatches batches)
      : Ensemble(problem, dynamics, shape),
        dynamics_(host, dynamics, shape),
        device_(device),
        name_(std::move(name)),
        ensemble_(parameter_count(), batches),
        executor_(plan.slots > 0 ? make_layered_executor(dynamics_, host, plan.slots)
                                 : make_team_executor(dynamics_, plan.teams, plan.curvature, batches)),
        snapshot_(parameter_count(), {shape.replicas, shape.first_replica}, batches.largest()),
        loss_(1, Filled::before_it_is_read),                        // by the executor,
        row_(parameter_count(), Filled::before_it_is_read),         // by send_row,
        gradient_(parameter_count(), Filled::before_it_is_read),    // by the executor,
        host_loss_(1, Filled::before_it_is_read),                   // by the copy in receive_loss
        host_row_(parameter_count(), Filled::before_it_is_read) {}  // and by send_row or gradient

  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;
  /// After an error work may still wait that uses memory which goes now.
  ~CudaBackend() override { ensemble_.drain(); }

 private:
  void do_set_all_parameters(std::span<const double> x) override {
    use_device();
    send_row(x);
    ensemble_.visit(CudaEnsemble::Access::write, [&](const CudaEnsemble::Visit& visit) {
      broadcast_async(row_.data(), parameter_count(), visit.range.count, visit.states, visit.stream);
    });
    executor_->forget(0, shape().replicas);
  }

  void do_set_parameters(std::uint64_t first, std::span<const double> x) override {
    use_device();
    ensemble_.set(first, x);
    executor_->forget(first, x.size() / parameter_count());
  }

  std::vector<double> do_parameters(std::uint64_t first, std::uint64_t count) const override {
    use_device();
    return ensemble_.get(first, count);
  }

  void do_advance(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) override {
    use_device();
    ensemble_.visit(CudaEnsemble::Access::write, [&](const CudaEnsemble::Visit& visit) {
      executor_->advance_async(visit, first_step, steps);
    });
    executor_->finish(first_step, steps, counters);
  }

  std::future<EnsembleSnapshot> do_snapshot(std::uint64_t traced) const override {
    use_device();
    snapshot_.begin(traced);
    ensemble_.visit_async(CudaEnsemble::Access::read, [&](const CudaEnsemble::Visit& visit) {
      snapshot_.add_async(visit, [&](const double* states, std::uint64_t count, double* losses) {
        executor_->losses_async(visit.stream, visit.slot, states, count, losses);
      });
    });
    snapshot_.copy_async();
    return std::async(std::launch::deferred, [this] {
      use_device();
      return snapshot_.collect();
    });
  }

  Moments do_parameter_moments() const override { return do_snapshot(0).get().moments; }

  std::vector<Moments> do_chunk_moments() const override {
    use_device();
    return snapshot_.chunk_moments(ensemble_);
  }

  std::vector<double> do_losses() const override { return do_snapshot(0).get().losses; }

  double do_loss(std::span<const double> x) const override {
    use_device();
    const CudaStream& stream = send_row(x);
    executor_->losses_async(stream, 0, row_.data(), 1, loss_.data());
    return receive_loss(stream);
  }

  double do_gradient(std::span<const double> x, std::span<double> gradient) const override {
    use_device();
    const CudaStream& stream = send_row(x);
    executor_->gradient_async(stream, row_.data(), loss_.data(), gradient_.data());
    copy_to_host_async(gradient_.data(), parameter_count(), host_row_.data(), stream);
    const double loss = receive_loss(stream);
    std::copy(host_row_.data(), host_row_.data() + parameter_count(), gradient.begin());
    return loss;
  }

  Learnt do_learnt_layout() const override {
    return {"cuda " + executor_->name(), executor_->learnt_bytes_per_replica()};
  }

  void do_save_learnt(std::span<std::byte> bytes) const override {
    use_device();
    executor_->save_learnt(bytes.data());
  }

  void do_restore_learnt(std::span<const std::byte> bytes) override {
    use_device();
    executor_->restore_learnt(bytes.data());
  }

  std::string do_device() const override { return name_ + " (cuda)"; }

  /// CUDA's current device belongs to the thread, which may have used another one since.
  void use_device() const { check_cuda(cudaSetDevice(device_), "take the device"); }

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

  DeviceDynamics dynamics_;
  int device_;
  std::string name_;
  CudaEnsemble ensemble_;
  std::unique_ptr<Executor> executor_;
  mutable DeviceSnapshot snapshot_;  // scratch, no state
  DeviceArray<double> loss_;         // [1]
  DeviceArray<double> row_;          // [N]
  DeviceArray<double> gradient_;     // [N]
  PinnedArray<double> host_loss_;
  PinnedArray<double> host_row_;
};

/// Which other devices may serve, in words.
std::string others_in_words(const std::vector<DeviceInfo>& devices, int index) {
  for (const DeviceInfo& device : devices) {
    if (device.index != index && device.usable) return "; use --device " + std::to_string(device.index);
  }
  return "; use --backend cpu";
}

DeviceInfo take_device(int index) {
  const std::vector<DeviceInfo> devices = list_cuda_devices();
  const std::string asked = "--backend cuda --device " + std::to_string(index);
  for (const DeviceInfo& each : devices) {
    if (each.index != index) continue;
    const DeviceInfo device = try_cuda_device(each);
    if (device.usable) return device;
    throw InputError(asked + " cannot be used because " + device.why_not + others_in_words(devices, index));
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

/// Device memory beside the states: data, the executor's, what single states and every replica need.
std::uint64_t fixed_bytes(const ProblemView& problem, std::uint64_t replicas, const ExecutorPlan& plan) {
  const DataView<double>& data = problem.data_double;
  const int columns = data.input_dim + data.target_dim + (data.weights == nullptr ? 0 : 1);
  const std::uint64_t values = data.tiles * points_per_tile * static_cast<std::uint64_t>(columns);
  return values * (sizeof(float) + sizeof(double)) + 8 * problem.network.parameter_count * sizeof(double) +
         replicas * sizeof(double) + plan.bytes;
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string((bytes + 999999) / 1000000) + " MB";
}

ReplicaBatches cut_to_fit(const EnsembleShape& shape, std::size_t parameters, std::uint64_t fixed,
                          std::uint64_t available, std::uint64_t limit) {
  const std::uint64_t each = parameters * sizeof(double) + DeviceMoments::bytes_per_replica(parameters);
  const std::uint64_t left = available > fixed ? available - fixed : 0;
  const ReplicaBatches batches = ReplicaBatches::fit(
      shape.replicas, each, limit == 0 ? left : std::min(limit, left), shape.first_replica);
  if (batches.size() > 0) return batches;
  throw InputError("--backend cuda needs " + megabytes(fixed + 2 * replicas_per_chunk * each) +
                   " of device memory for --replicas " + std::to_string(shape.replicas) + " but may use " +
                   megabytes(limit == 0 ? available : fixed + limit) +
                   "; give fewer replicas, or use --backend cpu");
}

}  // namespace

std::unique_ptr<Ensemble> make_cuda_ensemble(const Problem& problem, const Dynamics& dynamics,
                                             const EnsembleShape& shape, const BackendOptions& options) {
  const DeviceInfo device = take_device(options.device);
  const HostProblem host(problem);
  const ProblemView view = host.view();
  const std::uint64_t available = available_bytes();
  const ExecutorPlan plan =
      plan_executor(view, kernel_rule(view, dynamics.rule), shape.replicas, options.device, available);
  const ReplicaBatches batches =
      cut_to_fit(shape, view.network.parameter_count, fixed_bytes(view, shape.replicas, plan), available,
                 options.device_memory_limit);
  return std::make_unique<CudaBackend>(problem, host, dynamics, shape, options.device, device.name, plan,
                                       batches);
}

}  // namespace langevo
