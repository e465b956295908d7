#include "kernels/cuda/cuda_backend.hpp"

#include <algorithm>
#include <limits>

#include "kernels/cpu/host_problem.hpp"
#include "kernels/cuda/device_array.cuh"
#include "kernels/cuda/ensemble_kernels.cuh"
#include "langevo/error.hpp"

namespace langevo {

namespace {

/// The one place that launches: checks the launch and waits for its end.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), std::uint64_t blocks, int threads, Arguments... arguments) {
  static_assert((std::is_trivially_copyable_v<Arguments> && ...), "kernels take views by value");
  kernel<<<static_cast<unsigned>(blocks), threads>>>(arguments...);
  check_cuda(cudaGetLastError(), "start a kernel");
  check_cuda(cudaDeviceSynchronize(), "finish a kernel");
}

/// Layers and data on the device.
class DeviceProblem {
 public:
  explicit DeviceProblem(const Problem& problem) {
    const HostProblem host(problem);
    view_ = host.view();
    layers_ = copy(view_.network.layers, static_cast<std::size_t>(view_.network.layer_count));
    view_.network.layers = layers_.data();
    place(view_.data_float, float_inputs_, float_targets_);
    place(view_.data_double, double_inputs_, double_targets_);
  }
  [[nodiscard]] const ProblemView& view() const { return view_; }

 private:
  template <class T>
  static DeviceArray<T> copy(const T* host, std::size_t count) {
    DeviceArray<T> array(count);
    array.copy_from(host, count, 0);
    return array;
  }
  template <class Real>
  static void place(DataView<Real>& data, DeviceArray<Real>& inputs, DeviceArray<Real>& targets) {
    const std::size_t points = data.tiles * points_per_tile;
    inputs = copy(data.inputs, points * static_cast<std::size_t>(data.input_dim));
    targets = copy(data.targets, points * static_cast<std::size_t>(data.target_dim));
    data.inputs = inputs.data();
    data.targets = targets.data();
  }

  ProblemView view_{};
  DeviceArray<Layer> layers_;
  DeviceArray<float> float_inputs_;
  DeviceArray<float> float_targets_;
  DeviceArray<double> double_inputs_;
  DeviceArray<double> double_targets_;
};

std::size_t bytes_per_warp(const Problem& problem) {
  const HostProblem host(problem);
  return std::max(workspace_bytes_of<MetropolisWorkspace<WarpTeam>>(host.view().network),
                  workspace_bytes_of<GradientRuleWorkspace<WarpTeam>>(host.view().network));
}

class CudaBackend final : public Backend {
 public:
  CudaBackend(const Problem& problem, Dynamics dynamics, const EnsembleShape& shape,
              const cudaDeviceProp& properties, std::uint64_t blocks)
      : problem_(problem),
        dynamics_(std::move(dynamics)),
        shape_(shape),
        name_(properties.name),
        parameter_count_(problem.network().parameter_count()),
        bytes_per_warp_(bytes_per_warp(problem)),
        blocks_(blocks),
        sigma_(dynamics_.sigma),
        state_(shape.replicas * parameter_count_),
        calibrations_(shape.replicas),
        steps_taken_(shape.replicas),
        report_(1),
        workspaces_(blocks * warps_per_block * bytes_per_warp_) {}

  void set_all_parameters(std::span<const double> x) override {
    const DeviceArray<double> row(std::vector<double>(x.begin(), x.end()));
    launch(broadcast_kernel, blocks_, 256, static_cast<const double*>(row.data()), parameter_count_,
           shape_.replicas, state_.data());
    reset_calibrations(0, shape_.replicas);
  }

  void set_parameters(std::uint64_t first, std::span<const double> x) override {
    state_.copy_from(x.data(), x.size(), first * parameter_count_);
    reset_calibrations(first, x.size() / parameter_count_);
  }

  std::vector<double> parameters(std::uint64_t first, std::uint64_t count) const override {
    std::vector<double> x(count * parameter_count_);
    if (count > 0) state_.copy_to(x.data(), x.size(), first * parameter_count_);
    return x;
  }

