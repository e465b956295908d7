#include "langevo/dynamics.hpp"

#include <cmath>
#include <numbers>

namespace langevo {

double sigma_from_lambda(double lambda, double alpha, double beta) {
  if (std::isinf(beta)) return lambda * alpha * std::sqrt(2 * std::numbers::pi);
  return std::sqrt(2 * alpha * lambda / beta);
}

double lambda_from_sigma(double sigma, double alpha, double beta) {
  if (std::isinf(beta)) return sigma / (alpha * std::sqrt(2 * std::numbers::pi));
  return beta * sigma * sigma / (2 * alpha);
}

double root_mean_square(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace langevo
