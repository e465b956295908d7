// What holds for every data file, configuration and schedule: drawn by rapidcheck, which shrinks what it
// finds.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "langevo/dataset.hpp"
#include "src/configuration_file.hpp"
#include "src/schedule.hpp"
#include "src/settings.hpp"
#include "src/text.hpp"

namespace langevo {
namespace {

/// A file of its own, written anew for every case.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "langevo_properties_XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    EXPECT_GE(descriptor, 0);
    path_ = pattern;
  }
  ~Scratch() { std::filesystem::remove(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] const std::string& write(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    return path_;
  }

 private:
  std::string path_;
};

double any_finite() {
  const double value = *rc::gen::arbitrary<double>();
  return std::isfinite(value) ? value : 1.5;
}

std::string any_of(const std::vector<std::string>& words) {
  return *rc::gen::elementOf(words);
}

std::string any_blank_lines() {
  return any_of({"", "", "", "\n", " \t\n", "# 1,2,3\n", "\r\n", "  #\n\n"});
}

TEST(Properties, CsvGivesTheNumbersThatWereWritten) {
  const Scratch scratch;
  EXPECT_TRUE(rc::check([&] {
    const int inputs = *rc::gen::inRange(1, 4);
    const int targets = *rc::gen::inRange(1, 4);
    const std::size_t points = *rc::gen::inRange<std::size_t>(1, 20);
    const bool has_header = *rc::gen::arbitrary<bool>();
    Dataset data{points, inputs, targets, {}, {}};
    std::string text = any_of({"", "\xef\xbb\xbf"});
    const std::string end = any_of({"\n", "\r\n"});
    text += any_blank_lines();
    if (has_header) {
      for (int c = 0; c < inputs + targets; ++c) {
        text.append(c > 0 ? "," : "").append(any_of({"x", "\"a,b\"", " y1 ", "infa"}));
      }
      text += end;
    }
    for (std::size_t p = 0; p < points; ++p) {
      text += any_blank_lines();
      for (int c = 0; c < inputs + targets; ++c) {
        const double value = any_finite();
        (c < inputs ? data.inputs : data.targets).push_back(value);
        const std::string quote = any_of({"", "\""});
        text.append(c > 0 ? "," : "").append(any_of({"", " ", "\t"})).append(quote);
        text.append(std::signbit(value) ? "" : any_of({"", "+"})).append(shortest(value)).append(quote);
        text.append(any_of({"", "  "}));
      }
      text.append(any_of({"", "# remark, 1"})).append(end);
    }
    text += any_blank_lines();
    const DataFile file = read_data_file(scratch.write(text), inputs, targets, {});
    RC_ASSERT(file.has_header == has_header);
    RC_ASSERT(file.data.points == points);
    RC_ASSERT(file.data.inputs == data.inputs);
    RC_ASSERT(file.data.targets == data.targets);
  }));
}

TEST(Properties, AConfigurationIsReadAsItWasWritten) {
  const Scratch scratch;
  EXPECT_TRUE(rc::check([&] {
    RunOptions options;
    options.widths = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 1000000)));
    options.activation = *rc::gen::element(Activation::tanh, Activation::relu, Activation::sigmoid);
    options.output_bias = *rc::gen::arbitrary<bool>();
    options.alpha = any_finite();
    options.beta = *rc::gen::arbitrary<bool>() ? any_finite() : std::numeric_limits<double>::infinity();
    if (*rc::gen::arbitrary<bool>()) options.sigma = any_finite();
    if (*rc::gen::arbitrary<bool>()) options.time = any_finite();
    options.seed = *rc::gen::arbitrary<std::uint64_t>();
    options.replicas = *rc::gen::arbitrary<std::uint64_t>();
    const auto character = rc::gen::elementOf(std::string("abcXYZ019 ._-#,=[]\"'\\/"));
    options.data = *rc::gen::nonEmpty(rc::gen::container<std::string>(character));
    // Such a name cannot stand in a configuration, and says so.
    RC_PRE(options.data.find('\'') == std::string::npos ||
           options.data.find_first_of("\"\\") == std::string::npos);
    const std::string text = configuration_text({options});
    const RunOptions again = make_options(read_configuration(scratch.write(text)));
    RC_ASSERT(configuration_text({again}) == text);
    RC_ASSERT(again.widths == options.widths);
    RC_ASSERT(again.activation == options.activation);
    RC_ASSERT(again.output_bias == options.output_bias);
    RC_ASSERT(again.alpha == options.alpha);
    RC_ASSERT(again.beta == options.beta);
    RC_ASSERT(again.sigma == options.sigma);
    RC_ASSERT(again.time == options.time);
    RC_ASSERT(again.seed == options.seed);
    RC_ASSERT(again.replicas == options.replicas);
    RC_ASSERT(again.data == options.data);
  }));
}

/// A time of a step as alpha lambda gives it, with all its digits.
double any_step_time() {
  return *rc::gen::inRange(1, 1000) * std::pow(10.0, *rc::gen::inRange(-9, 1)) *
         (*rc::gen::inRange(1, 100) / 10.0);
}

TEST(Properties, AScheduleOfWholeStepsIsExact) {
  EXPECT_TRUE(rc::check([] {
    const double time_per_step = any_step_time();
    const auto last = *rc::gen::inRange<std::uint64_t>(1, 20000000);
    const std::uint64_t every =
        *rc::gen::inRange<std::uint64_t>(std::max<std::uint64_t>(1, last / 300), last + 1);
    RunOptions options;
    options.time = static_cast<double>(last) * time_per_step;
    options.record_every = static_cast<double>(every) * time_per_step;
    const std::vector<std::uint64_t> steps = plan_schedule(options, time_per_step).schedule.record_steps;
    std::vector<std::uint64_t> expected;
    for (std::uint64_t step = 0; step < last; step += every) expected.push_back(step);
    expected.push_back(last);
    RC_ASSERT(steps == expected);
  }));
}

TEST(Properties, RecordsDivideARunEvenly) {
  EXPECT_TRUE(rc::check([] {
    RunOptions options;
    options.steps = *rc::gen::inRange<std::uint64_t>(1, std::uint64_t{1} << 56);
    options.records = *rc::gen::inRange<std::uint64_t>(1, std::min<std::uint64_t>(*options.steps, 500) + 1);
    const std::vector<std::uint64_t> steps = plan_schedule(options, any_step_time()).schedule.record_steps;
    RC_ASSERT(steps.size() == *options.records + 1);
    RC_ASSERT(steps.front() == 0u);
    RC_ASSERT(steps.back() == *options.steps);
    const std::uint64_t part = *options.steps / *options.records;
    for (std::size_t i = 1; i < steps.size(); ++i) {
      RC_ASSERT(steps[i] - steps[i - 1] >= part);
      RC_ASSERT(steps[i] - steps[i - 1] <= part + 1);
    }
  }));
}

}  // namespace
}  // namespace langevo
