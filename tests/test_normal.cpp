// The distribution of the random numbers: moments and tails of 1e8 normals, and what would go unseen in them.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/cpu/serial_team.hpp"
#include "kernels/random/normals.hpp"

namespace langevo {
namespace {

constexpr std::size_t parameters = 1000;
constexpr std::size_t steps = 100000;

struct Tally {
  double count = 0;
  double power[9] = {};      ///< sums of z^k
  double neighbour = 0;      ///< sum of z_i z_{i+1}
  double next_step = 0;      ///< sum of z_i(step) z_i(step + 1)
  double beyond[7] = {};     ///< counts of |z| > k
  double half_positive = 0;  ///< counts of z > 0
};

Tally tally_normals() {
  Tally tally;
  std::vector<float> z(normal_buffer_size(parameters));
  std::vector<float> before(z.size());
  for (std::size_t step = 0; step < steps; ++step) {
    draw_normals(SerialTeam{}, RandomSource{12345, step, Stream::mutation, 0}, parameters, z.data());
    for (std::size_t i = 0; i < parameters; ++i) {
      const double value = z[i];
      double power = value;
      for (int k = 1; k <= 8; ++k, power *= value) tally.power[k] += power;
      for (int k = 1; k <= 6; ++k) tally.beyond[k] += std::abs(value) > k ? 1 : 0;
      tally.half_positive += value > 0 ? 1 : 0;
      if (i + 1 < parameters) tally.neighbour += value * static_cast<double>(z[i + 1]);
      tally.next_step += value * static_cast<double>(before[i]);
    }
    std::swap(z, before);
  }
  tally.count = static_cast<double>(parameters) * static_cast<double>(steps);
  return tally;
}

TEST(Normal, MomentsAndTailsOf1e8) {
  const Tally tally = tally_normals();
  const double n = tally.count;
  const double moments[9] = {1, 0, 1, 0, 3, 0, 15, 0, 105};  // E z^k
  for (int k = 1; k <= 4; ++k) {
    const double standard_error = std::sqrt((moments[2 * k] - moments[k] * moments[k]) / n);
    EXPECT_LT(std::abs(tally.power[k] / n - moments[k]) / standard_error, 5) << "moment " << k;
  }
  for (int k = 1; k <= 6; ++k) {
    const double expected = n * std::erfc(k / std::sqrt(2.0));
    EXPECT_LT(std::abs(tally.beyond[k] - expected) / std::sqrt(expected), 5)
        << "beyond " << k << ": " << tally.beyond[k];
  }
  EXPECT_LT(std::abs(tally.half_positive - n / 2) / std::sqrt(n / 4), 5);
  EXPECT_LT(std::abs(tally.neighbour) / std::sqrt(n), 5);
  EXPECT_LT(std::abs(tally.next_step) / std::sqrt(n), 5);
}

TEST(Normal, StreamsAndReplicasAreIndependent) {
  constexpr std::size_t n = 1000000;
  const auto draw = [](Stream stream, std::uint32_t replica, std::uint64_t seed) {
    std::vector<float> z(normal_buffer_size(n));
    draw_normals(SerialTeam{}, RandomSource{seed, 7, stream, replica}, n, z.data());
    return z;
  };
  const std::vector<std::vector<float>> sets = {draw(Stream::mutation, 0, 1), draw(Stream::mutation, 1, 1),
                                                draw(Stream::langevin_noise, 0, 1),
                                                draw(Stream::mutation, 0, 2)};
  for (std::size_t a = 0; a < sets.size(); ++a) {
    for (std::size_t b = a + 1; b < sets.size(); ++b) {
      double product = 0;
      for (std::size_t i = 0; i < n; ++i)
        product += static_cast<double>(sets[a][i]) * static_cast<double>(sets[b][i]);
      EXPECT_LT(std::abs(product) / std::sqrt(static_cast<double>(n)), 5) << a << " and " << b;
    }
  }
}

TEST(Uniform, EndsOfTheIntervals) {
  EXPECT_EQ(uniform_float(0), 0x1p-33f);
  EXPECT_EQ(uniform_float(0xffffffffu), 1.0f);
  EXPECT_EQ(uniform_double(0, 0), 0x1p-54);
  EXPECT_LT(uniform_double(0xffffffffu, 0xffffffffu), 1.0 + 1e-15);
  EXPECT_FALSE(std::isnan(normal_pair(0xffffffffu, 0).first));
  EXPECT_NEAR(normal_pair(0, 0).first, std::sqrt(-2 * std::log(std::ldexp(1.0, -33))), 1e-5);
}

}  // namespace
}  // namespace langevo
