#include "langevo/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace langevo {
namespace {

using Samples = std::vector<std::array<double, 2>>;

/// A large offset and a small spread in the first column: sums of squares would lose all digits.
Samples make_samples(std::size_t count, double offset = 1e6) {
  std::mt19937_64 random(17);
  Samples samples(count);
  for (auto& sample : samples) {
    sample = {offset + 1e-3 * static_cast<double>(random() >> 11) * 0x1p-53,
              static_cast<double>(random() >> 11) * 0x1p-53 - 0.5};
  }
  return samples;
}

Moments moments_of(const Samples& samples, std::size_t begin, std::size_t end) {
  Moments moments(2);
  for (std::size_t i = begin; i < end; ++i) moments.add(samples[i]);
  return moments;
}

void expect_two_pass(const Moments& moments, const Samples& samples) {
  ASSERT_EQ(moments.count, samples.size());
  for (std::size_t c = 0; c < 2; ++c) {
    long double mean = 0;
    for (const auto& sample : samples) mean += sample[c];
    mean /= static_cast<long double>(samples.size());
    long double square = 0;
    for (const auto& sample : samples) square += (sample[c] - mean) * (sample[c] - mean);
    const auto exact_mean = static_cast<double>(mean);
    const auto exact_square = static_cast<double>(square);
    EXPECT_NEAR(moments.mean[c], exact_mean, 2e-15 * (std::abs(exact_mean) + 1)) << "column " << c;
    if (samples.size() < 2) {
      EXPECT_EQ(moments.sum_squared_deviations[c], 0);
      continue;
    }
    // Chan, Golub & LeVeque bound the relative error by count u kappa; sums of squares have kappa^2
    const double kappa =
        std::sqrt(1 + static_cast<double>(samples.size()) * exact_mean * exact_mean / exact_square);
    const double tolerance = 8 * 0x1p-53 * kappa + 1e-13;
    EXPECT_NEAR(moments.sum_squared_deviations[c], exact_square, tolerance * exact_square);
    EXPECT_NEAR(moments.variance()[c], exact_square / static_cast<double>(samples.size() - 1),
                tolerance * exact_square);
  }
}

TEST(Moments, AddIsTwoPass) {
  for (const std::size_t count : {1, 2, 3, 31, 33, 10000}) {
    const Samples samples = make_samples(count);
    expect_two_pass(moments_of(samples, 0, count), samples);
  }
}

TEST(Moments, MergeIsTwoPassHoweverSplit) {
  const Samples samples = make_samples(1000);
  for (const std::size_t split : {0, 1, 32, 500, 999, 1000}) {
    Moments moments = moments_of(samples, 0, split);
    moments.merge(moments_of(samples, split, samples.size()));
    expect_two_pass(moments, samples);
  }
  Moments chunks(2);
  for (std::size_t begin = 0; begin < samples.size(); begin += 7) {
    chunks.merge(moments_of(samples, begin, std::min(begin + 7, samples.size())));
  }
  expect_two_pass(chunks, samples);
}

TEST(Moments, MergeWithNothingChangesNothing) {
  const Samples samples = make_samples(10);
  Moments moments = moments_of(samples, 0, 10);
  moments.merge(Moments(2));
  EXPECT_EQ(moments.mean, moments_of(samples, 0, 10).mean);
  EXPECT_EQ(moments.sum_squared_deviations, moments_of(samples, 0, 10).sum_squared_deviations);
  Moments nothing(2);
  nothing.merge(moments);
  EXPECT_EQ(nothing.count, 10u);
  EXPECT_EQ(nothing.mean, moments.mean);
  EXPECT_EQ(nothing.sum_squared_deviations, moments.sum_squared_deviations);
  Moments empty(2);
  empty.merge(Moments(2));
  EXPECT_EQ(empty.count, 0u);
  EXPECT_EQ(empty.mean, std::vector<double>(2));
}

TEST(Moments, ConstantDataHaveNoVariance) {
  const std::array<double, 1> value{0.1};
  Moments moments(1);
  for (int i = 0; i < 1000; ++i) moments.add(value);
  Moments other(1);
  for (int i = 0; i < 37; ++i) other.add(value);
  moments.merge(other);
  EXPECT_EQ(moments.mean.front(), 0.1);
  EXPECT_EQ(moments.variance().front(), 0);
}

TEST(Moments, VarianceHasNMinusOneAndNeedsTwo) {
  Moments moments(1);
  EXPECT_TRUE(std::isnan(moments.variance().front()));
  moments.add(std::array{3.0});
  EXPECT_TRUE(std::isnan(moments.variance().front()));
  moments.add(std::array{5.0});
  EXPECT_EQ(moments.mean.front(), 4);
  EXPECT_EQ(moments.variance().front(), 2);
}

TEST(LossSummary, HandValues) {
  const std::array losses{4.0, 1.0, 3.0, 2.0, 5.0};  // positions 0.2, 1, 2, 3, 3.8 of the sorted ones
  const LossSummary summary = summarize_losses(losses);
  EXPECT_EQ(summary.mean, 3);
  EXPECT_DOUBLE_EQ(summary.variance, 2.5);
  EXPECT_EQ(summary.min, 1);
  EXPECT_EQ(summary.max, 5);
  const std::array expected{1.2, 2.0, 3.0, 4.0, 4.8};
  for (std::size_t q = 0; q < expected.size(); ++q) EXPECT_DOUBLE_EQ(summary.quantiles[q], expected[q]);
}

TEST(LossSummary, OneAndTwoLosses) {
  const LossSummary one = summarize_losses(std::array{0.25});
  EXPECT_EQ(one.mean, 0.25);
  EXPECT_TRUE(std::isnan(one.variance));
  for (const double quantile : one.quantiles) EXPECT_EQ(quantile, 0.25);
  const LossSummary two = summarize_losses(std::array{2.0, 0.0});
  EXPECT_EQ(two.variance, 2);
  const std::array expected{0.1, 0.5, 1.0, 1.5, 1.9};
  for (std::size_t q = 0; q < expected.size(); ++q) EXPECT_DOUBLE_EQ(two.quantiles[q], expected[q]);
}

TEST(LossSummary, QuantilesOfAHundredAndOne) {
  std::vector<double> losses;
  for (int i = 0; i <= 100; ++i) losses.push_back((i * 37) % 101);  // 0 .. 100, shuffled
  const LossSummary summary = summarize_losses(losses);
  const std::array expected{5.0, 25.0, 50.0, 75.0, 95.0};
  for (std::size_t q = 0; q < expected.size(); ++q) EXPECT_NEAR(summary.quantiles[q], expected[q], 1e-12);
}

TEST(MeanSquaredDifference, HandValue) {
  EXPECT_EQ(mean_squared_difference(std::array{1.0, 2.0, 4.0}, std::array{1.0, 0.0, 7.0}), 13.0 / 3);
}

TEST(StepCounters, AddAndSubtractEveryField) {
  const StepCounters a{.steps = 100,
                       .accepted = 50,
                       .decided_by_model = 300,
                       .decided_on_nodes = 200,
                       .decided_by_float = 70,
                       .decided_by_double = 20,
                       .decided_by_value = 9,
                       .not_finite = 1,
                       .audits = 5,
                       .audit_failures = 2,
                       .anchors = 40,
                       .replays = 30,
                       .model_audits = 20,
                       .model_failures = 10,
                       .spans = 60,
                       .repeated_spans = 15};
  const StepCounters b{.steps = 1,
                       .accepted = 2,
                       .decided_by_model = 7,
                       .decided_on_nodes = 8,
                       .decided_by_float = 3,
                       .decided_by_double = 4,
                       .decided_by_value = 5,
                       .not_finite = 1,
                       .audits = 3,
                       .audit_failures = 1,
                       .anchors = 4,
                       .replays = 3,
                       .model_audits = 2,
                       .model_failures = 1,
                       .spans = 6,
                       .repeated_spans = 5};
  StepCounters sum = a;
  sum += b;
  EXPECT_EQ(sum.steps, 101u);
  EXPECT_EQ(sum.accepted, 52u);
  EXPECT_EQ(sum.decided_by_float, 73u);
  EXPECT_EQ(sum.decided_by_double, 24u);
  EXPECT_EQ(sum.decided_by_value, 14u);
  EXPECT_EQ(sum.not_finite, 2u);
  EXPECT_EQ(sum.audits, 8u);
  EXPECT_EQ(sum.audit_failures, 3u);
  EXPECT_EQ(sum.decided_by_model, 307u);
  EXPECT_EQ(sum.anchors, 44u);
  EXPECT_EQ(sum.replays, 33u);
  EXPECT_EQ(sum.model_audits, 22u);
  EXPECT_EQ(sum.model_failures, 11u);
  EXPECT_EQ(sum.decided_on_nodes, 208u);
  EXPECT_EQ(sum.spans, 66u);
  EXPECT_EQ(sum.repeated_spans, 20u);
  EXPECT_EQ(a.decided(), 600u);
  const StepCounters back = sum - b;
  EXPECT_EQ(back.steps, a.steps);
  EXPECT_EQ(back.accepted, a.accepted);
  EXPECT_EQ(back.decided_by_float, a.decided_by_float);
  EXPECT_EQ(back.decided_by_double, a.decided_by_double);
  EXPECT_EQ(back.decided_by_value, a.decided_by_value);
  EXPECT_EQ(back.not_finite, a.not_finite);
  EXPECT_EQ(back.audits, a.audits);
  EXPECT_EQ(back.audit_failures, a.audit_failures);
  EXPECT_EQ(back.decided_by_model, a.decided_by_model);
  EXPECT_EQ(back.anchors, a.anchors);
  EXPECT_EQ(back.replays, a.replays);
  EXPECT_EQ(back.model_audits, a.model_audits);
  EXPECT_EQ(back.model_failures, a.model_failures);
  EXPECT_EQ(back.decided_on_nodes, a.decided_on_nodes);
  EXPECT_EQ(back.spans, a.spans);
  EXPECT_EQ(back.repeated_spans, a.repeated_spans);
}

}  // namespace
}  // namespace langevo
