// Lanes against the scalar functions they stand for, bit for bit, compiled once for each instruction set: in
// all but the generic one a product and a sum round once.
#include "kernels/cpu/lanes/several_lanes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/cpu/lanes/real_lanes.hpp"

namespace langevo {
namespace {

bool machine_has_them() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#elif defined(__AVX2__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

#if defined(__FMA__)
constexpr bool rounds_once = true;
#else
constexpr bool rounds_once = false;
#endif

/// Calls check(a, b, c) with numbers whose product nearly cancels c, where a second rounding shows.
template <class Real, class Check>
void with_operands(const Check& check) {
  constexpr int count = RealLanes<Real>::count;
  std::mt19937_64 generator(7);
  std::uniform_real_distribution<double> uniform(-2, 2);
  for (int round = 0; round < 1000; ++round) {
    Real a[count];
    Real b[count];
    Real c[count];
    for (int i = 0; i < count; ++i) {
      a[i] = static_cast<Real>(uniform(generator));
      b[i] = static_cast<Real>(uniform(generator));
      c[i] = -a[i] * b[i] * static_cast<Real>(1 + 1e-7 * uniform(generator));
    }
    check(a, b, c);
  }
}

/// volatile, so that no compiler fuses the two operations.
template <class Real>
Real rounded_twice(Real a, Real b, Real c) {
  volatile Real product = a * b;
  return product + c;
}

template <class Real>
Real expected(Real a, Real b, Real c) {
  return rounds_once ? std::fma(a, b, c) : rounded_twice(a, b, c);
}

template <class Real>
void check_multiply_add() {
  using Lanes = RealLanes<Real>;
  int told_apart = 0;
  with_operands<Real>([&](const Real* a, const Real* b, const Real* c) {
    Real result[Lanes::count];
    multiply_add(Lanes::load(a), Lanes::load(b), Lanes::load(c)).store(result);
    for (int i = 0; i < Lanes::count; ++i) {
      ASSERT_EQ(result[i], expected(a[i], b[i], c[i])) << "lane " << i;
      told_apart += std::fma(a[i], b[i], c[i]) != rounded_twice(a[i], b[i], c[i]) ? 1 : 0;
    }
  });
  EXPECT_GT(told_apart, 100);
}

TEST(Lanes, MultiplyAddOfFloats) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  check_multiply_add<float>();
}

TEST(Lanes, MultiplyAddOfDoubles) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  check_multiply_add<double>();
}

TEST(Lanes, NegativeMultiplyAddOfFloats) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  with_operands<float>([](const float* a, const float* b, const float* c) {
    float negative[FloatLanes::count];
    float result[FloatLanes::count];
    for (int i = 0; i < FloatLanes::count; ++i) negative[i] = -a[i];
    negative_multiply_add(FloatLanes::load(negative), FloatLanes::load(b), FloatLanes::load(c)).store(result);
    for (int i = 0; i < FloatLanes::count; ++i)
      ASSERT_EQ(result[i], expected(a[i], b[i], c[i])) << "lane " << i;
  });
}

TEST(Lanes, FusedMultiplyAddRoundsOnceEverywhere) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  with_operands<float>([](const float* a, const float* b, const float* c) {
    float result[FloatLanes::count];
    fused_multiply_add(FloatLanes::load(a), FloatLanes::load(b), FloatLanes::load(c)).store(result);
    SeveralFloats<2> twice[3];
    for (int part = 0; part < 2; ++part) {
      twice[0].part[part] = FloatLanes::load(a);
      twice[1].part[part] = FloatLanes::load(b);
      twice[2].part[part] = FloatLanes::load(c);
    }
    const SeveralFloats<2> both = fused_multiply_add(twice[0], twice[1], twice[2]);
    float second[FloatLanes::count];
    both.part[1].store(second);
    for (int i = 0; i < FloatLanes::count; ++i) {
      ASSERT_EQ(result[i], std::fma(a[i], b[i], c[i])) << "lane " << i;
      ASSERT_EQ(second[i], result[i]) << "lane " << i;
    }
  });
}

}  // namespace
}  // namespace langevo
