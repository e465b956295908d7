// Linear algebra of a few dimensions: by hand, then random matrices of every rank.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/base/small_matrix.hpp"

namespace langevo {
namespace {

constexpr int size = 4;
using Matrix = SmallMatrix<size>;

// [4 2; 2 3] y = [2 5], so y = [-1/2 2]; what is beyond the rank stays.
TEST(SmallMatrix, SolvesByHand) {
  Matrix m;
  m.at[0][0] = 4;
  m.at[0][1] = m.at[1][0] = 2;
  m.at[1][1] = 3;
  double b[size] = {2, 5, 7, 8};
  solve(2, m, b);
  EXPECT_NEAR(b[0], -0.5, 1e-15);
  EXPECT_NEAR(b[1], 2, 1e-15);
  EXPECT_EQ(b[2], 7);
  EXPECT_EQ(b[3], 8);
}

// [2 1; 1 2] has 1 along (1, -1) and 3 along (1, 1).
TEST(SmallMatrix, DiagonalizesByHand) {
  Matrix m;
  m.at[0][0] = m.at[1][1] = 2;
  m.at[0][1] = m.at[1][0] = 1;
  m.at[2][2] = -5;
  const Matrix axes = diagonalize(m);
  EXPECT_NEAR(m.at[0][0] + m.at[1][1], 4, 1e-15);
  EXPECT_NEAR(m.at[0][0] * m.at[1][1], 3, 1e-15);
  EXPECT_EQ(m.at[2][2], -5);
  const double half = std::sqrt(0.5);
  for (int k = 0; k < 2; ++k) {
    for (int l = 0; l < 2; ++l) EXPECT_NEAR(std::abs(axes.at[k][l]), half, 1e-15);
  }
  EXPECT_EQ(axes.at[2][2], 1);
  EXPECT_EQ(axes.at[3][3], 1);
}

TEST(SmallMatrix, AddsProducts) {
  Matrix m;
  m.at[1][2] = 10;
  add_product(0.5, {1, 2, 3, 4}, {5, 6, 7, 8}, m);
  EXPECT_EQ(m.at[1][2], 5 + 14);
  EXPECT_EQ(m.at[3][0], 20);
}

TEST(SmallMatrix, RandomOnesOfEveryRank) {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal;
  for (int trial = 0; trial < 1000; ++trial) {
    const int rank = 1 + trial % size;
    Matrix m;
    for (int sample = 0; sample < rank + 1; ++sample) {
      double v[size] = {};
      for (int r = 0; r < rank; ++r) v[r] = normal(generator);
      add_product(1, v, v, m);
    }
    double expected[size];
    double b[size] = {};
    for (double& value : expected) value = normal(generator);
    for (int r = 0; r < rank; ++r) {
      for (int s = 0; s < rank; ++s) b[r] += m.at[r][s] * expected[s];
    }
    solve(rank, m, b);
    Matrix turned = m;
    Matrix diagonal = m;
    const Matrix axes = diagonalize(diagonal);
    turn(axes, turned);
    for (int r = 0; r < size; ++r) {
      for (int s = 0; s < size; ++s) {
        EXPECT_NEAR(turned.at[r][s], r == s ? diagonal.at[r][s] : 0.0, 1e-12);
        double product = 0;
        for (const auto& row : axes.at) product += row[r] * row[s];
        EXPECT_NEAR(product, r == s ? 1 : 0, 1e-13);
      }
      if (r < rank && diagonal.at[r][r] > 1e-3) {
        // the residual, which is small however hard to solve the system is
        double image = 0;
        for (int s = 0; s < rank; ++s) image += m.at[r][s] * (b[s] - expected[s]);
        EXPECT_NEAR(image, 0, 1e-10);
      }
    }
  }
}

}  // namespace
}  // namespace langevo
