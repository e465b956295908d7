// The curvature learnt on the way: from stretches along random mutations it finds the leading eigenvectors
// and eigenvalues of a known matrix, with every team.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "emulated_team.hpp"
#include "kernels/cpu/serial_team.hpp"
#include "kernels/model/leading_curvature.hpp"

namespace langevo {
namespace {

/// Diagonal: a few large entries of both signs above small positive ones.
std::vector<double> eigenvalues(std::size_t n) {
  std::vector<double> values(n, 0.02);
  values[n / 2] = 5;
  if (n > 2) values[n - 1] = -2;
  return values;
}

struct Learnt {
  langevo::LearntCurvature curvature;
  std::vector<float> directions;

  [[nodiscard]] double eigenvalue(int r) const { return curvature.eigenvalue[r]; }
};

template <class Team>
Learnt learn(const std::vector<double>& values, int stretches) {
  const std::size_t n = values.size();
  const std::size_t padded = padded_row(n);
  Learnt learnt{{}, std::vector<float>(leading_directions * padded, 0.0f)};
  std::mt19937_64 generator(n);
  std::normal_distribution<double> normal;
  for (int k = 0; k < stretches; ++k) {
    std::vector<float> way(padded, 0.0f);
    std::vector<float> change(padded, 0.0f);
    for (std::size_t i = 0; i < n; ++i) {
      way[i] = static_cast<float>(normal(generator) * (1 + k % 5));  // of different lengths
      change[i] = static_cast<float>(values[i]) * way[i];
    }
    run_team<Team>([&](const Team& team) {
      learn_curvature(team, padded, change.data(), way.data(), learnt.directions.data(), learnt.curvature);
    });
  }
  return learnt;
}

template <class Team>
class LearntCurvature : public testing::Test {};

using Teams = testing::Types<SerialTeam, EmulatedWarp<false>, EmulatedBlockOf8<true>>;
TYPED_TEST_SUITE(LearntCurvature, Teams);

TYPED_TEST(LearntCurvature, FindsTheLeadingEigenvectors) {
  for (const std::size_t n : {31, 33, 1000}) {  // 20 stretches are remembered: a few percent
    const Learnt learnt = learn<TypeParam>(eigenvalues(n), 200);
    const std::size_t padded = padded_row(n);
    ASSERT_EQ(learnt.curvature.rank, leading_directions);
    EXPECT_NEAR(learnt.eigenvalue(0), 5, 0.2) << n;
    EXPECT_NEAR(learnt.eigenvalue(1), -2, 0.2) << n;
    EXPECT_GT(std::abs(learnt.directions[n / 2]), 0.99f) << n;
    EXPECT_GT(std::abs(learnt.directions[padded + n - 1]), 0.95f) << n;
    for (std::size_t i = n; i < padded; ++i) EXPECT_EQ(learnt.directions[i], 0);
  }
}

// Eigenvalues so near each other that changes alone leave their eigenvectors mixed: what is learnt must still
// predict the change along a way it has not seen, up to that by the small ones (0.02 |d|).
TYPED_TEST(LearntCurvature, TellsNeighbouringEigenvectorsApart) {
  const std::size_t n = 1000;
  const std::size_t padded = padded_row(n);
  std::vector<double> values = eigenvalues(n);
  values[3] = 4.5;
  values[700] = 4;
  const Learnt learnt = learn<TypeParam>(values, 100);
  std::mt19937_64 generator(77);
  std::normal_distribution<double> normal;
  double squares = 0;
  constexpr int ways = 50;
  for (int k = 0; k < ways; ++k) {
    std::vector<double> way(n);
    for (double& step : way) step = normal(generator);
    std::vector<double> error(n);
    for (std::size_t i = 0; i < n; ++i) error[i] = values[i] * way[i];
    for (int r = 0; r < leading_directions; ++r) {
      const float* const v = &learnt.directions[static_cast<std::size_t>(r) * padded];
      double part = 0;
      for (std::size_t i = 0; i < n; ++i) part += static_cast<double>(v[i]) * way[i];
      for (std::size_t i = 0; i < n; ++i) error[i] -= learnt.eigenvalue(r) * part * static_cast<double>(v[i]);
    }
    for (const double difference : error) squares += difference * difference;
  }
  EXPECT_LT(std::sqrt(squares / ways), 1.5 * 0.02 * std::sqrt(static_cast<double>(n)));
}

TYPED_TEST(LearntCurvature, OneParameter) {
  const Learnt learnt = learn<TypeParam>({3.0}, 5);
  EXPECT_EQ(learnt.curvature.rank, 1);  // nothing is left for a second direction
  EXPECT_NEAR(learnt.eigenvalue(0), 3, 1e-5);
}

TYPED_TEST(LearntCurvature, NothingFromAWayThatLeadsNowhere) {
  const Learnt learnt = learn<TypeParam>(std::vector<double>(33, 0.0), 3);
  EXPECT_EQ(learnt.curvature.rank, 0);
}

// What is across the only direction known so far may be all along one that comes next.
TYPED_TEST(LearntCurvature, ErrorsAlongDirectionsToCome) {
  const std::size_t n = 3;
  const std::size_t padded = padded_row(n);
  std::vector<float> slope(padded, 0.0f);
  std::vector<float> bend(padded, 0.0f);
  std::vector<float> directions(leading_directions * padded, 0.0f);
  directions[0] = 1;
  const double gradient[] = {3, 0, -4};
  const double sigma[] = {1, 1, 1};
  LocalModel model{};
  model.scaled_gradient = slope.data();
  model.hessian_product = bend.data();
  model.directions = directions.data();
  model.rank = 1;
  model.size = n;
  model.padded = padded;
  GradientError error{};
  run_team<TypeParam>([&](const TypeParam& team) {
    const GradientError measured = check_gradient(team, gradient, sigma, model);
    if (team.leads()) error = measured;
  });
  EXPECT_NEAR(error.along[0], 3, 1e-6);
  EXPECT_NEAR(error.across, 4, 1e-6);
  for (int r = 1; r < leading_directions; ++r) EXPECT_EQ(error.along[r], error.across) << r;
}

}  // namespace
}  // namespace langevo
