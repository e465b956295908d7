#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace langevo {

enum class Activation { tanh, relu, sigmoid, identity };

/// Where one layer's parameters lie in the parameter vector of a replica.
struct Layer {
  int fan_in;
  int fan_out;
  std::size_t weight_offset;  ///< row-major [fan_out][fan_in]
  std::size_t bias_offset;    ///< [fan_out]; meaningless without a bias
  bool has_bias;

  [[nodiscard]] std::size_t weight_count() const { return static_cast<std::size_t>(fan_in) * fan_out; }
};

/// Fully connected network: `h_0 = input`, `h_{l+1} = activation(W_l h_l + b_l)`, last layer linear.
///
/// The parameter vector is PyTorch's: `layers.0.weight[j,k]` row-major, `layers.0.bias[j]`, `layers.1...`.
/// Two widths, `[d_in, d_out]`, are linear regression.
class Network {
 public:
  /// @param widths      [d_in, h_1, ..., d_out], at least two entries, each at least 1
  /// @param output_bias whether the last layer has a bias; hidden layers always have one
  /// @throws InputError for widths that make no network
  Network(std::vector<int> widths, Activation activation, bool output_bias);

  [[nodiscard]] std::span<const int> widths() const { return widths_; }
  [[nodiscard]] std::span<const Layer> layers() const { return layers_; }
  [[nodiscard]] Activation activation() const { return activation_; }
  [[nodiscard]] int input_dim() const { return widths_.front(); }
  [[nodiscard]] int output_dim() const { return widths_.back(); }
  [[nodiscard]] int max_width() const;
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }

  /// PyTorch's names with indices, e.g. `layers.0.weight[3,0]`, in the order of the parameter vector.
  [[nodiscard]] std::vector<std::string> parameter_names() const;

 private:
  std::vector<int> widths_;
  std::vector<Layer> layers_;
  Activation activation_;
  std::size_t parameter_count_ = 0;
};

}  // namespace langevo
