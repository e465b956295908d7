#include "langevo/network.hpp"

#include <algorithm>

#include "langevo/error.hpp"

namespace langevo {

Network::Network(std::vector<int> widths, Activation activation, bool output_bias)
    : widths_(std::move(widths)), activation_(activation) {
  if (widths_.size() < 2) {
    throw InputError("--widths needs at least an input and an output width, e.g. 1,30,1");
  }
  for (const int width : widths_) {
    if (width < 1)
      throw InputError("--widths contains " + std::to_string(width) + "; every width must be at least 1");
  }
  for (std::size_t l = 0; l + 1 < widths_.size(); ++l) {
    Layer layer{};
    layer.fan_in = widths_[l];
    layer.fan_out = widths_[l + 1];
    layer.has_bias = output_bias || l + 2 < widths_.size();
    layer.weight_offset = parameter_count_;
    layer.bias_offset = parameter_count_ + layer.weight_count();
    parameter_count_ = layer.bias_offset + (layer.has_bias ? static_cast<std::size_t>(layer.fan_out) : 0);
    layers_.push_back(layer);
  }
}

int Network::max_width() const {
  return *std::max_element(widths_.begin(), widths_.end());
}

std::vector<std::string> Network::parameter_names() const {
  std::vector<std::string> names;
  names.reserve(parameter_count_);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const std::string layer = "layers." + std::to_string(l);
    for (int j = 0; j < layers_[l].fan_out; ++j) {
      for (int k = 0; k < layers_[l].fan_in; ++k) {
        names.push_back(layer + ".weight[" + std::to_string(j) + "," + std::to_string(k) + "]");
      }
    }
    for (int j = 0; layers_[l].has_bias && j < layers_[l].fan_out; ++j) {
      names.push_back(layer + ".bias[" + std::to_string(j) + "]");
    }
  }
  return names;
}

}  // namespace langevo
