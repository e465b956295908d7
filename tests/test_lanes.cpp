// Lanes against the scalar functions they stand for, bit for bit, compiled once for each instruction set: in
// all but the generic one a product and a sum round once.
#include "kernels/cpu/lanes/several_lanes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/cpu/lanes/real_lanes.hpp"
#include "kernels/cpu/serial_team.hpp"

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

/// A dot product as it is defined: 32 partial sums, added in halves, in double after products_per_float_sum.
double defined_dot(std::size_t n, const float* a, const float* b) {
  double sum = 0;
  for (std::size_t first = 0; first == 0 || first < n; first += products_per_float_sum) {
    float partial[32] = {};
    for (std::size_t i = first; i < n && i < first + products_per_float_sum; ++i)
      partial[i % 32] = expected(a[i], b[i], partial[i % 32]);
    for (int half = 16; half > 0; half /= 2) {
      for (int q = 0; q < half; ++q) partial[q] += partial[q + half];
    }
    sum += static_cast<double>(partial[0]);
  }
  return sum;
}

TEST(Lanes, DotProductsAddInOneOrderOnEveryMachine) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  constexpr std::size_t most = 2100;
  constexpr std::size_t vectors = SerialTeam::vectors_at_a_time;
  constexpr int count_of_rows = 5;
  std::mt19937_64 generator(7);
  std::uniform_real_distribution<float> uniform(-2, 2);
  std::vector<float> numbers((vectors + count_of_rows) * most);
  for (float& number : numbers) number = uniform(generator);
  const float* rows[count_of_rows];
  for (std::size_t r = 0; r < count_of_rows; ++r) rows[r] = &numbers[(vectors + r) * most];
  const SerialTeam team;
  for (const std::size_t n :
       {1, 7, 15, 16, 17, 31, 32, 33, 48, 50, 96, 112, 768, 1008, 1024, 1040, 2048, 2064, 2080}) {
    for (const std::size_t count : {1, 3, 8}) {
      double sums[count_of_rows][vectors];
      team.dots(n, count, numbers.data(), most, rows, sums);
      for (std::size_t r = 0; r < count_of_rows; ++r) {
        for (std::size_t k = 0; k < count; ++k) {
          ASSERT_EQ(sums[r][k], defined_dot(n, rows[r], &numbers[k * most])) << n << " numbers, row " << r;
          ASSERT_EQ(sums[r][k], team.dot(n, rows[r], &numbers[k * most])) << n << " numbers, row " << r;
        }
      }
    }
  }
}

}  // namespace
}  // namespace langevo
