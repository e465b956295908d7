#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string>
#include <vector>

#include "langevo/error.hpp"
#include "langevo/run_options.hpp"
#include "src/netcdf.hpp"

namespace langevo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

RunOptions small() {
  RunOptions options;
  options.widths = {1, 3, 1};
  options.output_bias = false;
  options.points = 8;
  options.replicas = 4;
  options.alpha = 0.01;
  options.time = 1;
  return options;
}

std::string complaint(const RunOptions& options) {
  try {
    plan_run(options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no complaint";
}

/// A text file of its own that lives as long as the object.
class TextFile {
 public:
  explicit TextFile(const std::string& content) {
    std::string pattern = (std::filesystem::temp_directory_path() / "langevo_plan_XXXXXX").string();
    const int descriptor = mkstemp(pattern.data());
    EXPECT_GE(descriptor, 0);
    path_ = pattern;
    std::ofstream(path_) << content;
  }
  ~TextFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(RunPlan, SigmaFollowsFromLambda) {
  RunOptions options = small();
  options.lambda = 0.5;
  RunPlan plan = plan_run(options);
  ASSERT_EQ(plan.dynamics.sigma.size(), 9u);
  for (const double sigma : plan.dynamics.sigma) {
    EXPECT_NEAR(sigma, 0.5 * 0.01 * std::sqrt(2 * std::numbers::pi), 1e-15);
  }
  options.beta = 100;
  plan = plan_run(options);
  EXPECT_NEAR(plan.dynamics.sigma.front(), std::sqrt(2 * 0.01 * 0.5 / 100), 1e-15);
  EXPECT_EQ(plan.lambda, 0.5);
}

TEST(RunPlan, LambdaFollowsFromSigma) {
  RunOptions options = small();
  options.sigma = 0.02;
  options.beta = 100;
  const RunPlan plan = plan_run(options);
  EXPECT_NEAR(plan.lambda, 0.02 * 0.02 * 100 / (2 * 0.01), 1e-12);
  EXPECT_EQ(plan.dynamics.sigma.back(), 0.02);
  EXPECT_FALSE(plan.resolved.lambda);
}

TEST(RunPlan, SigmaFileGivesOneForEachAndItsRootMeanSquareGivesLambda) {
  const TextFile file("1e-3\n2e-3\n1e-3\n2e-3\n1e-3\n2e-3\n1e-3\n2e-3\n3e-3\n");
  RunOptions options = small();
  options.sigma_file = file.path();
  const RunPlan plan = plan_run(options);
  const double strength = 1e-3 * std::sqrt((4 * 1 + 4 * 4 + 9) / 9.0);
  EXPECT_EQ(plan.dynamics.sigma[8], 3e-3);
  EXPECT_NEAR(plan.lambda, strength / (0.01 * std::sqrt(2 * std::numbers::pi)), 1e-12);
  ASSERT_TRUE(plan.reference);
  EXPECT_NEAR(plan.reference->sigma[8], 3e-3 / strength, 1e-12);

  options.dynamics = DynamicsKind::gradient;
  EXPECT_NEAR(plan_run(options).dynamics.sigma[8], 3e-3 / strength, 1e-12);
}

TEST(RunPlan, ScaleOfGradientRulesIsExactlyOne) {
  RunOptions options = small();
  const std::vector<double> ones(9, 1.0);
  const RunPlan plan = plan_run(options);
  ASSERT_TRUE(plan.reference);
  EXPECT_EQ(plan.reference->sigma, ones);
  options.dynamics = DynamicsKind::normalized_gradient;
  EXPECT_EQ(plan_run(options).dynamics.sigma, ones);
}

TEST(RunPlan, TimeOfAStepIsTheRulesOwn) {
  RunOptions options = small();
  options.lambda = 0.25;
  EXPECT_DOUBLE_EQ(plan_run(options).schedule.time_per_step, 0.01 * 0.25);
  options.dynamics = DynamicsKind::gradient;
  EXPECT_DOUBLE_EQ(plan_run(options).schedule.time_per_step, 0.01);
  options.dynamics = DynamicsKind::normalized_gradient;
  EXPECT_DOUBLE_EQ(plan_run(options).schedule.time_per_step, 0.01);
  options.dynamics = DynamicsKind::langevin;
  EXPECT_DOUBLE_EQ(plan_run(options).schedule.time_per_step, 0.01);
  options.stride = 3;
  EXPECT_DOUBLE_EQ(plan_run(options).schedule.time_per_step, 0.01 * 0.25 * 3);
}

TEST(RunPlan, LangevinStepStandsForOneMutationWhereSigmaIsGiven) {
  RunOptions options = small();
  options.dynamics = DynamicsKind::langevin;
  options.sigma = 0.005;
  EXPECT_EQ(std::get<Langevin>(plan_run(options).dynamics.rule).stride, 1);
  options.sigma.reset();
  options.lambda = 0.2;
  EXPECT_DOUBLE_EQ(std::get<Langevin>(plan_run(options).dynamics.rule).stride, 5);
}

TEST(RunPlan, ScheduleRunsFromZeroToTheLastStep) {
  RunOptions options = small();
  options.lambda = 1;
  options.records = 7;
  const Schedule schedule = plan_run(options).schedule;
  EXPECT_EQ(schedule.record_steps, (std::vector<std::uint64_t>{0, 14, 28, 42, 57, 71, 85, 100}));

  options.records.reset();
  options.time.reset();
  options.steps = 3;
  EXPECT_EQ(plan_run(options).schedule.record_steps, (std::vector<std::uint64_t>{0, 1, 2, 3}));
  EXPECT_EQ(plan_run(options).resolved.records, 3u);

  options.record_every = 0.02;
  EXPECT_EQ(plan_run(options).schedule.record_steps, (std::vector<std::uint64_t>{0, 2, 3}));
}

TEST(RunPlan, TimesAreWholeStepsButForRounding) {
  // 10/(1e-5 0.1) is 9999999.999999998 in double.
  const RunPlan fig1 = plan_run({});
  EXPECT_EQ(fig1.schedule.last_step(), 10'000'000u);
  EXPECT_TRUE(fig1.remarks.empty());
  RunOptions options = small();
  options.lambda = 1;
  options.record_every = 0.07;  // 7.000000000000001 steps
  EXPECT_TRUE(plan_run(options).remarks.empty());
}

TEST(RunPlan, TimesThatAreNoWholeStepsAreSaidWithBothValues) {
  RunOptions options = small();
  options.lambda = 1;
  options.alpha = 0.3;
  RunPlan plan = plan_run(options);
  EXPECT_EQ(plan.schedule.last_step(), 3u);
  ASSERT_EQ(plan.remarks.size(), 1u);
  EXPECT_EQ(plan.remarks[0], "--time 1 is 3.33333 steps of 0.3: the run ends at t = 0.9");
  EXPECT_EQ(plan_run(plan.resolved).schedule.record_steps, plan.schedule.record_steps);

  options = small();
  options.lambda = 1;
  options.record_every = 0.017;
  plan = plan_run(options);
  const std::vector<std::uint64_t>& steps = plan.schedule.record_steps;
  EXPECT_EQ(std::vector<std::uint64_t>(steps.begin(), steps.begin() + 4),
            (std::vector<std::uint64_t>{0, 2, 3, 5}));
  ASSERT_EQ(plan.remarks.size(), 1u);
  EXPECT_EQ(plan.remarks[0],
            "--record-every 0.017 is 1.7 steps of 0.01: its multiples are taken at the nearest steps");
  EXPECT_EQ(plan_run(plan.resolved).schedule.record_steps, steps);
}

TEST(RunPlan, MutationsThatAreLostAreRefusedOrSaid) {
  const TextFile ones("1\n-1\n1\n1\n1\n1\n1\n1\n1\n");
  const TextFile one_small("1\n-1\n1\n1\n1\n1\n1\n1\n1e-9\n");
  RunOptions options = small();
  options.time.reset();
  options.steps = 5;
  options.init = InitKind::file;
  options.init_file = ones.path();
  options.alpha = 1e-18;
  options.sigma = 1e-18;
  EXPECT_NE(complaint(options).find("sigma = 1e-18 change no parameter"), std::string::npos)
      << complaint(options);
  options.init_file = one_small.path();
  ASSERT_EQ(plan_run(options).remarks.size(), 1u);
  EXPECT_NE(plan_run(options).remarks[0].find("of 8 parameters of 9"), std::string::npos)
      << plan_run(options).remarks[0];
  options.init_file = ones.path();
  options.sigma = 2.3e-16;  // above the spacing at 1, 2.2e-16
  EXPECT_TRUE(plan_run(options).remarks.empty());
  options.init = InitKind::gaussian;
  options.init_std = 1e100;
  EXPECT_NE(complaint(options).find("change no parameter"), std::string::npos);
}

TEST(RunPlan, ManyStepsAreDividedWithoutOverflow) {
  RunOptions options = small();
  options.time.reset();
  options.steps = (std::uint64_t{1} << 56) - 1;
  options.reference = ReferenceKind::none;
  const std::vector<std::uint64_t> steps = plan_run(options).schedule.record_steps;
  ASSERT_EQ(steps.size(), 101u);
  EXPECT_EQ(steps.back(), (std::uint64_t{1} << 56) - 1);
  for (std::size_t i = 1; i < steps.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(steps[i] - steps[i - 1]), std::ldexp(0.01, 56), 1.0);
  }
}

TEST(RunPlan, ResetsFallOnRecords) {
  RunOptions options = small();
  options.lambda = 1;
  options.records = 2;
  options.reset_every = 0.3;
  const RunPlan plan = plan_run(options);
  EXPECT_EQ(plan.simulation.reset_steps, (std::vector<std::uint64_t>{30, 60, 90}));
  EXPECT_EQ(plan.schedule.record_steps, (std::vector<std::uint64_t>{0, 30, 50, 60, 90, 100}));
}

TEST(RunPlan, ReferenceIsTheRuleThatSmallMutationsFollow) {
  RunOptions options = small();
  RunPlan plan = plan_run(options);
  ASSERT_TRUE(plan.reference);
  EXPECT_TRUE(std::holds_alternative<NormalizedGradient>(plan.reference->rule));
  EXPECT_EQ(plan.reference_time_per_step, 0.01);
  options.beta = 10;
  options.lambda = 0.1;
  EXPECT_TRUE(std::holds_alternative<Gradient>(plan_run(options).reference->rule));
}

// Ten mutations that stand for 8 gradient steps each.
TEST(RunPlan, ReferenceTakesTheStepsThatMutationsStandFor) {
  RunOptions options = small();
  options.time.reset();
  options.steps = 10;
  options.lambda = 8;
  EXPECT_EQ(reference_steps(plan_run(options)), 80u);
  options.reference = ReferenceKind::none;
  EXPECT_EQ(reference_steps(plan_run(options)), 0u);
}

TEST(RunPlan, ReferenceIsLeftOutWhereItMeansNothing) {
  RunOptions options = small();
  options.dynamics = DynamicsKind::gradient;
  EXPECT_FALSE(plan_run(options).reference);
  options = small();
  options.init_per_replica = true;
  EXPECT_FALSE(plan_run(options).reference);
  options = small();
  options.reference = ReferenceKind::none;
  EXPECT_FALSE(plan_run(options).reference);
  options = small();
  options.sigma = 100;
  options.time.reset();
  options.steps = 200;
  EXPECT_FALSE(plan_run(options).reference);
  EXPECT_NE(plan_run(options).why_no_reference, "");
  options.reset_every = 4000;
  EXPECT_NE(complaint(options).find("--reset-every"), std::string::npos);
}

TEST(RunPlan, TraceIsLoweredOnlyWhereNobodyAskedForIt) {
  RunOptions options = small();
  EXPECT_EQ(plan_run(options).simulation.traced_replicas, 4u);
  options.replicas = 30;
  EXPECT_EQ(plan_run(options).simulation.traced_replicas, 25u);
  options.trace = 31;
  EXPECT_NE(complaint(options).find("--trace is 31"), std::string::npos);
}

TEST(RunPlan, CommonStartIsThatOfReplicaZero) {
  RunOptions options = small();
  options.first_replica = 7;
  const RunPlan plan = plan_run(options);
  const Network& network = plan.problem.network();
  EXPECT_EQ(plan.initial_parameter, initial_state(options, network, 0));
  EXPECT_NE(plan.initial_parameter, initial_state(options, network, 7));
  EXPECT_EQ(plan.shape.first_replica, 7u);
}

TEST(RunPlan, AResolvedRunIsTheSameRun) {
  RunOptions options = small();
  options.dynamics = DynamicsKind::langevin;
  const RunPlan plan = plan_run(options);
  const RunPlan again = plan_run(plan.resolved);
  EXPECT_EQ(again.dynamics.sigma, plan.dynamics.sigma);
  EXPECT_EQ(again.schedule.record_steps, plan.schedule.record_steps);
  EXPECT_EQ(again.schedule.time_per_step, plan.schedule.time_per_step);
  EXPECT_EQ(plan.resolved.lambda, 0.1);
  EXPECT_EQ(plan.resolved.stride, 10);
  EXPECT_EQ(plan.resolved.records, 100u);
  EXPECT_EQ(plan.resolved.trace, 4u);
}

Quadrature quadrature_of(const RunPlan& plan, BackendKind backend) {
  return dynamics_on(plan, backend).quadrature;
}

TEST(RunPlan, QuadratureIsWhatWasAskedForOnTheCpu) {
  RunOptions options = small();
  options.points = 100;
  EXPECT_NE(quadrature_of(plan_run(options), BackendKind::cpu).remark.find("too short"), std::string::npos);
  options.quadrature = 12;
  const RunPlan plan = plan_run(options);
  EXPECT_EQ(plan.resolved.quadrature, 12u);
  EXPECT_EQ(quadrature_of(plan, BackendKind::cpu).nodes.size(), 12u);
  EXPECT_NE(quadrature_of(plan, BackendKind::cuda).remark.find("on the CPU only"), std::string::npos);
  options.init_per_replica = true;
  EXPECT_NE(quadrature_of(plan_run(options), BackendKind::cpu).weights,
            quadrature_of(plan, BackendKind::cpu).weights);
  options.quadrature = 0;
  EXPECT_TRUE(quadrature_of(plan_run(options), BackendKind::cpu).empty());
}

TEST(RunPlan, GradientRulesAreFollowedWhereTheBackendCan) {
  RunOptions options = small();
  EXPECT_EQ(plan_run(options).reference->gradient.steps, GradientSteps::followed);
  EXPECT_EQ(plan_run(options).reference->gradient.precision, Precision::float64);
  options.dynamics = DynamicsKind::langevin;
  options.gradient_tolerance = 1e-4;
  const RunPlan plan = plan_run(options);
  EXPECT_EQ(choose_backend(plan).kind, BackendKind::cpu);
  const GradientMethod on_cpu = dynamics_on(plan, BackendKind::cpu).gradient;
  EXPECT_EQ(on_cpu.steps, GradientSteps::automatic);
  EXPECT_EQ(on_cpu.precision, Precision::float32);
  EXPECT_EQ(on_cpu.tolerance, 1e-4);
  const GradientMethod on_cuda = dynamics_on(plan, BackendKind::cuda).gradient;
  EXPECT_EQ(on_cuda.steps, GradientSteps::exact);
  EXPECT_EQ(on_cuda.precision, Precision::float64);
  options.gradient = GradientSteps::exact;
  EXPECT_EQ(plan_run(options).reference->gradient.steps, GradientSteps::exact);
  options.gradient = GradientSteps::followed;
  options.backend.kind = BackendKind::cuda;
  const RunPlan impossible = plan_run(options);
  const Dynamics asked = dynamics_on(impossible, BackendKind::cuda);
  EXPECT_NE(why_not_on_cuda(asked).find("--gradient exact"), std::string::npos);
  options.gradient_tolerance = 0;
  EXPECT_THROW(plan_run(options), InputError);
}

RunOptions of_classes(const std::string& path) {
  RunOptions options = small();
  options.widths = {1, 3, 3};
  options.points.reset();
  options.data = path;
  options.loss = Loss::cross_entropy;
  return options;
}

TEST(RunPlan, TargetsOfCrossEntropyAreProbabilitiesOrLabels) {
  const TextFile rounded_thirds("1,0.333333,0.333333,0.333333\n2,0,0,1\n");
  EXPECT_EQ(plan_run(of_classes(rounded_thirds.path())).data_note, "header line: no");
  const TextFile labels("x,class\n1,2\n2,0\n");
  const RunPlan plan = plan_run(of_classes(labels.path()));
  EXPECT_EQ(plan.data_note, "header line: yes, one column of class labels 0 to 2");
  EXPECT_EQ(plan.problem.data().targets, (std::vector<double>{0, 0, 1, 1, 0, 0}));
  const TextFile weights("1,0.5,0.5,0\n2,1,1,0\n");
  EXPECT_NE(complaint(of_classes(weights.path())).find("those of point 1 sum to 2"), std::string::npos);
  const TextFile negative("1,1.5,-0.5,0\n");
  EXPECT_NE(complaint(of_classes(negative.path())).find("at least 0"), std::string::npos);
  RunOptions squares = of_classes(weights.path());
  squares.loss = Loss::mse;
  EXPECT_EQ(plan_run(squares).problem.data().points, 2u);
}

TEST(RunPlan, SaysThatPointsHaveWeights) {
  const TextFile data("");
  netcdf::File file = netcdf::File::create(data.path());
  const netcdf::Group root = file.root();
  root.define_dimension("point", 2);
  root.define_dimension("column", 1);
  root.define_variable({.name = "input", .dimensions = {"point", "column"}, .long_name = "input"});
  root.define_variable({.name = "target", .dimensions = {"point", "column"}, .long_name = "target"});
  root.define_variable({.name = "weight", .dimensions = {"point"}, .long_name = "weight"});
  root.write("input", std::vector<double>{1, 2});
  root.write("target", std::vector<double>{1, 2});
  root.write("weight", std::vector<double>{1, 3});
  file.close();
  RunOptions options = small();
  options.points.reset();
  options.data = data.path();
  const RunPlan plan = plan_run(options);
  EXPECT_EQ(plan.data_note, "with weights");
  EXPECT_EQ(plan.problem.data().weights, (std::vector<double>{0.25, 0.75}));
}

struct BadOptions {
  const char* name;
  void (*spoil)(RunOptions&);
  const char* words;
};

class RunPlanRefuses : public testing::TestWithParam<BadOptions> {};

TEST_P(RunPlanRefuses, WithASentenceThatNamesTheOption) {
  RunOptions options = small();
  GetParam().spoil(options);
  const std::string sentence = complaint(options);
  EXPECT_NE(sentence.find(GetParam().words), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find('\n'), std::string::npos);
}

const BadOptions bad_options[] = {
    {"alpha", [](RunOptions& o) { o.alpha = 0; }, "--alpha is 0"},
    {"alpha_infinite", [](RunOptions& o) { o.alpha = infinity; }, "--alpha is inf"},
    {"beta", [](RunOptions& o) { o.beta = -1; }, "--beta is -1"},
    {"beta_nan", [](RunOptions& o) { o.beta = std::nan(""); }, "--beta is nan"},
    {"lambda", [](RunOptions& o) { o.lambda = 0; }, "--lambda is 0"},
    {"sigma", [](RunOptions& o) { o.sigma = -1e-3; }, "--sigma is -0.001"},
    {"sigma_tiny", [](RunOptions& o) { o.sigma = 1e-200; }, "sigma = 1e-200"},
    {"both", [](RunOptions& o) { o.lambda = o.sigma = 1; }, "--lambda 1 and --sigma 1"},
    {"stride", [](RunOptions& o) { o.stride = 2; }, "--dynamics langevin"},
    {"time_steps", [](RunOptions& o) { o.steps = 10; }, "--time 1 and --steps 10"},
    {"time", [](RunOptions& o) { o.time = 1e300; }, "--time 1e+300"},
    {"time_below_a_step", [](RunOptions& o) { o.lambda = 1, o.time = 0.001; },
     "less than the time of one step, 0.01"},
    {"steps", [](RunOptions& o) { o.time.reset(), o.steps = std::uint64_t{1} << 56; }, "2^56"},
    {"no_steps", [](RunOptions& o) { o.time.reset(), o.steps = 0; }, "--steps is 0"},
    {"records", [](RunOptions& o) { o.records = 0; }, "--records is 0"},
    {"records_many", [](RunOptions& o) { o.records = 100000; }, "only 1000 step(s)"},
    {"record_every", [](RunOptions& o) { o.record_every = 1e-9; }, "--record-every 1e-09"},
    {"record_twice", [](RunOptions& o) { o.records = 1, o.record_every = 1; }, "give one of them"},
    {"reset_every", [](RunOptions& o) { o.reset_every = 5; }, "not shorter than the run"},
    {"replicas", [](RunOptions& o) { o.replicas = 0; }, "--replicas is 0"},
    {"last_replica", [](RunOptions& o) { o.first_replica = 4294967293; }, "2^32 - 1"},
    {"last_replica_wraps", [](RunOptions& o) { o.first_replica = ~std::uint64_t{0}; }, "2^32 - 1"},
    {"memory",
     [](RunOptions& o) {
       o.replicas = 4000000000, o.widths = {1, 3000, 1};
     },
     "of memory"},
    {"memory_widths",
     [](RunOptions& o) {
       o.widths = {1, 2000000000, 2000000000, 1};
     },
     "of memory"},
    {"memory_points", [](RunOptions& o) { o.points = ~std::size_t{0}; }, "of memory"},
    {"quadrature", [](RunOptions& o) { o.points = 100, o.quadrature = 101; }, "--quadrature 101"},
    {"init_std", [](RunOptions& o) { o.init_std = 0; }, "--init-std is 0"},
    {"data_widths",
     [](RunOptions& o) {
       o.widths = {2, 3, 1};
     },
     "--data sin-unit"},
    {"data_word", [](RunOptions& o) { o.data = "sin-unti"; }, "did you mean 'sin-unit'?"},
    {"init_word", [](RunOptions& o) { o.init = InitKind::file, o.init_file = "gausian"; }, "'gaussian'?"},
    {"header_of_no_file", [](RunOptions& o) { o.header = HeaderLine::yes; }, "--header"},
    {"one_class", [](RunOptions& o) { o.loss = Loss::cross_entropy; }, "--widths ends with 1"},
    {"threads", [](RunOptions& o) { o.backend.threads = -1; }, "--threads is -1"},
};

INSTANTIATE_TEST_SUITE_P(Table, RunPlanRefuses, testing::ValuesIn(bad_options),
                         [](const testing::TestParamInfo<BadOptions>& row) { return row.param.name; });

}  // namespace
}  // namespace langevo