  void advance(std::uint64_t first_step, std::uint64_t steps) override {
    std::visit([&](const auto& rule) { advance_with(rule, first_step, steps); }, dynamics_.rule);
  }

  StepCounters counters() const override { return counters_; }

  Moments parameter_moments() const override {
    const std::uint64_t chunks = (shape_.replicas + replicas_per_chunk - 1) / replicas_per_chunk;
    const DeviceArray<double> mean(chunks * parameter_count_);
    const DeviceArray<double> sum_squared_deviations(chunks * parameter_count_);
    launch(chunk_moments_kernel, blocks_, 256, static_cast<const double*>(state_.data()), parameter_count_,
           shape_.replicas, mean.data(), sum_squared_deviations.data());
    launch(merge_chunks_kernel, (parameter_count_ + 127) / 128, 128, parameter_count_, shape_.replicas,
           mean.data(), sum_squared_deviations.data());
    Moments moments(parameter_count_);
    moments.count = shape_.replicas;
    mean.copy_to(moments.mean.data(), parameter_count_, 0);
    sum_squared_deviations.copy_to(moments.sum_squared_deviations.data(), parameter_count_, 0);
    return moments;
  }

  std::vector<double> losses() const override { return losses_of(state_.data(), shape_.replicas); }

  double loss(std::span<const double> x) const override {
    const DeviceArray<double> row(std::vector<double>(x.begin(), x.end()));
    return losses_of(row.data(), 1).front();
  }

  double gradient(std::span<const double> x, std::span<double> gradient) const override {
    const DeviceArray<double> row(std::vector<double>(x.begin(), x.end()));
    const DeviceArray<double> loss(1);
    const DeviceArray<double> device_gradient(parameter_count_);
    launch(gradient_kernel, 1, WarpTeam::lanes, problem_.view(), static_cast<const double*>(row.data()),
           pool(), loss.data(), device_gradient.data());
    device_gradient.copy_to(gradient.data(), parameter_count_, 0);
    double value = 0;
    loss.copy_to(&value, 1, 0);
    return value;
  }

  std::string device() const override { return name_ + " (cuda)"; }

 private:
  [[nodiscard]] WorkspacePool pool() const { return {workspaces_.data(), bytes_per_warp_}; }

  void reset_calibrations(std::uint64_t first, std::uint64_t count) {
    const std::vector<RungCalibration> fresh(count);
    calibrations_.copy_from(fresh.data(), count, first);
  }

  [[nodiscard]] std::vector<double> losses_of(const double* states, std::uint64_t count) const {
    const DeviceArray<double> device_losses(count);
    launch(loss_kernel, blocks_, warps_per_block * WarpTeam::lanes, problem_.view(), states, count, pool(),
           device_losses.data());
    std::vector<double> losses(count);
    device_losses.copy_to(losses.data(), count, 0);
    return losses;
  }

  template <class RuleType>
  void advance_with(const RuleType& rule, std::uint64_t first_step, std::uint64_t steps) {
    constexpr unsigned long long none = std::numeric_limits<unsigned long long>::max();
    StretchReport report{{}, none, steps_taken_.data()};
    report_.copy_from(&report, 1, 0);
    const DeviceEnsembleView ensemble{problem_.view(),      sigma_.data(),   state_.data(),
                                      calibrations_.data(), shape_.replicas, shape_.first_replica,
                                      shape_.seed};
    launch(advance_kernel<RuleType>, blocks_, warps_per_block * WarpTeam::lanes, ensemble, rule, first_step,
           steps, pool(), report_.data());
    report_.copy_to(&report, 1, 0);
    counters_ += report.counters;
    if (report.failed_replica == none) return;
    std::uint64_t taken = 0;
    steps_taken_.copy_to(&taken, 1, report.failed_replica);
    throw RunError(not_finite_message(first_step + taken, shape_.first_replica + report.failed_replica));
  }

