#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace langevo {

/// Activations h(a) of hidden units, each with its word on the command line and the type in
/// kernels/network/activations that knows it: relu max(a, 0), sigmoid 1/(1 + e^-a), softplus log(1 + e^a),
/// gelu a (1 + erf(a/sqrt 2))/2 (Hendrycks & Gimpel, arXiv:1606.08415, not its approximation by tanh).
#define LANGEVO_ACTIVATIONS(entry)                                                                 \
  entry(tanh, "tanh", TanhActivation) entry(relu, "relu", ReluActivation)                          \
      entry(sigmoid, "sigmoid", SigmoidActivation) entry(identity, "identity", IdentityActivation) \
          entry(softplus, "softplus", SoftplusActivation) entry(gelu, "gelu", GeluActivation)

#define LANGEVO_VALUE(value, word, Type) value,
enum class Activation { LANGEVO_ACTIVATIONS(LANGEVO_VALUE) };
#undef LANGEVO_VALUE

/// Every activation and its word.
inline const std::vector<std::pair<std::string, Activation>>& activation_words() {
#define LANGEVO_WORD(value, word, Type) {word, Activation::value},
  static const std::vector<std::pair<std::string, Activation>> words{LANGEVO_ACTIVATIONS(LANGEVO_WORD)};
#undef LANGEVO_WORD
  return words;
}

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
