// Accuracy of the elementary functions in units of the last place, against long double.
#include "kernels/base/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/network/activation.hpp"
#include "kernels/random/box_muller.hpp"

namespace langevo {
namespace {

/// |value - exact| in units of the last place of Real at `exact`.
template <class Real>
double ulps(Real value, long double exact) {
  const auto rounded = static_cast<Real>(exact);
  if (rounded == value) return 0;
  int exponent = 0;
  std::frexp(
      std::max(std::abs(static_cast<double>(exact)), static_cast<double>(std::numeric_limits<Real>::min())),
      &exponent);
  const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<Real>::digits);
  return static_cast<double>(std::abs(static_cast<long double>(value) - exact) / ulp);
}

template <class Real>
class ElementaryTest : public testing::Test {
 protected:
  /// Largest error over `count` arguments, spread evenly or evenly in the logarithm, of both signs where
  /// wanted.
  template <class Function, class Exact>
  double worst(Real low, Real high, bool logarithmic, bool both_signs, const Function& function,
               const Exact& exact) {
    std::mt19937_64 generator(3);
    std::uniform_real_distribution<double> uniform(0, 1);
    double worst = 0;
    for (int i = 0; i < 400000; ++i) {
      const double u = uniform(generator);
      const double l = static_cast<double>(low);
      const double h = static_cast<double>(high);
      auto a = static_cast<Real>(logarithmic ? l * std::pow(h / l, u) : l + (h - l) * u);
      if (both_signs && i % 2 == 1) a = -a;
      worst = std::max(worst, ulps(function(a), exact(static_cast<long double>(a))));
    }
    return worst;
  }
};

using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(ElementaryTest, Reals);

// The error model of kernels/network/activation.hpp allows tanh 8 unit roundoffs = 4 ulp, its change 26.
TYPED_TEST(ElementaryTest, HyperbolicTangent) {
  const auto own = [](TypeParam a) { return hyperbolic_tangent(a); };
  const auto exact = [](long double a) { return std::tanh(a); };
  EXPECT_LT(this->worst(TypeParam(1e-12), TypeParam(1), true, true, own, exact), 3.5);
  EXPECT_LT(this->worst(TypeParam(0.1), TypeParam(25), false, true, own, exact), 3.5);
  EXPECT_EQ(hyperbolic_tangent(TypeParam(0)), TypeParam(0));
  EXPECT_EQ(hyperbolic_tangent(TypeParam(1e30)), TypeParam(1));
  EXPECT_EQ(hyperbolic_tangent(-std::numeric_limits<TypeParam>::infinity()), TypeParam(-1));
  EXPECT_TRUE(std::isnan(hyperbolic_tangent(std::numeric_limits<TypeParam>::quiet_NaN())));
}

TYPED_TEST(ElementaryTest, Exponential) {
  const auto exact = [](long double a) { return std::exp(a); };
  const auto own = [](TypeParam a) { return exponential(a); };
  EXPECT_LT(this->worst(TypeParam(-80), TypeParam(80), false, false, own, exact), 1.5);
  EXPECT_EQ(exponential(TypeParam(-1e4)), TypeParam(0));
  EXPECT_EQ(exponential(TypeParam(1e4)), std::numeric_limits<TypeParam>::infinity());
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<TypeParam>::quiet_NaN())));
  EXPECT_EQ(exponential(TypeParam(0)), TypeParam(1));
  const auto minus_1 = [](TypeParam a) { return exponential_minus_1(a); };
  const auto exact_minus_1 = [](long double a) { return std::expm1(a); };
  EXPECT_LT(this->worst(TypeParam(1e-12), TypeParam(40), true, true, minus_1, exact_minus_1), 2.5);
}

TYPED_TEST(ElementaryTest, Logarithm) {
  const auto own = [](TypeParam a) { return logarithm(a); };
  const auto exact = [](long double a) { return std::log(a); };
  EXPECT_LT(this->worst(TypeParam(1e-30), TypeParam(1e30), true, false, own, exact), 2);
  EXPECT_LT(this->worst(TypeParam(0.5), TypeParam(2), false, false, own, exact), 2);
  EXPECT_EQ(logarithm(TypeParam(1)), TypeParam(0));
}

TEST(MinusTwiceLogarithm, AgainstLongDouble) {
  std::mt19937 generator(8);
  double worst = 0;
  for (int i = 0; i < 1000000; ++i) {
    const std::uint32_t word = static_cast<std::uint32_t>(generator()) >> (i % 33 % 32);
    for (const float u : {static_cast<float>(std::ldexp(word + 0.5, -32)),
                          1 - static_cast<float>(std::ldexp(word + 0.5, -33))}) {
      if (u == 1) continue;
      const long double exact = -2 * std::log(static_cast<long double>(u));
      const long double own = minus_twice_logarithm(u);
      worst = std::max(worst, static_cast<double>(std::abs(own / exact - 1)));
    }
  }
  EXPECT_LT(worst, 4e-7);
  EXPECT_EQ(minus_twice_logarithm(1.0f), 0.0f);
}

TYPED_TEST(ElementaryTest, SmallArguments) {
  const TypeParam limit = small_change<TypeParam>();
  EXPECT_LT(this->worst(
                TypeParam(1e-15), limit, true, true, [](TypeParam a) { return small_tanh(a); },
                [](long double a) { return std::tanh(a); }),
            1);
  EXPECT_LT(this->worst(
                TypeParam(1e-15), limit, true, true, [](TypeParam a) { return small_expm1(a); },
                [](long double a) { return std::expm1(a); }),
            1.2);
}