  DeviceProblem problem_;
  Dynamics dynamics_;
  EnsembleShape shape_;
  std::string name_;
  std::size_t parameter_count_;
  std::size_t bytes_per_warp_;
  std::uint64_t blocks_;
  DeviceArray<double> sigma_;
  DeviceArray<double> state_;                  // [replicas][N]
  DeviceArray<RungCalibration> calibrations_;  // [replicas]
  DeviceArray<std::uint64_t> steps_taken_;     // [replicas]
  DeviceArray<StretchReport> report_;
  DeviceArray<unsigned char> workspaces_;  // one per resident warp
  StepCounters counters_;
};

/// Why a device cannot be used; empty if it can.
std::string why_not(const cudaDeviceProp& properties) {
  return properties.major * 10 + properties.minor < 75 ? "its compute capability is below 7.5" : "";
}

}  // namespace

std::unique_ptr<Backend> make_cuda_backend(const Problem& problem, const Dynamics& dynamics,
                                           const EnsembleShape& shape, const BackendOptions& options) {
  const std::vector<DeviceInfo> devices = list_cuda_devices();
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [&](const DeviceInfo& device) { return device.index == options.device; });
  if (found == devices.end()) {
    throw InputError("--backend cuda --device " + std::to_string(options.device) +
                     " does not exist; see `langevo devices`");
  }
  if (!found->usable) {
    throw InputError("--backend cuda --device " + std::to_string(options.device) +
                     " cannot be used because " + found->why_not + "; use --backend cpu");
  }
  check_cuda(cudaSetDevice(options.device), "take the device");
  cudaDeviceProp properties{};
  check_cuda(cudaGetDeviceProperties(&properties, options.device), "ask for the device's properties");
  int blocks_per_processor = 0;
  check_cuda(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks_per_processor, advance_kernel<Metropolis>,
                                                           warps_per_block * WarpTeam::lanes, 0),
             "ask for a kernel's occupancy");
  const std::uint64_t wanted = (shape.replicas + warps_per_block - 1) / warps_per_block;
  const auto resident = static_cast<std::uint64_t>(blocks_per_processor) * properties.multiProcessorCount;
  const std::uint64_t blocks = std::max<std::uint64_t>(1, std::min(wanted, resident));
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  check_cuda(cudaMemGetInfo(&free_bytes, &total_bytes), "ask for free memory");
  const std::uint64_t state = shape.replicas * problem.network().parameter_count() * sizeof(double);
  const std::uint64_t needed =
      state + state / 16 + shape.replicas * 32 + blocks * warps_per_block * bytes_per_warp(problem);
  if (needed > free_bytes) {
    throw InputError("--replicas " + std::to_string(shape.replicas) + " needs " +
                     std::to_string(needed >> 20) + " MiB on the device, which has " +
                     std::to_string(free_bytes >> 20) + " MiB free; use fewer, or --backend cpu");
  }
  return std::make_unique<CudaBackend>(problem, dynamics, shape, properties, blocks);
}

std::vector<DeviceInfo> list_cuda_devices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    DeviceInfo none;
    none.kind = BackendKind::cuda;
    none.name = "CUDA";
    none.why_not = status == cudaSuccess ? "there is no device" : cudaGetErrorString(status);
    return {none};
  }
  std::vector<DeviceInfo> devices;
  for (int index = 0; index < count; ++index) {
    DeviceInfo info;
    info.kind = BackendKind::cuda;
    info.index = index;
    cudaDeviceProp properties{};
    const cudaError_t asked = cudaGetDeviceProperties(&properties, index);
    if (asked == cudaSuccess) {
      info.name = properties.name;
      info.memory_bytes = properties.totalGlobalMem;
      info.capability = std::to_string(properties.major) + "." + std::to_string(properties.minor);
      info.why_not = why_not(properties);
    } else {
      info.name = "CUDA";
      info.why_not = cudaGetErrorString(asked);
    }
    info.usable = info.why_not.empty();
    devices.push_back(info);
  }
  return devices;
}

}  // namespace langevo
