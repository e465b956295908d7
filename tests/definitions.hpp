#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "langevo/problem.hpp"

/// Activations and losses straight from their definitions, in any arithmetic, and the lists of them all: what
/// a test needs to know of a new one is its line here.
namespace langevo {

/// Functions of Real; specialised for numbers that the standard library does not know.
template <class Real>
struct MathOf {
  static Real exp(Real a) { return std::exp(a); }
  static Real log(Real a) { return std::log(a); }
  static Real log1p(Real a) { return std::log1p(a); }
  static Real tanh(Real a) { return std::tanh(a); }
  static Real erfc(Real a) { return std::erfc(a); }
  static Real sqrt(Real a) { return std::sqrt(a); }
};

template <class Real>
Real activate(Activation activation, Real a) {
  using Math = MathOf<Real>;
  switch (activation) {
    case Activation::tanh:
      return Math::tanh(a);
    case Activation::relu:
      return a > 0 ? a : Real(0);
    case Activation::sigmoid:
      return 1 / (1 + Math::exp(-a));
    case Activation::identity:
      return a;
    case Activation::softplus:
      return a > 0 ? a + Math::log1p(Math::exp(-a)) : Math::log1p(Math::exp(a));
    case Activation::gelu:
      return a < -100 ? Real(0) : a * Math::erfc(-a / Math::sqrt(Real(2))) / 2;
  }
  return a;
}

/// Of one point, the mean over its outputs included.
template <class Real>
Real loss_of_point(Loss loss, const std::vector<Real>& f, const double* y) {
  using Math = MathOf<Real>;
  Real sum = 0;
  switch (loss) {
    case Loss::mse:
      for (std::size_t c = 0; c < f.size(); ++c) sum += (f[c] - Real(y[c])) * (f[c] - Real(y[c]));
      return sum / Real(static_cast<double>(f.size()));
    case Loss::huber:
      for (std::size_t c = 0; c < f.size(); ++c) {
        const Real size = f[c] > Real(y[c]) ? f[c] - Real(y[c]) : Real(y[c]) - f[c];
        sum += size <= 1 ? size * size / 2 : size - Real(0.5);
      }
      return sum / Real(static_cast<double>(f.size()));
    case Loss::cross_entropy: {
      Real highest = f[0];
      for (const Real value : f) highest = value > highest ? value : highest;
      Real exponentials = 0;
      for (const Real value : f) exponentials += Math::exp(value - highest);
      for (std::size_t c = 0; c < f.size(); ++c)
        sum += Real(y[c]) * (highest + Math::log(exponentials) - f[c]);
      return sum;
    }
  }
  return sum;
}

inline std::vector<Activation> all_activations() {
  std::vector<Activation> all;
  for (const auto& [word, value] : activation_words()) all.push_back(value);
  return all;
}

inline std::vector<Loss> all_losses() {
  std::vector<Loss> all;
  for (const auto& [word, value] : loss_words()) all.push_back(value);
  return all;
}

inline std::string name_of(Activation activation) {
  for (const auto& [word, value] : activation_words())
    if (value == activation) return word;
  return "?";
}

inline std::string name_of(Loss loss) {
  for (const auto& [word, value] : loss_words())
    if (value == loss) return word;
  return "?";
}

/// A name for a test: letters alone.
inline std::string test_name_of(std::string word) {
  std::erase(word, '-');
  return word;
}

/// Whether a local model may decide.
inline bool has_second_derivatives(Activation activation, Loss loss) {
  return activation != Activation::relu && loss != Loss::huber;
}

}  // namespace langevo
