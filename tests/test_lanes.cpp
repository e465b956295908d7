// Lanes against the scalar functions they stand for, bit for bit, compiled once for each instruction set.
#include "kernels/cpu/lanes/several_lanes.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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
void check_multiply_add() {
  using Lanes = RealLanes<Real>;
  int told_apart = 0;
  with_operands<Real>([&](const Real* a, const Real* b, const Real* c) {
    Real result[Lanes::count];
    multiply_add(Lanes::load(a), Lanes::load(b), Lanes::load(c)).store(result);
    for (int i = 0; i < Lanes::count; ++i) {
      ASSERT_EQ(result[i], std::fma(a[i], b[i], c[i])) << "lane " << i;
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
      ASSERT_EQ(result[i], std::fma(a[i], b[i], c[i])) << "lane " << i;
  });
}

/// Numbers of any size: zeros of both signs, subnormal ones, infinities, NaN, and such that a sum lies half
/// way between two numbers.
template <class Real>
std::vector<Real> odd_numbers() {
  using Limits = std::numeric_limits<Real>;
  const Real half_step = Limits::epsilon() / 2;
  std::vector<Real> numbers{0,
                            1,
                            3,
                            1 + Limits::epsilon(),
                            1 - half_step,
                            half_step,
                            half_step * (1 + Limits::epsilon()),
                            half_step * half_step,
                            Limits::max(),
                            Limits::min(),
                            Limits::denorm_min(),
                            std::sqrt(Limits::min()),
                            std::sqrt(Limits::max()),
                            Limits::infinity(),
                            Limits::quiet_NaN()};
  std::mt19937_64 generator(11);
  std::uniform_real_distribution<double> digits(1, 2);
  std::uniform_int_distribution<int> exponent(Limits::min_exponent - Limits::digits,
                                              Limits::max_exponent - 1);
  std::uniform_int_distribution<int> near(-60, 60);
  for (int i = 0; i < 10; ++i) {
    numbers.push_back(static_cast<Real>(std::ldexp(digits(generator), exponent(generator))));
    numbers.push_back(static_cast<Real>(std::ldexp(digits(generator), near(generator))));
  }
  const std::size_t count = numbers.size();
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(-numbers[i]);
  return numbers;
}

template <class Real>
void check_odd_numbers() {
  using Lanes = RealLanes<Real>;
  const std::vector<Real> numbers = odd_numbers<Real>();
  const std::size_t all = numbers.size() * numbers.size() * numbers.size();
  const auto operand = [&](std::size_t i, std::size_t which) {
    const std::size_t size = numbers.size();
    return numbers[which == 0 ? i % size : which == 1 ? i / size % size : i / size / size];
  };
  for (std::size_t first = 0; first < all; first += Lanes::count) {
    Real in[3][Lanes::count];
    for (std::size_t which = 0; which < 3; ++which) {
      for (std::size_t i = 0; i < Lanes::count; ++i) in[which][i] = operand((first + i) % all, which);
    }
    Real result[Lanes::count];
    multiply_add(Lanes::load(in[0]), Lanes::load(in[1]), Lanes::load(in[2])).store(result);
    for (int i = 0; i < Lanes::count; ++i) {
      const Real expected = std::fma(in[0][i], in[1][i], in[2][i]);
      if (std::isnan(expected) && std::isnan(result[i])) continue;
      ASSERT_EQ(result[i], expected) << in[0][i] << " * " << in[1][i] << " + " << in[2][i];
      ASSERT_EQ(std::signbit(result[i]), std::signbit(expected))
          << in[0][i] << " * " << in[1][i] << " + " << in[2][i];
    }
  }
}

TEST(Lanes, MultiplyAddOfOddNumbers) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  check_odd_numbers<float>();
  check_odd_numbers<double>();
}

TEST(Lanes, MultiplyAddOfSeveral) {
  if (!machine_has_them()) GTEST_SKIP() << "this machine has other instructions";
  with_operands<float>([](const float* a, const float* b, const float* c) {
    SeveralFloats<2> twice[3];
    for (int part = 0; part < 2; ++part) {
      twice[0].part[part] = FloatLanes::load(a);
      twice[1].part[part] = FloatLanes::load(b);
      twice[2].part[part] = FloatLanes::load(c);
    }
    float result[FloatLanes::count];
    multiply_add(twice[0], twice[1], twice[2]).part[1].store(result);
    for (int i = 0; i < FloatLanes::count; ++i)
      ASSERT_EQ(result[i], std::fma(a[i], b[i], c[i])) << "lane " << i;
  });
}

/// A dot product as it is defined: 32 partial sums, added in halves, in double after products_per_float_sum.
double defined_dot(std::size_t n, const float* a, const float* b) {
  double sum = 0;
  for (std::size_t first = 0; first == 0 || first < n; first += products_per_float_sum) {
    float partial[32] = {};
    for (std::size_t i = first; i < n && i < first + products_per_float_sum; ++i)
      partial[i % 32] = std::fma(a[i], b[i], partial[i % 32]);
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
      SerialTeam::VectorValues<double> sums[count_of_rows];
      team.dots<count_of_rows>(n, count, numbers.data(), most, rows, sums);
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
