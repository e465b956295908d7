#pragma once

#include <quadmath.h>

#include "definitions.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// Quadruple precision, for references that are differences.
using Quad = __float128;

template <>
struct MathOf<Quad> {
  static Quad exp(Quad a) { return expq(a); }
  static Quad log(Quad a) { return logq(a); }
  static Quad log1p(Quad a) { return log1pq(a); }
  static Quad tanh(Quad a) { return tanhq(a); }
  static Quad erfc(Quad a) { return erfcq(a); }
  static Quad sqrt(Quad a) { return sqrtq(a); }
};

/// U(x), straight from its definition.
inline Quad quad_loss(const Problem& problem, const std::vector<double>& x) {
  const Dataset& data = problem.data();
  const auto outputs = static_cast<std::size_t>(data.target_dim);
  Quad total = 0;
  for (std::size_t point = 0; point < data.points; ++point) {
    std::vector<Quad> h(data.inputs.begin() + static_cast<std::ptrdiff_t>(point * data.input_dim),
                        data.inputs.begin() + static_cast<std::ptrdiff_t>((point + 1) * data.input_dim));
    for (std::size_t l = 0; l < problem.network().layers().size(); ++l) {
      const Layer& layer = problem.network().layers()[l];
      std::vector<Quad> next(static_cast<std::size_t>(layer.fan_out));
      for (std::size_t j = 0; j < next.size(); ++j) {
        next[j] = layer.has_bias ? x[layer.bias_offset + j] : 0.0;
        for (std::size_t k = 0; k < h.size(); ++k)
          next[j] += Quad(x[layer.weight_offset + j * h.size() + k]) * h[k];
        if (l + 1 < problem.network().layers().size())
          next[j] = activate(problem.network().activation(), next[j]);
      }
      h = next;
    }
    const double* const y = data.targets.data() + point * outputs;
    const Quad weight =
        data.weights.empty() ? 1 / Quad(static_cast<double>(data.points)) : Quad(data.weights[point]);
    total += weight * loss_of_point(problem.loss(), h, y);
  }
  return total;
}

}  // namespace langevo
