#include "langevo/network.hpp"

#include <algorithm>

#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// Four parameters share a draw of random numbers, which has a number of 32 bits.
void require_countable(const std::vector<int>& widths) {
  constexpr double limit = 0x1p34;
  double parameters = 0;
  for (std::size_t l = 0; l + 1 < widths.size(); ++l)
    parameters += (static_cast<double>(widths[l]) + 1) * static_cast<double>(widths[l + 1]);
  if (parameters <= limit) return;
  throw InputError("--widths make " + rounded(parameters, 3) +
                   " parameters, but random numbers reach for 2^34; give smaller widths");
}

}  // namespace

Network::Network(std::vector<int> widths, Activation activation, bool output_bias)
    : widths_(std::move(widths)), activation_(activation) {
  if (widths_.size() < 2) {
    throw InputError("--widths has " + std::to_string(widths_.size()) +
                     " width(s); give at least an input and an output width, like 1,30,1");
  }
  for (const int width : widths_) {
    if (width < 1)
      throw InputError("--widths contains " + std::to_string(width) + "; every width must be at least 1");
  }
  require_countable(widths_);
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
