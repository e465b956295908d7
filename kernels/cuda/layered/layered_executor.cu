#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/cuda/executor.cuh"
#include "kernels/cuda/layered/cuda_machine.cuh"
#include "kernels/layered/layered_steps.hpp"
#include "langevo/error.hpp"

namespace langevo {

namespace {

class LayeredExecutor final : public Executor {
 public:
  LayeredExecutor(const DeviceDynamics& dynamics, const HostProblem& host, std::size_t slots)
      : dynamics_(dynamics),
        host_(host),
        inputs_float_(place(inputs_by_rows(host.view().data_float))),
        inputs_double_(place(inputs_by_rows(host.view().data_double))),
        steps_(CudaMachine{},
               LayeredProblem{host_.view(), dynamics.problem.view(), inputs_float_.data(),
                              inputs_double_.data()},
               slots, mutates(dynamics.rule)),
        calibrations_(dynamics.shape.replicas),
        taken_(dynamics.shape.replicas) {}

  void forget(std::uint64_t first, std::uint64_t count) override {
    std::fill_n(calibrations_.begin() + static_cast<std::ptrdiff_t>(first), count, FloatCalibration{});
  }

  [[nodiscard]] std::size_t learnt_bytes_per_replica() const override { return sizeof(FloatCalibration); }

  void save_learnt(std::byte* bytes) const override {
    std::memcpy(bytes, calibrations_.data(), calibrations_.size() * sizeof(FloatCalibration));
  }

  void restore_learnt(const std::byte* bytes) override {
    std::memcpy(calibrations_.data(), bytes, calibrations_.size() * sizeof(FloatCalibration));
  }

  [[nodiscard]] std::string name() const override { return "layers"; }

  void advance_async(const CudaEnsemble::Visit& visit, std::uint64_t first_step,
                     std::uint64_t steps) override {
    const std::uint64_t first = visit.range.first;
    const LayeredEnsemble ensemble{dynamics_.sigma.data(), visit.states, visit.range.count,
                                   dynamics_.shape.first_replica + first, dynamics_.shape.seed};
    steps_.machine().enter(visit.stream);
    std::visit(
        [&](const auto& rule) {
          if constexpr (std::is_base_of_v<Metropolis, std::decay_t<decltype(rule)>>) {
            steps_.advance(rule, ensemble, first_step, steps, calibrations_.data() + first, counters_);
          } else {
            steps_.advance(rule, ensemble, first_step, steps, taken_.data() + first, counters_);
          }
        },
        dynamics_.rule);
    steps_.machine().leave();
  }

  void finish(std::uint64_t first_step, std::uint64_t steps, StepCounters& counters) override {
    counters += std::exchange(counters_, {});
    if (mutates(dynamics_.rule)) return;
    const auto failed = std::find_if(taken_.begin(), taken_.end(), [&](auto taken) { return taken < steps; });
    if (failed == taken_.end()) return;
    throw RunError(not_finite_message(
        first_step + *failed,
        dynamics_.shape.first_replica + static_cast<std::uint64_t>(failed - taken_.begin())));
  }

  void losses_async(const CudaStream& stream, std::size_t /*slot*/, const double* states, std::uint64_t count,
                    double* losses) override {
    steps_.machine().enter(stream);
    steps_.losses(states, count, losses);
    steps_.machine().leave();
  }

  void gradient_async(const CudaStream& stream, const double* x, double* loss, double* gradient) override {
    steps_.machine().enter(stream);
    const double* const found = steps_.gradient(x, loss);
    copy_on_device_async(found, dynamics_.sigma.size(), gradient, stream);
    steps_.machine().leave();
  }

 private:
  template <class Real>
  static DeviceArray<Real> place(const std::vector<Real>& host) {
    return {host.data(), host.size()};
  }

  const DeviceDynamics& dynamics_;
  HostProblem host_;
  DeviceArray<float> inputs_float_;    // [input][point]
  DeviceArray<double> inputs_double_;  // likewise
  LayeredSteps<CudaMachine> steps_;
  std::vector<FloatCalibration> calibrations_;  // [replicas]
  std::vector<std::uint64_t> taken_;            // [replicas], steps of the last call
  StepCounters counters_;
};

}  // namespace

std::uint64_t layered_executor_bytes(const ProblemView& problem, const KernelRule& rule, std::size_t slots) {
  const DataView<double>& data = problem.data_double;
  const std::uint64_t inputs = data.tiles * points_per_tile * static_cast<std::uint64_t>(data.input_dim);
  return LayeredSteps<CudaMachine>::bytes(problem, slots, mutates(rule)) +
         inputs * (sizeof(float) + sizeof(double)) + Cublas::memory_bytes;
}

std::unique_ptr<Executor> make_layered_executor(const DeviceDynamics& dynamics, const HostProblem& host,
                                                std::size_t slots) {
  return std::make_unique<LayeredExecutor>(dynamics, host, slots);
}

}  // namespace langevo
