#pragma once

#include "kernels/base/tiles.hpp"
#include "kernels/cpu/memory/host_problem.hpp"
#include "kernels/cuda/memory/device_array.cuh"

namespace langevo {

/// Layers and data on the device.
class DeviceProblem {
 public:
  explicit DeviceProblem(const HostProblem& host) : view_(host.view()) {
    layers_ = DeviceArray<Layer>(view_.network.layers, static_cast<std::size_t>(view_.network.layer_count));
    view_.network.layers = layers_.data();
    const auto outputs = static_cast<std::size_t>(view_.data_float.target_dim);
    if (view_.network.forward_tiles * outputs > most_output_tiles) view_.network.forward_tiles = 0;
    place(view_.data_float, float_inputs_, float_targets_, float_weights_);
    place(view_.data_double, double_inputs_, double_targets_, double_weights_);
  }

  /// Its pointers are the device's.
  [[nodiscard]] const ProblemView& view() const { return view_; }

 private:
  /// Kept by every team, of which there are thousands: 128 KiB.
  static constexpr std::size_t most_output_tiles = 256;

  template <class Real>
  static void place(DataView<Real>& data, DeviceArray<Real>& inputs, DeviceArray<Real>& targets,
                    DeviceArray<Real>& weights) {
    const std::size_t points = data.tiles * points_per_tile;
    inputs = DeviceArray<Real>(data.inputs, points * static_cast<std::size_t>(data.input_dim));
    targets = DeviceArray<Real>(data.targets, points * static_cast<std::size_t>(data.target_dim));
    data.inputs = inputs.data();
    data.targets = targets.data();
    if (data.weights == nullptr) return;
    weights = DeviceArray<Real>(data.weights, points);
    data.weights = weights.data();
  }

  ProblemView view_;
  DeviceArray<Layer> layers_;
  DeviceArray<float> float_inputs_;
  DeviceArray<float> float_targets_;
  DeviceArray<float> float_weights_;
  DeviceArray<double> double_inputs_;
  DeviceArray<double> double_targets_;
  DeviceArray<double> double_weights_;
};

}  // namespace langevo
