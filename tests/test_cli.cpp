#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "langevo/error.hpp"
#include "src/cli.hpp"
#include "src/dry_run.hpp"
#include "src/presets.hpp"
#include "src/progress.hpp"
#include "src/run_report.hpp"
#include "src/setting_value.hpp"
#include "src/text.hpp"

namespace langevo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

RunRequest parse(std::vector<std::string> words) {
  CLI::App program("test", "langevo");
  program.allow_extras();
  RunOptionParser parser(*program.add_subcommand("run"));
  std::reverse(words.begin(), words.end());
  words.emplace_back("run");
  program.parse(words);
  return parser.request();
}

std::vector<std::string> split(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

RunOptions parse_one(const std::vector<std::string>& words) {
  const RunRequest request = parse(words);
  EXPECT_EQ(request.runs.size(), 1u);
  return request.runs.front().options;
}

std::string complaint(const std::vector<std::string>& words) {
  try {
    parse(words);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no complaint";
}

std::string printed(const std::vector<std::string>& words) {
  const RunRequest request = parse(words);
  std::vector<RunOptions> resolved;
  for (const RequestedRun& run : request.runs) resolved.push_back(plan_run(run.options).resolved);
  return request_text(request, resolved);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class ConfigurationFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "langevo_cli_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string write(const std::string& text, const std::string& name = "run.toml") const {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }

  /// Prints, reads what was printed and prints again.
  void expect_round_trip(const std::vector<std::string>& words) const {
    const std::string first = printed(words);
    EXPECT_EQ(printed({"--config", write(first)}), first);
  }

  std::filesystem::path directory_;
};

TEST(CommandLine, DefaultsAreThePapersFirstFigureButForTheBiasOfTheOutput) {
  EXPECT_EQ(printed({"--output-bias", "false"}), printed({"--preset", "fig1"}));
  EXPECT_NE(printed({}), printed({"--preset", "fig1"}));
}

TEST(CommandLine, EveryConfigurationSaysWhetherTheOutputHasABias) {
  EXPECT_TRUE(contains(printed({"--widths", "1,4,1"}), "\noutput-bias = true\n"));
  EXPECT_TRUE(contains(printed({"--widths", "1,4,1", "--output-bias", "false"}), "\noutput-bias = false\n"));
  for (const Preset& preset : presets()) {
    const bool deep = preset.name == "fig3" || preset.name == "s3";
    const std::string line = std::string("\noutput-bias = ") + (deep ? "true" : "false") + "\n";
    EXPECT_TRUE(contains(printed({"--preset", preset.name}), line)) << preset.name;
  }
}

TEST(CommandLine, EveryOptionReachesItsMember) {
  const RunOptions options = parse_one(split(
      "--widths 2,5x3,4 --activation relu --output-bias true --data d.csv --header no --points 7 --loss "
      "cross-entropy --dynamics langevin --beta 2.5 --alpha 1e-3 --lambda 0.5 --sigma 0.25 "
      "--sigma-file s.txt --stride 4 --time 3 --steps 1e6 "
      "--record-every 0.5 --records 9 --reset-every 1.5 --replicas 12 --first-replica 5 --seed "
      "18446744073709551615 --init pytorch --init-per-replica --reference none "
      "--trace 3 --no-replica-loss --record-parameters mean --backend cpu --threads 2 "
      "--instruction-set generic -o x.nc --quiet"));
  EXPECT_EQ(options.widths, (std::vector<int>{2, 5, 5, 5, 4}));
  EXPECT_EQ(options.activation, Activation::relu);
  EXPECT_TRUE(options.output_bias);
  EXPECT_EQ(options.data, "d.csv");
  EXPECT_EQ(options.points, 7u);
  EXPECT_EQ(options.header, HeaderLine::no);
  EXPECT_EQ(options.loss, Loss::cross_entropy);
  EXPECT_EQ(options.dynamics, DynamicsKind::langevin);
  EXPECT_EQ(options.beta, 2.5);
  EXPECT_EQ(options.alpha, 1e-3);
  EXPECT_EQ(options.lambda, 0.5);
  EXPECT_EQ(options.sigma, 0.25);
  EXPECT_EQ(options.sigma_file, "s.txt");
  EXPECT_EQ(options.stride, 4);
  EXPECT_EQ(options.time, 3);
  EXPECT_EQ(options.steps, 1000000u);
  EXPECT_EQ(options.record_every, 0.5);
  EXPECT_EQ(options.records, 9u);
  EXPECT_EQ(options.reset_every, 1.5);
  EXPECT_EQ(options.replicas, 12u);
  EXPECT_EQ(options.first_replica, 5u);
  EXPECT_EQ(options.seed, 18446744073709551615u);
  EXPECT_EQ(options.init, InitKind::pytorch);
  EXPECT_TRUE(options.init_per_replica);
  EXPECT_EQ(options.reference, ReferenceKind::none);
  EXPECT_EQ(options.trace, 3u);
  EXPECT_FALSE(options.replica_loss);
  EXPECT_EQ(options.record_parameters, RecordParameters::mean);
  EXPECT_EQ(options.backend.kind, BackendKind::cpu);
  EXPECT_EQ(options.backend.threads, 2);
  EXPECT_EQ(options.backend.instruction_set, "generic");
  EXPECT_EQ(options.output, "x.nc");
  EXPECT_TRUE(options.quiet);
}

TEST(CommandLine, OptionsOfOtherDynamicsReachTheirMembers) {
  const RunOptions options =
      parse_one(split("--acceptance exact --precision double --init-std 0.1 --device 1 --overwrite"));
  EXPECT_EQ(options.acceptance, Acceptance::exact);
  EXPECT_EQ(options.precision, Precision::float64);
  EXPECT_EQ(options.init_std, 0.1);
  EXPECT_EQ(options.backend.device, 1);
  EXPECT_TRUE(options.overwrite);
}

TEST(CommandLine, QuadratureIsAWordOrANumberOfNodes) {
  EXPECT_FALSE(parse_one({}).quadrature.has_value());
  EXPECT_FALSE(parse_one(split("--quadrature auto")).quadrature.has_value());
  EXPECT_EQ(parse_one(split("--quadrature off")).quadrature, 0u);
  EXPECT_EQ(parse_one(split("--quadrature 24")).quadrature, 24u);
  EXPECT_TRUE(contains(complaint(split("--quadrature 0")), "give a number of nodes, auto or off"));
  EXPECT_TRUE(contains(complaint(split("--quadrature few")), "few"));
}

TEST(CommandLine, WhatHasNoEffectIsRefusedNamingWhatItBelongsTo) {
  const std::pair<const char*, const char*> rows[] = {
      {"--dynamics gradient --beta 10",
       "--beta 10 would change nothing here, it belongs to --dynamics metropolis"},
      {"--dynamics normalized-gradient --lambda 0.1", "--lambda 0.1 would change nothing"},
      {"--dynamics gradient --sigma 0.1", "--sigma 0.1 would change nothing"},
      {"--dynamics gradient --acceptance exact", "belongs to --dynamics metropolis;"},
      {"--acceptance exact --quadrature 24", "belongs to --acceptance auto and screened;"},
      {"--dynamics gradient --gradient exact --quadrature off", "belongs to --gradient auto and followed;"},
      {"--gradient-tolerance 1e-4", "belongs to --dynamics gradient, normalized-gradient and langevin;"},
      {"--stride 2", "belongs to --dynamics langevin;"},
      {"--init pytorch --init-std 0.1", "belongs to --init gaussian;"},
      {"--init base.nc --init-std 0.1", "belongs to --init gaussian;"},
      {"--init pytorch --init-at last", "belongs to --init RUN.nc;"},
      {"--backend cpu --device 0", "belongs to --backend cuda;"},
      {"--backend cuda --threads 2", "belongs to --backend cpu;"},
      {"--backend cuda --instruction-set generic", "belongs to --backend cpu;"},
      {"--dynamics gradient --init start.txt --seed 3", "that draw random numbers;"},
      {"--preset fig3 --init-std 0.1", "belongs to --init gaussian;"},
      {"--preset fig1 --dynamics gradient --beta 10", "--beta 10 would change nothing"},
  };
  for (const auto& [words, part] : rows)
    EXPECT_TRUE(contains(complaint(split(words)), part)) << complaint(split(words));
  for (const char* words :
       {"--dynamics langevin --beta 10 --lambda 0.1 --stride 2", "--init-std 0.1", "--device 0",
        "--preset fig1 --dynamics gradient", "--dynamics gradient --sigma-file s.txt", "--threads 2",
        "--widths 2,3,1 --activation relu", "--dynamics gradient --seed 3",
        "--dynamics langevin --init start.txt --seed 3", "--gradient exact",
        "--dynamics langevin --precision double", "--dynamics gradient --quadrature off"}) {
    EXPECT_EQ(complaint(split(words)), "no complaint") << words;
  }
}

TEST(CommandLine, BetaMayBeInfinite) {
  for (const RequestedRun& run : parse({"--preset", "fig6", "--beta", "inf"}).runs) {
    EXPECT_EQ(run.options.beta, infinity);
  }
}

TEST(CommandLine, InitIsAWordOrAFile) {
  EXPECT_EQ(parse_one({"--init", "gaussian"}).init, InitKind::gaussian);
  const RunOptions options = parse_one({"--init", "start.txt"});
  EXPECT_EQ(options.init, InitKind::file);
  EXPECT_EQ(options.init_file, "start.txt");
}

TEST_F(ConfigurationFile, KeepsWhichRecordToStartFrom) {
  for (const auto& [word, value, toml] :
       {std::tuple<const char*, double, const char*>{"last", infinity, "\"last\""}, {"2.5", 2.5, "2.5"}}) {
    const RunOptions options = parse_one({"--init", "base.nc", "--init-at", word});
    EXPECT_EQ(options.init_at, value);
    const std::string text = configuration_text({options});
    EXPECT_TRUE(contains(text, std::string("init-at = ") + toml + "\n")) << text;
    EXPECT_EQ(parse_one({"--config", write(text)}).init_at, value);
    EXPECT_FALSE(parse_one({"--config", write(text), "--init", "other.nc"}).init_at);
  }
  EXPECT_TRUE(contains(complaint({"--init", "base.nc", "--init-at", "lsat"}), "--init-at is 'lsat'"));
  EXPECT_TRUE(contains(complaint({"--init", "base.nc", "--init-at", "-1"}), "--init-at is -1"));
}

TEST(CommandLine, MisspeltWordsGetTheNearestOne) {
  EXPECT_TRUE(contains(complaint({"--lamda", "1"}), "did you mean --lambda?"));
  EXPECT_TRUE(contains(complaint({"--replicsa=3"}), "--replicsa; did you mean --replicas?"));
  EXPECT_TRUE(contains(complaint({"--dynamics", "metroplis"}), "did you mean 'metropolis'?"));
  EXPECT_TRUE(contains(complaint({"--preset", "fig22"}), "did you mean 'fig2'"));
  EXPECT_TRUE(contains(complaint({"--output-bias", "ture"}), "did you mean 'true'?"));
  EXPECT_TRUE(contains(complaint({"--acceptance", "screend"}), "did you mean 'screened'?"));
}

TEST(CommandLine, ValuesMustBeThere) {
  EXPECT_TRUE(contains(complaint({"--alpha", "--beta", "inf"}), "followed by --beta"));
  EXPECT_TRUE(contains(complaint({"--alpha", "0.1x"}), "--alpha is '0.1x'"));
  EXPECT_TRUE(
      contains(complaint({"--replicas", "2.5"}), "--replicas is '2.5'; give a whole number below 2^64"));
  EXPECT_TRUE(contains(complaint({"--widths", "1,3x0,1"}), "--widths is '1,3x0,1'"));
  EXPECT_TRUE(contains(complaint({"--seed", "-1"}), "--seed is '-1'"));
  EXPECT_TRUE(contains(complaint({"stray"}), "'stray' is one word too many"));
  EXPECT_TRUE(contains(complaint({"--quick"}), "no preset"));
}

TEST_F(ConfigurationFile, StandsBetweenPresetAndCommandLine) {
  const std::string file = write("replicas = 5\nalpha = 2e-3  # a comment\n");
  const RunOptions options = parse_one({"--preset", "fig1", "--quick", "--config", file, "--alpha", "3e-3"});
  EXPECT_EQ(options.alpha, 3e-3);     // command line over file
  EXPECT_EQ(options.replicas, 5u);    // file over preset
  EXPECT_EQ(options.lambda, 0.1);     // preset over default
  EXPECT_EQ(options.init_std, 0.01);  // default
}

TEST_F(ConfigurationFile, MayNameThePreset) {
  const RunRequest request = parse({"--config", write("preset = \"fig2\"\nquick = true\n")});
  EXPECT_EQ(request.preset, "fig2");
  EXPECT_TRUE(request.quick);
  EXPECT_EQ(request.runs.size(), 3u);
  EXPECT_LT(request.runs.front().options.replicas, 1000u);
}

TEST_F(ConfigurationFile, WhatSaysTheSameInOtherWordsIsReplaced) {
  const std::string file = write("lambda = 0.2\ntime = 4\nrecords = 10\npoints = 50\n");
  const RunOptions options = parse_one(
      {"--config", file, "--sigma", "0.1", "--steps", "20", "--record-every", "1", "--data", "d.csv"});
  EXPECT_FALSE(options.lambda);
  EXPECT_FALSE(options.time);
  EXPECT_FALSE(options.records);
  EXPECT_FALSE(options.points);
  // Said in one breath they contradict each other, and the plan says so.
  EXPECT_THROW(plan_run(parse_one({"--lambda", "1", "--sigma", "1"})), InputError);
}

TEST_F(ConfigurationFile, RoundTripsThroughPrintConfig) {
  expect_round_trip({});
  expect_round_trip({"--preset", "fig1", "--quick"});
  expect_round_trip({"--preset", "fig2", "--seed", "9"});
  expect_round_trip({"--preset", "s4", "--quick"});
  expect_round_trip({"--preset", "fig3", "--no-replica-loss"});
  expect_round_trip({"--dynamics", "langevin", "--beta", "100", "--sigma", "0.001", "--steps", "50"});
  expect_round_trip({"--dynamics", "gradient", "--alpha", "0.30000000000000004", "--record-every", "0.7",
                     "--init", "pytorch", "--widths", "1,4x3,1", "--trace", "0"});
}

TEST_F(ConfigurationFile, NumbersReadBackToTheLastBit) {
  const std::string text = printed(
      {"--alpha", "0.30000000000000004", "--lambda", "0.1", "--time", "3", "--beta", "333.33333333333331"});
  const RunOptions again = parse_one({"--config", write(text)});
  EXPECT_EQ(again.alpha, 0.30000000000000004);
  EXPECT_EQ(again.beta, 333.33333333333331);
}

TEST_F(ConfigurationFile, RoundTripsAwkwardFileNames) {
  std::string rows;
  for (int i = 0; i < 10; ++i) rows += "0.01\n";
  for (const char* name :
       {"with space.txt", "with#hash.txt", "with,comma.txt", "with'quote.txt", "with\"quote.txt",
        "with\\backslash.txt", "[brackets].txt", "=.txt", " \"", "\\\"", "#"}) {
    const std::string file = write(rows, name);
    const std::vector<std::string> words{"--widths", "1,3,1", "--sigma-file", file, "--alpha", "0.01"};
    expect_round_trip(words);
    const std::string printed_once = write(printed(words));
    EXPECT_EQ(parse_one({"--config", printed_once}).sigma_file, file);
  }
}

TEST_F(ConfigurationFile, SaysNothingOfTheMachine) {
  const std::string text =
      printed({"--threads", "2", "--backend", "cpu", "--output", "x.nc", "--instruction-set", "generic"});
  EXPECT_FALSE(contains(text, "threads"));
  EXPECT_FALSE(contains(text, "cpu"));
  EXPECT_FALSE(contains(text, "generic"));
  EXPECT_FALSE(contains(text, "x.nc"));
  EXPECT_EQ(text, printed({}));
}

TEST_F(ConfigurationFile, HoldsEverySettingThatChangesResults) {
  const std::string text =
      printed({"--dynamics", "langevin", "--reset-every", "1", "--test-data", write("0.5,1\n")});
  // Contradicted by others that are set, each of them.
  const std::vector<std::string> absent{"sigma",   "sigma-file", "steps", "record-every",
                                        "init-at", "acceptance"};  // the last one: of metropolis
  for (const Setting& setting : settings()) {
    const bool expected =
        setting.in_configuration() && std::find(absent.begin(), absent.end(), setting.name) == absent.end();
    EXPECT_EQ(contains("\n" + text, "\n" + setting.name + " = "), expected) << setting.name;
  }
}

TEST_F(ConfigurationFile, WhatTheCommandLineMakesIdleIsLeftOut) {
  const std::string file = write(printed({"--beta", "100", "--acceptance", "exact"}));
  const RunOptions options = parse_one({"--config", file, "--dynamics", "gradient", "--init", "pytorch"});
  const std::string text = configuration_text({plan_run(options).resolved});
  for (const char* name : {"beta", "lambda", "acceptance", "init-std"}) {
    EXPECT_FALSE(contains("\n" + text, std::string("\n") + name + " = ")) << name;
  }
  EXPECT_TRUE(
      contains(complaint({"--config", write("dynamics = \"gradient\"\nbeta = 2\n")}), "beta 2 would change"));
}

TEST(Presets, SayNothingWithoutEffect) {
  for (const Preset& preset : presets()) {
    for (const PresetMember& member : preset.members) {
      const Assignments said = preset.settings(member, true);
      EXPECT_NO_THROW(require_effect(said, make_options(said))) << preset.name;
    }
  }
}

TEST_F(ConfigurationFile, RefusesWhatItDoesNotKnow) {
  EXPECT_TRUE(contains(complaint({"--config", write("replica = 3\n")}), "did you mean 'replicas'?"));
  EXPECT_TRUE(contains(complaint({"--config", write("[run]\nalpha = 1\n")}), "line 1 is '[run]'"));
  EXPECT_TRUE(contains(complaint({"--config", write("alpha = 1\n\nalpha = 2\n")}), "line 3"));
  EXPECT_TRUE(contains(complaint({"--config", write("quiet\n")}), "name = value"));
  EXPECT_TRUE(contains(complaint({"--config", write("widths = [1, 30\n")}), "not closed"));
  EXPECT_TRUE(contains(complaint({"--config", write("data = \"x\n")}), "not closed"));
  EXPECT_TRUE(contains(complaint({"--config", write("data = \"x\" y\n")}), "goes on after its quotes"));
  EXPECT_TRUE(contains(complaint({"--config", write("data = \"C:\\x\"\n")}), "backslash"));
  EXPECT_TRUE(contains(complaint({"--config", write("alpha = fast\n")}), "alpha is 'fast'"));
  EXPECT_TRUE(contains(complaint({"--config", write("print-config = true\n")}), "unknown name"));
}

TEST_F(ConfigurationFile, ReadsArraysOverSeveralLines) {
  EXPECT_EQ(parse_one({"--config", write("widths = [\n  1,  # in\n  30,\n  1\n]\nseed = 4\n")}).widths,
            (std::vector<int>{1, 30, 1}));
}

TEST(Presets, AreThePapers) {
  const auto member = [](const char* name, std::size_t i) {
    return parse({"--preset", name}).runs.at(i).options;
  };
  EXPECT_EQ(member("fig1", 0).replicas, 1000u);
  EXPECT_EQ(member("fig2", 2).lambda, 10);
  EXPECT_EQ(member("fig2", 2).alpha, 1e-5);
  EXPECT_EQ(plan_run(member("fig3", 1)).problem.network().parameter_count(), 7489u);
  EXPECT_EQ(plan_run(member("fig3", 1)).problem.data().points, 1001u);
  EXPECT_EQ(member("fig3", 1).time, 5);
  EXPECT_EQ(member("fig6", 0).beta, 1e3);
  EXPECT_EQ(plan_run(member("fig6", 0)).problem.network().parameter_count(), 768u);
  EXPECT_EQ(member("s1", 0).seed, 2u);
  EXPECT_EQ(member("s3", 0).lambda, 10);
  EXPECT_EQ(member("s4", 0).replicas, 152u);
  EXPECT_FALSE(member("s4", 0).reset_every);
  EXPECT_TRUE(member("s4", 1).reset_every);
}

TEST(Presets, ResetsComeAtEveryUnitOfTime) {
  const RunPlan plan = plan_run(parse({"--preset", "s4"}).runs.at(1).options);
  std::vector<std::uint64_t> steps;
  for (std::uint64_t k = 1; k < 10; ++k) steps.push_back(k * 10'000);
  EXPECT_EQ(plan.simulation.reset_steps, steps);
}

TEST(Presets, CanAllBePlanned) {
  for (const Preset& preset : presets()) {
    for (const bool quick : {false, true}) {
      for (const PresetMember& member : preset.members) {
        const RunPlan plan = plan_run(make_options(preset.settings(member, quick)));
        EXPECT_EQ(plan.reference.has_value(), plan.lambda <= 1000) << preset.name;
        const std::uint64_t intervals = std::min<std::uint64_t>(100, plan.schedule.last_step());
        EXPECT_EQ(plan.schedule.record_steps.size(), intervals + 1) << preset.name;
        EXPECT_GE(intervals, 50u) << preset.name;
      }
    }
  }
}

TEST(Presets, QuickOnesTakeAMinuteAtMost) {
  for (const Preset& preset : presets()) {
    double seconds = 0;
    for (const PresetMember& member : preset.members) {
      seconds += expected_seconds(make_options(preset.settings(member, true)));
    }
    EXPECT_GT(seconds, 1) << preset.name;
    EXPECT_LT(seconds, 80) << preset.name;
  }
}

/// Proposals per second that --dry-run expects.
double expected_rate(const RunPlan& plan) {
  const std::string text = describe_plan(plan);
  const std::size_t at = text.find("the ensemble at ");
  return at == std::string::npos ? 0 : std::stod(text.substr(at + 16));
}

RunPlan shallow_plan(const std::string& lambda) {
  return plan_run(parse_one({"--preset", "fig1", "--points", "100", "--lambda", lambda, "--replicas", "1",
                             "--time", "1", "--reference", "none", "--threads", "1", "--backend", "cpu"}));
}

/// Whether two numbers are within a factor of 2, in one of a few tries: other programs may slow down either
/// of them, but not all of the time.
bool agree_within_two(const std::function<double()>& expected, const std::function<double()>& found) {
  for (int i = 0; i < 6; ++i) {
    const double ratio = expected() / found();
    if (ratio > 0.5 && ratio < 2) return true;
  }
  return false;
}

// A million proposals: nearly all of them decided by models that were learnt on the way.
TEST(DryRun, ExpectsTheTimeThatARunTakes) {
  const RunPlan plan = shallow_plan("0.1");
  ASSERT_EQ(plan.schedule.last_step(), 1000000u);
  const auto rate_of_run = [&plan] {
    const auto ensemble = make_ensemble(plan.problem, plan.dynamics, plan.shape, plan.resolved.backend);
    ensemble->set_all_parameters(plan.initial_parameter);
    const auto begin = std::chrono::steady_clock::now();
    ensemble->advance(plan.schedule.last_step());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    EXPECT_GT(ensemble->counters().decided_by_model, plan.schedule.last_step() / 2);
    return static_cast<double>(plan.schedule.last_step()) / seconds.count();
  };
  EXPECT_TRUE(agree_within_two([&plan] { return expected_rate(plan); }, rate_of_run));
}

// The table of presets knows what screening saves: how much more a proposal costs where mutations are larger
// is what
// --dry-run measures here.
TEST(Presets, ExpectTheTimesThatDryRunsMeasure) {
  const auto seconds_per_step = [](const RunPlan& plan) {
    return expected_seconds(plan.resolved) / static_cast<double>(plan.schedule.last_step());
  };
  const RunPlan small = shallow_plan("0.1");
  const RunPlan large = shallow_plan("1");
  EXPECT_TRUE(agree_within_two([&] { return seconds_per_step(large) / seconds_per_step(small); },
                               [&] { return expected_rate(small) / expected_rate(large); }));
}

TEST(Presets, Figure1TakesMinutesAndNoDay) {
  const double seconds = expected_seconds(parse_one({"--preset", "fig1"}));
  EXPECT_GT(seconds, 660 / 2);  // eleven minutes, bench/results/2026-11-25-cpu-zen4-night.md
  EXPECT_LT(seconds, 660 * 2);
}

TEST(DryRun, CountsTheReference) {
  RunOptions options;
  options.widths = {1, 3, 1};
  options.points = 8;
  options.replicas = 2;
  options.steps = 10;
  options.lambda = 800;
  const auto line = [](const RunPlan& plan, const std::string& name) {
    const std::string text = describe_plan(plan);
    const std::size_t begin = text.find("\n" + name);
    return begin == std::string::npos ? "" : text.substr(begin + 17, text.find('\n', begin + 1) - begin - 17);
  };
  EXPECT_EQ(line(plan_run(options), "reference").rfind("8000 gradient steps of 1e-05, ", 0), 0u);
  EXPECT_NE(line(plan_run(options), "estimated time").find(", the ensemble at "), std::string::npos);
  options.reference = ReferenceKind::none;
  EXPECT_EQ(line(plan_run(options), "reference"), "none: --reference is none");
}

TEST(Presets, MembersWriteFilesOfTheirOwn) {
  const RunRequest request = parse({"--preset", "fig2", "-o", "out/RUN.nc"});
  std::vector<std::string> paths;
  for (const RequestedRun& run : request.runs) paths.push_back(run.options.output);
  EXPECT_EQ(paths, (std::vector<std::string>{"out/RUN-lambda-0.1.nc", "out/RUN-lambda-1.nc",
                                             "out/RUN-lambda-10.nc"}));
  EXPECT_EQ(parse_one({"--preset", "fig1", "-o", "RUN.nc"}).output, "RUN.nc");
}

TEST(Presets, OverridesReachAllMembersButNotWhatTheyDifferIn) {
  for (const RequestedRun& run : parse({"--preset", "fig2", "--replicas", "7"}).runs) {
    EXPECT_EQ(run.options.replicas, 7u);
  }
  EXPECT_TRUE(contains(complaint({"--preset", "fig2", "--lambda", "1"}), "--lambda is what the runs"));
  EXPECT_TRUE(contains(complaint({"--preset", "fig2", "--sigma", "1"}), "--sigma is what the runs"));
  EXPECT_TRUE(contains(complaint({"--preset", "s4", "--reset-every", "1"}), "--reset-every is what"));
  EXPECT_EQ(parse_one({"--preset", "fig1", "--lambda", "1"}).lambda, 1);
}

TEST(Text, EditDistanceCountsSwapsAsOne) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("lambda", "lamda"), 1u);
  EXPECT_EQ(edit_distance("fgi1", "fig1"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Text, ShortestNumbersReadBackAsThemselves) {
  for (const double value : {0.1, 1e-5, 1.0 / 3, 5e-324, 1.7976931348623157e308, infinity}) {
    double read = 0;
    read_value("x", shortest(value), read);
    EXPECT_EQ(read, value);
  }
  EXPECT_EQ(shortest(0.1), "0.1");
}

TEST(Text, BytesAndDurations) {
  EXPECT_EQ(bytes_in_words(512), "512 B");
  EXPECT_EQ(bytes_in_words(1536), "1.5 KiB");
  EXPECT_EQ(duration_in_words(45.2), "45 s");
  EXPECT_EQ(duration_in_words(3600 * 2 + 600), "2 h 10 min");
}

TEST(ProgressText, GivesRatesAndTimeLeft) {
  EXPECT_EQ(progress_text({"run.nc", 1000, 50}, 0.25, 10),
            "run.nc: 25 %, 25 steps/s, 1.25e+03 proposals/s, 30 s left");
  EXPECT_EQ(progress_text({"run.nc", 1000, 50}, 0, 0), "run.nc: 0 %");
}

// More replicas than are fetched at a time, and averages that end within and beyond what was fetched.
TEST(RunReport, DeltaByReplicasIsThatOfTheMeanOfTheFirst) {
  constexpr std::uint64_t replicas = 300;
  const Problem problem(Network({1, 1, 1}, Activation::tanh, false), make_sin_unit(5), Loss::mse);
  const auto ensemble = make_ensemble(problem, {Metropolis{}, std::vector<double>(3, 1e-3)},
                                      {.replicas = replicas}, {.kind = BackendKind::cpu});
  std::vector<std::vector<double>> states;
  for (std::uint64_t r = 0; r < replicas; ++r) {
    const double t = static_cast<double>(r);
    states.push_back({t, std::sin(t), t * t / 100});
    ensemble->set_parameters(r, states.back());
  }
  const ReferenceTrajectory reference{
      .step = {0}, .time = {0}, .parameter = {{1, 2, 3}}, .loss = {1}, .gradient_norm = {1}};
  RunReport report(&reference, replicas);
  report.take({.parameter_mean = {0, 0, 0},
               .parameter_variance = {},
               .loss = {},
               .replica_loss = {},
               .trace_parameter = {}});
  const Correspondence found = report.correspondence(*ensemble);
  EXPECT_EQ(found.replicas_averaged, (std::vector<std::uint64_t>{1, 2, 5, 10, 20, 50, 100, 200, 300}));
  for (std::size_t k = 0; k < found.replicas_averaged.size(); ++k) {
    const std::uint64_t m = found.replicas_averaged[k];
    std::vector<double> mean(3);
    for (std::uint64_t r = 0; r < m; ++r) {
      for (std::size_t i = 0; i < 3; ++i) mean[i] += states[r][i] / static_cast<double>(m);
    }
    const double delta = mean_squared_difference(reference.parameter[0], mean);
    EXPECT_NEAR(found.delta_by_replicas[k], delta, 1e-10 * delta) << m;
  }
}

std::vector<std::string> first_row(const RunReport& report) {
  const std::string table = report.table({.wall_seconds = 1, .counters = {}});
  const std::size_t begin = table.find('\n') + 1;
  return split(table.substr(begin, table.find('\n', begin) - begin));
}

EnsembleRecord record_of(double variance, double accepted) {
  return {.parameter_mean = {},
          .parameter_variance = {},
          .loss = {.mean = 3, .variance = variance},
          .accepted_fraction = accepted,
          .replica_loss = {},
          .trace_parameter = {}};
}

TEST(RunReport, StandardErrorIsTheRootOfVarianceOverReplicas) {
  RunReport report(nullptr, 9);
  report.take(record_of(0.09, 0.5));
  EXPECT_EQ(first_row(report), (std::vector<std::string>{"0", "3", "0.1", "0", "0.5"}));
}

TEST(RunReport, WhatIsNotDefinedIsADash) {
  RunReport report(nullptr, 1);
  report.take(record_of(std::nan(""), std::nan("")));
  EXPECT_EQ(first_row(report), (std::vector<std::string>{"0", "3", "-", "0", "-"}));
}

TEST(RunReport, AveragesOverOneTwoFive) {
  EXPECT_EQ(averaging_sizes(1), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(averaging_sizes(20), (std::vector<std::uint64_t>{1, 2, 5, 10, 20}));
  EXPECT_EQ(averaging_sizes(152), (std::vector<std::uint64_t>{1, 2, 5, 10, 20, 50, 100, 152}));
}

}  // namespace
}  // namespace langevo
