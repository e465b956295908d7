#pragma once

#include "kernels/base/host_device.hpp"

/// How many roundings a sum over the inputs of a layer goes through.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// Inputs that are summed before they are added to the sum of those before them, which keeps the rounding
/// error of n inputs near n/8 + 8 roundings instead of n.
inline constexpr int inputs_per_block = 8;

/// Roundings that one summand of a preactivation and of its change goes through.
struct AffineRoundings {
  int value;
  int change;
};

/// Within its block, block by block, and of weight and input; a change is the sum of two.
LANGEVO_INLINE AffineRoundings roundings_of_blocks(int fan_in) {
  const int within = fan_in < inputs_per_block ? fan_in : inputs_per_block;
  const int blocks = (fan_in + inputs_per_block - 1) / inputs_per_block;
  return {blocks + within + 3, blocks + within + 5};
}

/// Whatever the order: products, sums over the inputs, the bias, weight and input; the change has two sums.
LANGEVO_INLINE AffineRoundings roundings_in_any_order(int fan_in) {
  return {fan_in + 4, 2 * fan_in + 5};
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