/// Changes of activations to relative precision, within the error model that the bounds are built on.
template <class Act, class Real>
double worst_change(double& worst_value) {
  std::mt19937_64 generator(5);
  std::normal_distribution<double> normal(0, 1.5);
  std::uniform_real_distribution<double> uniform(0, 1);
  const auto exact_value = [](long double a) {
    if constexpr (std::is_same_v<Act, TanhActivation>) return std::tanh(a);
    if constexpr (std::is_same_v<Act, SigmoidActivation>) return 1 / (1 + std::exp(-a));
    return a;
  };
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const auto a = static_cast<Real>(normal(generator));
    const auto d = static_cast<Real>((i % 2 == 0 ? 1 : -1) * 0.06 * std::pow(1e-5, uniform(generator)));
    const long double exact = exact_value(static_cast<long double>(a) + static_cast<long double>(d)) -
                              exact_value(static_cast<long double>(a));
    const Real h = Act::value(a);
    const double u = Limits<Real>::unit_roundoff;
    const auto line = Act::template value_error<Real>();
    const double value_bound = u * static_cast<double>(line.constant + line.slope * absolute(h));
    worst_value =
        std::max(worst_value, static_cast<double>(std::abs(static_cast<long double>(h) - exact_value(a))) /
                                  (value_bound + 1e-300));
    const double bound = u * static_cast<double>(Act::template change_error<Real>() * absolute(d));
    const double cancellation = std::is_same_v<Real, double> ? 1e-18 : 0;  // of the long double difference
    const auto check = [&](Real change) {
      const auto error = static_cast<double>(std::abs(static_cast<long double>(change) - exact));
      worst = std::max(worst, (error - cancellation) / bound);
    };
    check(Act::change(h, a, d));
    if (absolute(d) <= Act::template tiny_change_reach<Real>()) check(Act::tiny_change(h, a, d));
  }
  return worst;
}

TEST(ActivationChange, ErrorModelHolds) {
  double value = 0;
  EXPECT_LT((worst_change<TanhActivation, float>(value)), 1);
  EXPECT_LT((worst_change<TanhActivation, double>(value)), 1);
  EXPECT_LT((worst_change<SigmoidActivation, float>(value)), 1);
  EXPECT_LT((worst_change<SigmoidActivation, double>(value)), 1);
  EXPECT_LT(value, 1);
}

/// The largest error of a series with so many terms, in units of its bound.
template <int Terms>
double worst_series() {
  std::mt19937_64 generator(6);
  std::normal_distribution<double> normal(0, 1);
  std::uniform_real_distribution<double> uniform(0, 1);
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const auto h = static_cast<float>(std::tanh(normal(generator)));
    const auto d =
        static_cast<float>((i % 2 == 0 ? 1 : -1) * static_cast<double>(TanhActivation::series_reach()) *
                           std::pow(1e-5, uniform(generator)));
    const long double t = std::tanh(static_cast<long double>(d));
    const long double exact = (1 - static_cast<long double>(h) * h) * t / (1 + h * t);
    const float bound = (TanhActivation::series_remainder<Terms>(std::abs(d)) +
                         TanhActivation::series_error() * Limits<float>::unit_roundoff) *
                        std::abs(d);
    const float own = TanhActivation::series_change<Terms>(h, d);
    worst = std::max(worst, static_cast<double>(std::abs(own - exact) / bound));
  }
  return worst;
}

TEST(ActivationChange, SeriesErrorsAreBoundedTightly) {
  for (const double worst : {worst_series<2>(), worst_series<3>()}) {
    EXPECT_LT(worst, 1);
    EXPECT_GT(worst, 0.7) << "the remainder is said to be larger than it is";
  }
  EXPECT_LT(worst_series<4>(), 1);
}

TEST(ActivationChange, ReluByHand) {
  EXPECT_EQ(ReluActivation::change(2.0, 2.0, 0.5), 0.5);  // stays on
  EXPECT_EQ(ReluActivation::change(2.0, 2.0, -0.5), -0.5);
  EXPECT_EQ(ReluActivation::change(0.25, 0.25, -1.0), -0.25);  // switches off
  EXPECT_EQ(ReluActivation::change(0.0, -0.25, 1.0), 0.75);    // switches on
  EXPECT_EQ(ReluActivation::change(0.0, -2.0, 1.0), 0.0);      // stays off
  EXPECT_EQ(ReluActivation::change(0.0, 0.0, -1.0), 0.0);
}

TEST(SineCosine, AgainstLongDouble) {
  std::mt19937 generator(7);
  const long double turn = 2 * std::acos(-1.0L) / 4294967296.0L;
  double worst = 0;
  for (int i = 0; i < 1000000; ++i) {
    const auto turns = static_cast<std::uint32_t>(generator());
    const SineCosine own = sine_cosine_of_turns(turns);
    const long double angle = turn * turns;
    worst =
        std::max(worst, static_cast<double>(std::abs(static_cast<long double>(own.sine) - std::sin(angle))));
    worst = std::max(worst,
                     static_cast<double>(std::abs(static_cast<long double>(own.cosine) - std::cos(angle))));
  }
  EXPECT_LT(worst, 1.2e-7);
  EXPECT_EQ(sine_cosine_of_turns(0).cosine, 1.0f);
  EXPECT_EQ(sine_cosine_of_turns(0x40000000u).sine, 1.0f);
  EXPECT_EQ(sine_cosine_of_turns(0x80000000u).cosine, -1.0f);
  EXPECT_EQ(sine_cosine_of_turns(0xc0000000u).sine, -1.0f);
}

}  // namespace
}  // namespace langevo
