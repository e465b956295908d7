#pragma once

#include <type_traits>

#include "kernels/base/scalar.hpp"
#include "kernels/base/tiles.hpp"
#include "kernels/network/problem_view.hpp"

/// Upper bounds of the largest singular value of a layer's weights, for the error bounds of deep networks:
/// there the Frobenius norm, larger by up to the root of the width in every layer, would make them useless.
namespace langevo {
inline namespace LANGEVO_TARGET {

/// The smaller dimension of a layer.
LANGEVO_INLINE int layer_rank(const Layer& layer) {
  return layer.fan_in < layer.fan_out ? layer.fan_in : layer.fan_out;
}

/// Whether the bound costs little beside an evaluation of the loss: about 4 rank against 3 points per weight.
LANGEVO_INLINE bool spectral_norm_pays(const Layer& layer, std::size_t points) {
  const int rank = layer_rank(layer);
  return rank > 1 && static_cast<std::size_t>(rank) * 8 <= points;
}

/// Doubles that spectral_norm_bound needs: two matrices of the largest rank.
LANGEVO_FUNCTION std::size_t spectral_norm_scratch(const NetworkView& network) {
  std::size_t largest = 1;
  for (int l = 0; l < network.layer_count; ++l) {
    const auto rank = static_cast<std::size_t>(layer_rank(network.layers[l]));
    largest = rank > largest ? rank : largest;
  }
  return 2 * largest * largest;
}

/// gram[i][k] = scale^2 sum_j A(j, i) A(j, k) for A(j, i) = a[j row + i column], shape [rows][rank]. A column
/// that is the constant 1 lets several k go side by side.
template <class Team, class Column>
LANGEVO_FUNCTION void gram_matrix(const Team& team, const double* a, int rows, std::size_t row, Column column,
                                  int rank, double scale, double* gram) {
  constexpr int block = 8;
  const auto sums = [&](auto count, auto lanes, int i, std::size_t k) LANGEVO_BODY {
    using Lanes = typename decltype(lanes)::Lanes;
    constexpr int units = count;
    Lanes sum[units];
#pragma GCC unroll 8
    for (int q = 0; q < units; ++q) sum[q] = Lanes(0.0);
    for (int j = 0; j < rows; ++j) {
      Lanes a_k;
      load_lanes(a_k, a + j * row + k * column);
#pragma GCC unroll 8
      for (int q = 0; q < units; ++q)
        sum[q] = multiply_add(Lanes(a[j * row + (i + q) * column]), a_k, sum[q]);
    }
#pragma GCC unroll 8
    for (int q = 0; q < units; ++q)
      store_lanes(Lanes(scale) * (Lanes(scale) * sum[q]), gram + (i + q) * rank + k);
  };
  const auto rows_of_gram = [&](auto count, int i) LANGEVO_BODY {
    if constexpr (std::is_same_v<Column, Constant<std::size_t(1)>>) {
      team.template each_lanes<double>(
          rank, [&](auto lanes, std::size_t k) LANGEVO_BODY { sums(count, lanes, i, k); });
    } else {
      team.each(rank, [&](std::size_t k) LANGEVO_BODY { sums(count, PointRegisters<double, 1, 1>(), i, k); });
    }
  };
  int i = 0;
  for (; i + block <= rank; i += block) rows_of_gram(Constant<block>{}, i);
  for (; i < rank; ++i) rows_of_gram(Constant<1>{}, i);
  team.synchronize();
}

/// |A| <= |A^T A|_F^(1/2) <= ..., squared three times: at most rank^(1/16) above the largest singular value.
template <class Team>
LANGEVO_FUNCTION double spectral_norm_bound(const Team& team, const Layer& layer, const double* weight,
                                            double frobenius, double* scratch) {
  const int rank = layer_rank(layer);
  if (!(frobenius > 1e-100) || !(frobenius < 1e100)) return frobenius;  // squares must be normal numbers
  const bool tall = layer.fan_in <= layer.fan_out;
  const std::size_t fan_in = layer.fan_in;
  double* first = scratch;
  double* second = scratch + static_cast<std::size_t>(rank) * rank;
  const double scale = 1 / frobenius;
  constexpr Constant<std::size_t(1)> adjacent{};
  if (tall) {
    gram_matrix(team, weight, layer.fan_out, fan_in, adjacent, rank, scale, first);
  } else {
    gram_matrix(team, weight, layer.fan_in, 1, fan_in, rank, scale, first);
  }
  gram_matrix(team, first, rank, rank, adjacent, rank, 1.0, second);
  gram_matrix(team, second, rank, rank, adjacent, rank, 1.0, first);
  const double norm8 = square_root(team.sum(static_cast<std::size_t>(rank) * rank,
                                            [&](std::size_t i) LANGEVO_BODY { return first[i] * first[i]; }));
  team.synchronize();  // another layer's may go there next
  constexpr double rounding = 1 + 1e-9;
  return frobenius * square_root(square_root(square_root(norm8))) * rounding;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
