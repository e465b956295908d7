// Accuracy of the elementary functions in units of the last place, against long double.
#include "kernels/base/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/network/activation.hpp"
#include "kernels/random/box_muller.hpp"
#include "quad.hpp"

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

/// Errors of an activation in units of what its error model allows.
struct WorstErrors {
  double value = 0;
  double change = 0;
  double slope = 0;
};

/// Changes of activations to relative precision, within the error model that the bounds are built on; slopes
/// against differences of the definition.
template <class Act, class Real>
WorstErrors worst_errors(Activation activation) {
  std::mt19937_64 generator(5);
  std::normal_distribution<double> normal(0, 1.5);
  std::uniform_real_distribution<double> uniform(0, 1);
  const auto defined = [&](Quad a) { return activate(activation, a); };
  constexpr double u = Limits<Real>::unit_roundoff;
  WorstErrors worst;
  for (int i = 0; i < 60000; ++i) {
    const auto a = static_cast<Real>((i % 16 == 0 ? 6 : 1) * normal(generator));
    const auto d = static_cast<Real>((i % 2 == 0 ? 1 : -1) * 0.06 * std::pow(1e-5, uniform(generator)));
    const auto x = static_cast<Quad>(a);
    const Quad exact = defined(x + static_cast<Quad>(d)) - defined(x);
    const Real h = Act::value(a);
    const auto line = Act::template value_error<Real>();
    const double allowed = u * static_cast<double>(line.constant + line.slope * absolute(h));
    const auto error = static_cast<double>(fabsq(static_cast<Quad>(h) - defined(x)));
    worst.value = std::max(worst.value, error / (allowed + 1e-300));
    // kinks have differences but no series
    if (!Act::is_smooth) continue;
    const double bound = u * static_cast<double>(Act::template change_error<Real>() * absolute(d));
    const auto check = [&](Real change) {
      const auto wrong = static_cast<double>(fabsq(static_cast<Quad>(change) - exact));
      worst.change = std::max(worst.change, (wrong - 1e-33) / (bound + 1e-300));
    };
    check(Act::change(h, a, d));
    if (absolute(d) <= Act::template tiny_change_reach<Real>()) check(Act::tiny_change(h, a, d));
    const Real s = Act::slope_of_preactivation ? a : h;
    const Quad step = 1e-6;
    const auto slope = static_cast<double>((defined(x + step) - defined(x - step)) / (2 * step));
    const auto second =
        static_cast<double>((defined(x + step) - 2 * defined(x) + defined(x - step)) / (step * step));
    worst.slope =
        std::max({worst.slope, std::abs(static_cast<double>(Act::slope(s)) - slope) / (20 * u + 1e-9),
                  std::abs(static_cast<double>(Act::second_slope(s)) - second) /
                      (40 * u + 1e-8 * (1 + std::abs(static_cast<double>(a))))});
    EXPECT_LE(std::abs(slope), static_cast<double>(Act::template slope_bound<Real>()) + 1e-9);
    EXPECT_LE(std::abs(second), static_cast<double>(Act::sensitivity(Real(0), Real(1))) + 1e-7);
  }
  return worst;
}

TEST(ActivationChange, ErrorModelHolds) {
  for (const Activation activation : all_activations()) {
    with_activation(activation, [&](auto act) {
      using Act = decltype(act);
      for (const WorstErrors& worst :
           {worst_errors<Act, float>(activation), worst_errors<Act, double>(activation)}) {
        EXPECT_LT(worst.value, 1) << name_of(activation);
        EXPECT_LT(worst.change, 1) << name_of(activation);
        EXPECT_LT(worst.slope, 1) << name_of(activation);
      }
    });
  }
}

// gelu has its minimum at -0.7517915: a change across it is of second order. softplus(0) = log 2.
TEST(ActivationChange, GeluAndSoftplusByHand) {
  EXPECT_EQ(GeluActivation::value(0.0), 0);
  EXPECT_NEAR(GeluActivation::value(1.0), 0.8413447460685429, 1e-16);
  EXPECT_NEAR(GeluActivation::value(-0.7517915), -0.1699712, 1e-7);
  EXPECT_NEAR(GeluActivation::slope(-0.7517915246935645), 0, 1e-14);
  EXPECT_NEAR(GeluActivation::slope(0.0), 0.5, 1e-16);
  EXPECT_EQ(GeluActivation::value(100.0), 100);
  EXPECT_EQ(GeluActivation::value(-100.0), 0);
  EXPECT_NEAR(SoftplusActivation::value(0.0), 0.6931471805599453, 1e-16);
  EXPECT_NEAR(SoftplusActivation::value(-50.0) / 1.9287498479639178e-22, 1, 1e-14);
  EXPECT_EQ(SoftplusActivation::slope(0.0), 0.5);
  EXPECT_EQ(SoftplusActivation::value(100.0), 100);
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
