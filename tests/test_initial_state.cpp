// The distributions of initial states, and that a run takes the states of its own replicas.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "langevo/initial_state.hpp"
#include "langevo/run_options.hpp"
#include "src/cli.hpp"
#include "src/netcdf.hpp"
#include "src/run_command.hpp"

namespace langevo {
namespace {

constexpr std::uint64_t draws = 2000;

struct Sample {
  double largest = 0;
  double variance = 0;
};

/// Of parameters begin .. end - 1 over many replicas.
template <class Init>
Sample sample(const Network& network, const Init& init, std::size_t begin, std::size_t end) {
  Sample result;
  double squares = 0;
  for (std::uint64_t r = 0; r < draws; ++r) {
    const std::vector<double> x = draw_initial_state(network, init, 5, r);
    for (std::size_t i = begin; i < end; ++i) {
      result.largest = std::max(result.largest, std::abs(x[i]));
      squares += x[i] * x[i];
    }
  }
  result.variance = squares / static_cast<double>(draws * (end - begin));
  return result;
}

TEST(InitialState, PytorchsIsUniformWithinOneOverTheRootOfFanIn) {
  const Network network({16, 4, 1}, Activation::tanh, true);
  ASSERT_EQ(network.parameter_count(), 73u);
  const Sample first = sample(network, PytorchInit{}, 0, 68);
  EXPECT_LE(first.largest, 0.25);
  EXPECT_GT(first.largest, 0.2499);
  EXPECT_NEAR(first.variance, 1.0 / 48, 0.02 / 48);
  const Sample last = sample(network, PytorchInit{}, 68, 73);
  EXPECT_LE(last.largest, 0.5);
  EXPECT_GT(last.largest, 0.499);
  EXPECT_NEAR(last.variance, 1.0 / 12, 0.05 / 12);
  EXPECT_GT(sample(network, PytorchInit{}, 72, 73).variance, 0.9 / 12);  // the bias too
}

TEST(InitialState, GaussianIsThatOfBiasesToo) {
  const Network network({2, 3, 1}, Activation::tanh, true);
  for (const Layer& layer : network.layers()) {
    const auto width = static_cast<std::size_t>(layer.fan_out);
    const double weights =
        sample(network, GaussianInit{0.5}, layer.weight_offset, layer.weight_offset + layer.weight_count())
            .variance;
    const double biases =
        sample(network, GaussianInit{0.5}, layer.bias_offset, layer.bias_offset + width).variance;
    EXPECT_NEAR(weights, 0.25, 0.04);
    EXPECT_NEAR(biases, 0.25, 0.04);
  }
}

TEST(InitialState, HasTheStandardDeviationOfTheOptions) {
  RunOptions options;
  const Network network({1, 30, 1}, Activation::tanh, true);
  const std::vector<double> paper = initial_state(options, network, 3);
  options.init_std = 0.02;
  std::vector<double> twice = initial_state(options, network, 3);
  for (double& value : twice) value /= 2;
  EXPECT_EQ(twice, paper);
}

/// Traced states of the first record of a run with a state for each of replicas first .. first + count - 1.
std::vector<double> first_states(const std::string& path, const std::string& first,
                                 const std::string& count) {
  CLI::App program("test", "langevo");
  program.allow_extras();
  RunOptionParser parser(*program.add_subcommand("run"));
  std::vector<std::string> words{"run",     "--widths",  "1,3,1", "--points",           "8",   "--steps",
                                 "2",       "--alpha",   "0.01",  "--init-per-replica", "-o",  path,
                                 "--quiet", "--trace",   count,   "--first-replica",    first, "--replicas",
                                 count,     "--backend", "cpu"};
  std::reverse(words.begin(), words.end());
  program.parse(words);
  EXPECT_EQ(run(parser.request()), 0);
  const netcdf::File file = netcdf::File::open_to_read(path);
  const std::vector<double> all = file.root().find_group("ensemble")->read("trace_parameter");
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 3)};
}

TEST(InitialState, OfAPartOfTheReplicasIsThatOfTheLargerRun) {
  std::string pattern = (std::filesystem::temp_directory_path() / "langevo_initial_XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::vector<double> whole = first_states(pattern + "/whole.nc", "0", "6");
  const std::vector<double> part = first_states(pattern + "/part.nc", "4", "2");
  std::filesystem::remove_all(pattern);
  ASSERT_EQ(whole.size(), 60u);
  EXPECT_EQ(part, std::vector<double>(whole.begin() + 40, whole.end()));
}

}  // namespace
}  // namespace langevo
