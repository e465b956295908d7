#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "langevo/run_file.hpp"
#include "src/netcdf.hpp"
#include "src/recorded_state.hpp"
#include "src/run_file_format.hpp"
#include "src/run_file_layout.hpp"

namespace langevo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t parameters = 6;  // [1,2,1] without output bias
constexpr std::size_t replicas = 3;
constexpr std::size_t traced = 2;

Problem make_problem() {
  return {Network({1, 2, 1}, Activation::tanh, false), make_sin_unit(4), Loss::mse};
}

RunDescription make_description() {
  return {.title = "a test",
          .configuration = "seed=7\nalpha=0.5\n",
          .backend = "cpu",
          .device = "a device",
          .seed = 18446744073709551615U,
          .replicas = replicas,
          .traced_replicas = traced,
          .initial_parameter = {0, 1, 2, 3, 4, 5}};
}

/// Values that tell variable, record and position apart.
std::vector<double> ramp(double base, std::size_t size) {
  std::vector<double> values;
  for (std::size_t i = 0; i < size; ++i) values.push_back(base + static_cast<double>(i) / 1024);
  return values;
}

EnsembleRecord make_record(std::size_t k) {
  const auto t = static_cast<double>(k);
  EnsembleRecord record;
  record.step = 10 * k;
  record.time = 0.5 * t;
  record.parameter_mean = ramp(1000 + t, parameters);
  record.parameter_variance = ramp(2000 + t, parameters);
  record.loss = {.mean = 1 + t,
                 .variance = 3 + t,
                 .min = 4 + t,
                 .max = 5 + t,
                 .quantiles = {t, t + 1, t + 2, t + 3, t + 4}};
  record.loss_of_mean = 6 + t;
  record.accepted_fraction = k == 0 ? 0 : 0.5;
  record.replica_loss = ramp(3000 + t, replicas);
  record.trace_parameter = ramp(4000 + t, traced * parameters);
  return record;
}

ReferenceTrajectory make_reference(std::size_t records) {
  ReferenceTrajectory reference;
  for (std::size_t k = 0; k < records; ++k) {
    const auto t = static_cast<double>(k);
    reference.step.push_back(k);
    reference.time.push_back(0.5 * t);
    reference.parameter.push_back(ramp(5000 + t, parameters));
    reference.loss.push_back(7 + t);
    reference.gradient_norm.push_back(8 + t);
  }
  return reference;
}

class RunFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "langevo_run_file_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = (directory_ / "run.nc").string();
    partial_ = path_ + ".partial";
  }
  void TearDown() override { fs::remove_all(directory_); }

  /// A finished run of `records` records under path_.
  void write_run(std::size_t records, bool with_reference = true) {
    const ReferenceTrajectory reference = make_reference(records);
    RunFile file(OutputClaim(path_, ExistingOutput::overwrite), make_description(), make_problem(),
                 with_reference ? &reference : nullptr);
    for (std::size_t k = 0; k < records; ++k) file.append(make_record(k));
    const Correspondence correspondence{
        .delta = ramp(9, records), .replicas_averaged = {1, 2, 3}, .delta_by_replicas = {0.5, 0.25, 0.125}};
    RunSummary summary{.wall_seconds = 2, .counters = {}};
    summary.counters = {.steps = 1000,
                        .accepted = 500,
                        .decided_by_float = 900,
                        .decided_by_double = 90,
                        .decided_by_value = 9,
                        .not_finite = 1,
                        .audits = 7,
                        .audit_failures = 2};
    file.finish(summary, with_reference ? &correspondence : nullptr);
  }

  fs::path directory_;
  std::string path_;
  std::string partial_;
};

std::vector<double> slice(const std::vector<double>& values, std::size_t row, std::size_t size) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

void expect_records(const netcdf::Group& ensemble, std::size_t records) {
  const std::vector<double> mean = ensemble.read("parameter_mean");
  const std::vector<double> variance = ensemble.read("parameter_variance");
  const std::vector<double> losses = ensemble.read("replica_loss");
  const std::vector<double> traces = ensemble.read("trace_parameter");
  const std::vector<double> quantiles = ensemble.read("loss_quantile");
  ASSERT_EQ(ensemble.shape("trace_parameter"), (std::vector<std::size_t>{records, traced, parameters}));
  ASSERT_EQ(ensemble.shape("loss_quantile"), (std::vector<std::size_t>{records, 5}));
  ASSERT_EQ(mean.size(), records * parameters);
  ASSERT_EQ(losses.size(), records * replicas);
  for (std::size_t k = 0; k < records; ++k) {
    const EnsembleRecord expected = make_record(k);
    EXPECT_EQ(ensemble.read_one("time", {k}), expected.time);
    EXPECT_EQ(ensemble.read_one("step", {k}), static_cast<double>(expected.step));
    EXPECT_EQ(ensemble.read_one("loss_mean", {k}), expected.loss.mean);
    EXPECT_EQ(ensemble.read_one("loss_variance", {k}), expected.loss.variance);
    EXPECT_EQ(ensemble.read_one("loss_min", {k}), expected.loss.min);
    EXPECT_EQ(ensemble.read_one("loss_max", {k}), expected.loss.max);
    EXPECT_EQ(ensemble.read_one("loss_of_mean", {k}), expected.loss_of_mean);
    EXPECT_EQ(ensemble.read_one("accepted_fraction", {k}), expected.accepted_fraction);
    EXPECT_EQ(slice(mean, k, parameters), expected.parameter_mean);
    EXPECT_EQ(slice(variance, k, parameters), expected.parameter_variance);
    EXPECT_EQ(slice(losses, k, replicas), expected.replica_loss);
    EXPECT_EQ(slice(traces, k, traced * parameters), expected.trace_parameter);
    const std::vector<double> levels(expected.loss.quantiles.begin(), expected.loss.quantiles.end());
    EXPECT_EQ(slice(quantiles, k, 5), levels);
  }
}

TEST_F(RunFileTest, HoldsWhatWasWritten) {
  write_run(3);
  EXPECT_FALSE(fs::exists(partial_));
  const netcdf::File file = netcdf::File::open_to_read(path_);
  const netcdf::Group root = file.root();
  EXPECT_EQ(root.text_attribute("title"), "a test");
  EXPECT_EQ(root.text_attribute("Conventions"), "CF-1.10");
  EXPECT_EQ(root.text_attribute("configuration"), "seed=7\nalpha=0.5\n");
  EXPECT_EQ(root.text_attribute("backend"), "cpu");
  EXPECT_EQ(root.text_attribute("device"), "a device");
  EXPECT_FALSE(root.text_attribute("langevo_version").value_or("").empty());
  EXPECT_EQ(root.count_attribute("format_version"), 2U);
  EXPECT_EQ(root.count_attribute("seed"), 18446744073709551615U);
  EXPECT_EQ(root.number_attribute("wall_seconds"), 2);
  EXPECT_EQ(root.count_attribute("proposals"), 1000U);
  EXPECT_EQ(root.count_attribute("decided_exactly"), 1000U);
  EXPECT_EQ(root.count_attribute("decided_by_float"), 900U);
  EXPECT_EQ(root.count_attribute("decided_by_double"), 90U);
  EXPECT_EQ(root.count_attribute("decided_by_value"), 9U);
  EXPECT_EQ(root.count_attribute("not_finite"), 1U);
  EXPECT_EQ(root.count_attribute("audits"), 7U);
  EXPECT_EQ(root.count_attribute("audit_failures"), 2U);
  const std::string created = root.text_attribute("created").value_or("");
  ASSERT_EQ(created.size(), 20U) << created;
  EXPECT_EQ(created.substr(10, 1) + created.substr(19), "TZ");

  EXPECT_EQ(root.read("initial_parameter"), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(root.read("input"), (std::vector<double>{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(root.shape("target"), (std::vector<std::size_t>{4, 1}));
  EXPECT_EQ(root.shape("parameter_name"), (std::vector<std::size_t>{parameters}));

  const netcdf::Group ensemble = root.find_group("ensemble").value();
  EXPECT_EQ(ensemble.read("quantile"), (std::vector<double>{0.05, 0.25, 0.5, 0.75, 0.95}));
  expect_records(ensemble, 3);

  const netcdf::Group reference = root.find_group("reference").value();
  EXPECT_EQ(reference.read("time"), (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(reference.read("step"), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(reference.read("loss"), (std::vector<double>{7, 8, 9}));
  EXPECT_EQ(reference.read("gradient_norm"), (std::vector<double>{8, 9, 10}));
  EXPECT_EQ(slice(reference.read("state"), 2, parameters), ramp(5002, parameters));

  const netcdf::Group correspondence = root.find_group("correspondence").value();
  EXPECT_EQ(correspondence.read("time"), (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(correspondence.read("delta"), ramp(9, 3));
  EXPECT_EQ(correspondence.read("replicas_averaged"), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(correspondence.read("delta_by_replicas"), (std::vector<double>{0.5, 0.25, 0.125}));
}

TEST_F(RunFileTest, HoldsTheQuadratureWhereThereIsOne) {
  RunDescription description = make_description();
  description.quadrature.nodes = {1, 3};
  description.quadrature.weights = {0.625, 0.375};
  description.quadrature.least_squares_error = 1e-7;
  description.quadrature.gradient_error = 2e-8;
  description.quadrature.change_error = 3e-9;
  {
    RunFile file(OutputClaim(path_), description, make_problem(), nullptr);
    file.append(make_record(0));
    StepCounters counters;
    counters.decided_on_nodes = 12;
    counters.spans = 4;
    counters.repeated_spans = 1;
    file.finish({.wall_seconds = 1, .counters = counters}, nullptr);
  }
  const netcdf::File file = netcdf::File::open_to_read(path_);
  const netcdf::Group group = file.root().find_group("quadrature").value();
  EXPECT_EQ(group.read("point"), (std::vector<double>{1, 3}));
  EXPECT_EQ(group.read("weight"), (std::vector<double>{0.625, 0.375}));
  EXPECT_EQ(group.number_attribute("least_squares_error"), 1e-7);
  EXPECT_EQ(group.number_attribute("gradient_error"), 2e-8);
  EXPECT_EQ(group.number_attribute("change_error"), 3e-9);
  EXPECT_EQ(file.root().count_attribute("decided_on_nodes"), 12U);
  EXPECT_EQ(file.root().count_attribute("spans"), 4U);
  EXPECT_EQ(file.root().count_attribute("repeated_spans"), 1U);
  const std::string said = describe_run_file(path_);
  EXPECT_NE(said.find("2 nodes, which leave out 2e-08 of the gradient"), std::string::npos) << said;
  EXPECT_NE(said.find("4 gradients on all points, spans done again 1"), std::string::npos) << said;
}

TEST_F(RunFileTest, HoldsTheWeightsOfPointsSoThatItIsDataAgain) {
  Dataset data = make_sin_unit(4);
  data.weights = {1, 0, 3, 4};
  const Problem problem(Network({1, 2, 1}, Activation::tanh, false), data, Loss::mse);
  EXPECT_EQ(run_file_layout::data_numbers(problem.data()), 12U);
  RunFile(OutputClaim(path_, ExistingOutput::overwrite), make_description(), problem, nullptr)
      .append(make_record(0));
  const Dataset found = read_dataset(partial_, 1, 1);
  EXPECT_EQ(found.inputs, data.inputs);
  EXPECT_EQ(found.targets, data.targets);
  EXPECT_EQ(found.weights, (std::vector<double>{0.125, 0, 0.375, 0.5}));
  write_run(1);
  EXPECT_TRUE(read_dataset(path_, 1, 1).weights.empty());
}

TEST_F(RunFileTest, KeepsManyRecordsInOrderOverSeveralFlushes) {
  write_run(3 * run_file_layout::records_per_batch + 5);
  const netcdf::File file = netcdf::File::open_to_read(path_);
  expect_records(file.root().find_group("ensemble").value(), 3 * run_file_layout::records_per_batch + 5);
}

TEST_F(RunFileTest, FlushesLargeRecordsBeforeTheyAreMany) {
  RunDescription description = make_description();
  description.replicas = 600'000;  // 4.6 MiB of losses a record
  RunFile file(OutputClaim(path_), description, make_problem(), nullptr);
  for (std::size_t k = 0; k < 4; ++k) {
    EnsembleRecord record = make_record(k);
    record.replica_loss = ramp(static_cast<double>(k), description.replicas);
    file.append(std::move(record));
  }
  const netcdf::File partial = netcdf::File::open_to_read(partial_);
  EXPECT_EQ(partial.root().find_group("ensemble").value().shape("replica_loss"),
            (std::vector<std::size_t>{4, 600'000}));
  EXPECT_EQ(partial.root().find_group("ensemble").value().read_one("replica_loss", {3, 599'999}),
            3 + 599'999.0 / 1024);
}

TEST_F(RunFileTest, LeavesOutWhatIsNotStored) {
  RunDescription description = make_description();
  description.store_parameter_mean = false;
  description.store_parameter_variance = false;
  description.store_replica_loss = false;
  description.traced_replicas = 0;
  {
    RunFile file(OutputClaim(path_), description, make_problem(), nullptr);
    for (std::size_t k = 0; k < 2; ++k) file.append(make_record(k));
    file.finish({}, nullptr);
  }
  const netcdf::File file = netcdf::File::open_to_read(path_);
  EXPECT_FALSE(file.root().find_group("reference"));
  EXPECT_FALSE(file.root().find_group("correspondence"));
  EXPECT_FALSE(file.root().find_group("quadrature"));
  const netcdf::Group ensemble = file.root().find_group("ensemble").value();
  for (const char* name : {"parameter_mean", "parameter_variance", "replica_loss", "trace_parameter"}) {
    EXPECT_FALSE(ensemble.has_variable(name)) << name;
  }
  EXPECT_EQ(ensemble.read("loss_mean"), (std::vector<double>{1, 2}));
  EXPECT_EQ(ensemble.find_dimension("replica"), replicas);
  EXPECT_NE(describe_run_file(path_).find("3, 0 traced"), std::string::npos);
}

TEST_F(RunFileTest, HasItsFinalNameOnlyWhenFinished) {
  RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
  EXPECT_EQ(file.partial_path(), partial_);
  for (std::size_t k = 0; k < 100; ++k) {
    file.append(make_record(k));
    ASSERT_FALSE(fs::exists(path_));
    ASSERT_TRUE(fs::exists(partial_));
  }
  file.flush();
  EXPECT_FALSE(fs::exists(path_));
  file.finish({}, nullptr);
  EXPECT_TRUE(fs::exists(path_));
  EXPECT_FALSE(fs::exists(partial_));
  EXPECT_THROW(file.finish({}, nullptr), std::logic_error);
  EXPECT_THROW(file.append(make_record(0)), std::logic_error);
}

TEST_F(RunFileTest, WithoutRecordsLeavesNothing) {
  { const RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr); }
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(RunFileTest, WithoutFinishLeavesAReadablePartialFile) {
  {
    RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
    for (std::size_t k = 0; k < 5; ++k) file.append(make_record(k));
  }
  EXPECT_FALSE(fs::exists(path_));
  const netcdf::File file = netcdf::File::open_to_read(partial_);
  expect_records(file.root().find_group("ensemble").value(), 5);
  EXPECT_FALSE(file.root().count_attribute("proposals"));
  EXPECT_NE(describe_run_file(partial_).find("not finished"), std::string::npos);
}

TEST_F(RunFileTest, IsReadableBetweenFlushes) {
  RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
  for (std::size_t k = 0; k < 3; ++k) {
    file.append(make_record(k));
    file.flush();
    file.flush();  // nothing left: changes nothing
    const netcdf::File partial = netcdf::File::open_to_read(partial_);
    expect_records(partial.root().find_group("ensemble").value(), k + 1);
  }
}

TEST_F(RunFileTest, ReplacesAnOldFileOnlyAtTheEnd) {
  std::ofstream(path_) << "old";
  std::ofstream(partial_) << "left by a run that was killed";
  {
    RunFile file(OutputClaim(path_, ExistingOutput::overwrite), make_description(), make_problem(), nullptr);
    file.append(make_record(0));
    file.flush();
    EXPECT_EQ(fs::file_size(path_), 3U);
    file.finish({}, nullptr);
  }
  const netcdf::File file = netcdf::File::open_to_read(path_);
  expect_records(file.root().find_group("ensemble").value(), 1);
}

TEST_F(RunFileTest, RefusesPathsThatCannotBeWritten) {
  const auto expect_refused = [](const std::string& path, const std::string& part) {
    try {
      const RunFile file(OutputClaim(path), make_description(), make_problem(), nullptr);
      ADD_FAILURE() << "accepted: " << path;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect_refused("", "no name");
  expect_refused(directory_.string(), "is a directory");
  expect_refused("/dev/null", "not a regular file");
  expect_refused((directory_ / "none" / "run.nc").string(), "No such file or directory");
  std::ofstream(directory_ / "file") << "x";
  expect_refused((directory_ / "file" / "run.nc").string(), "Not a directory");
  expect_refused("/proc/langevo.nc", "cannot be written");  // not even root can
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
}

TEST_F(RunFileTest, RefusesArraysOfTheWrongSize) {
  RunDescription description = make_description();
  description.initial_parameter.pop_back();
  EXPECT_THROW(RunFile(OutputClaim(path_), description, make_problem(), nullptr), std::invalid_argument);
  ReferenceTrajectory reference = make_reference(2);
  reference.loss.pop_back();
  EXPECT_THROW(RunFile(OutputClaim(path_), make_description(), make_problem(), &reference),
               std::invalid_argument);
  EXPECT_TRUE(fs::is_empty(directory_));

  RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
  EnsembleRecord record = make_record(0);
  record.replica_loss.pop_back();
  EXPECT_THROW(file.append(record), std::invalid_argument);
  record = make_record(0);
  record.trace_parameter.pop_back();
  EXPECT_THROW(file.append(record), std::invalid_argument);
  file.append(make_record(0));
  const Correspondence correspondence{.delta = {1, 2}, .replicas_averaged = {1}, .delta_by_replicas = {1}};
  EXPECT_THROW(file.finish({}, &correspondence), std::invalid_argument);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(RunFileTest, FailsAsARunWhereTheFileIsTakenAway) {
  RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
  fs::remove(partial_);
  file.append(make_record(0));
  EXPECT_THROW(file.flush(), RunError);
}

TEST_F(RunFileTest, TakesALongConfiguration) {
  RunDescription description = make_description();
  description.configuration = std::string(200'000, 'c');
  {
    RunFile file(OutputClaim(path_), description, make_problem(), nullptr);
    file.append(make_record(0));
    file.finish({}, nullptr);
  }
  EXPECT_EQ(netcdf::File::open_to_read(path_).root().text_attribute("configuration"),
            description.configuration);
}

TEST_F(RunFileTest, DescribesARun) {
  write_run(3);
  const std::string text = describe_run_file(path_);
  for (const char* part :
       {"a test", "cpu: a device", "18446744073709551615", "3, 2 traced", "3, t = 0 ... 1, steps 0 ... 20",
        "3 +- 1.3 (mean of replicas", "8 (mean network)", "9 (gradient)", "9.00195", "acceptance     0.5\n",
        "1000 in 2 s, 500 per second", "change in float 900 (90 %)", "change in double 90 (9 %)",
        "value in double 9 (0.9 %)", "not finite 1 (0.1 %)", "  seed=7\n  alpha=0.5\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in\n" << text;
  }
}

TEST_F(RunFileTest, AcceptanceIsThatOfAllSteps) {
  {
    RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
    for (const auto& [step, fraction] :
         {std::pair<std::uint64_t, double>{0, std::nan("")}, {10, 0.5}, {40, 0.2}}) {
      EnsembleRecord record = make_record(0);
      record.step = step;
      record.accepted_fraction = fraction;
      file.append(record);
    }
    file.finish({}, nullptr);
  }
  EXPECT_NE(describe_run_file(path_).find("acceptance     0.275\n"), std::string::npos)
      << describe_run_file(path_);
}

TEST_F(RunFileTest, OneReplicaHasNoStandardError) {
  {
    RunFile file(OutputClaim(path_), make_description(), make_problem(), nullptr);
    EnsembleRecord record = make_record(0);
    record.loss.variance = std::nan("");
    file.append(record);
    file.finish({}, nullptr);
  }
  EXPECT_NE(describe_run_file(path_).find("1 +- - (mean of replicas"), std::string::npos)
      << describe_run_file(path_);
}

// Little above what it takes, never below: a run is refused by it.
TEST_F(RunFileTest, SizeIsKnownBefore) {
  for (const std::size_t records : {1, 3, 70, 300, 3000}) {
    for (const bool with_reference : {false, true}) {
      write_run(records, with_reference);
      const double size = static_cast<double>(fs::file_size(path_));
      const double most = run_file_layout::most_bytes(make_description(),
                                                      run_file_layout::data_numbers(make_problem().data()),
                                                      records, with_reference ? records : 0);
      EXPECT_LE(size, most) << records << " records";
      EXPECT_LE(most, 1.05 * size + 30e3) << records << " records";
      fs::remove(path_);
    }
  }
  RunDescription description = make_description();
  description.replicas = 300'000;
  description.configuration = std::string(100'000, 'c');
  {
    RunFile file(OutputClaim(path_), description, make_problem(), nullptr);
    for (std::size_t k = 0; k < 9; ++k) {
      EnsembleRecord record = make_record(k);
      record.replica_loss.assign(description.replicas, 1.0);
      file.append(std::move(record));
    }
    file.finish({}, nullptr);
  }
  const double size = static_cast<double>(fs::file_size(path_));
  EXPECT_LE(size, run_file_layout::most_bytes(description,
                                              run_file_layout::data_numbers(make_problem().data()), 9, 0));
  EXPECT_GE(1.05 * size + 30e3, run_file_layout::most_bytes(
                                    description, run_file_layout::data_numbers(make_problem().data()), 9, 0));
}

TEST_F(RunFileTest, DescribesOnlyRunFiles) {
  const auto expect_refused = [](const std::string& path, const std::string& part) {
    try {
      ADD_FAILURE() << describe_run_file(path);
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect_refused((directory_ / "none.nc").string(), "No such file or directory");
  expect_refused(directory_.string(), "is a directory");
  std::ofstream(path_) << "1,2\n";
  expect_refused(path_, "is not netCDF");
  netcdf::File::create(path_).close();
  expect_refused(path_, "not written by langevo");
  write_run(70);
  fs::resize_file(path_, fs::file_size(path_) / 2);
  expect_refused(path_, "is it complete?");
}

/// Every reader that opens a run file, and what it says of the one at hand: nothing where it reads it.
std::vector<std::string> complaints(const std::string& path) {
  const std::vector<std::function<void()>> readers{
      [&] { (void)describe_run_file(path); },
      [&] { (void)read_parameter_vector(path, "initial_parameter", parameters, "--init"); },
      [&] { (void)read_recorded_mean(path, 0.5, parameters); },
      [&] { (void)read_recorded_state(path, 0.5, parameters, 0); }, [&] { (void)read_dataset(path, 1, 1); }};
  std::vector<std::string> said;
  for (const auto& read : readers) {
    try {
      read();
      said.emplace_back();
    } catch (const InputError& error) {
      said.emplace_back(error.what());
    }
  }
  return said;
}

/// Changes an open file as the C library does, where langevo itself never has to.
void change(const std::string& path, const std::function<int(int)>& change) {
  int id = -1;
  ASSERT_EQ(nc_open(path.c_str(), NC_WRITE, &id), NC_NOERR);
  EXPECT_EQ(change(id), NC_NOERR);
  EXPECT_EQ(nc_close(id), NC_NOERR);
}

TEST_F(RunFileTest, FilesOfVersion1AreRead) {
  write_run(3);
  change(path_, [](int id) { return nc_del_att(id, NC_GLOBAL, "format_version"); });
  change(path_, [](int id) {
    int group = -1;
    int variable = -1;
    nc_inq_grp_ncid(id, "reference", &group);
    nc_inq_varid(group, "state", &variable);
    return nc_rename_var(group, variable, "parameter");
  });
  EXPECT_EQ(complaints(path_), std::vector<std::string>(5));
  EXPECT_NE(describe_run_file(path_).find("9 (gradient)"), std::string::npos);
}

TEST_F(RunFileTest, FilesOfALaterVersionAreRefusedInOneSentence) {
  write_run(3);
  const auto say_version = [&](unsigned long long version) {
    change(path_, [&](int id) {
      return nc_put_att_ulonglong(id, NC_GLOBAL, "format_version", NC_UINT64, 1, &version);
    });
  };
  say_version(run_file_format_version);
  EXPECT_EQ(complaints(path_), std::vector<std::string>(5));
  say_version(run_file_format_version + 1);
  for (const std::string& said : complaints(path_)) {
    EXPECT_NE(said.find("'" + path_ +
                        "' is a run file of version 3, but this langevo knows versions up to 2; read"),
              std::string::npos)
        << said;
  }
  // Of a file that is not langevo's the attribute says nothing.
  change(path_, [](int id) { return nc_del_att(id, NC_GLOBAL, "langevo_version"); });
  EXPECT_EQ(complaints(path_)[1], "");
}

TEST(ChunkExtents, AreAboutOneMebibyteAndNeverOneNumber) {
  using Extents = std::vector<std::size_t>;
  constexpr std::size_t mebibyte = 131'072;  // in doubles
  EXPECT_EQ(run_file_layout::chunk_extents({}), (Extents{1024}));
  EXPECT_EQ(run_file_layout::chunk_extents({5}), (Extents{204, 5}));
  EXPECT_EQ(run_file_layout::chunk_extents({90}), (Extents{64, 90}));
  EXPECT_EQ(run_file_layout::chunk_extents({7489}), (Extents{17, 7489}));
  EXPECT_EQ(run_file_layout::chunk_extents({25, 7489}),
            (Extents{1, 13, 7489}));  // two equal parts, rounded up
  EXPECT_EQ(run_file_layout::chunk_extents({mebibyte}), (Extents{1, mebibyte}));
  EXPECT_EQ(run_file_layout::chunk_extents({mebibyte + 1}), (Extents{1, mebibyte / 2 + 1}));
  EXPECT_EQ(run_file_layout::chunk_extents({3, 1'000'000}), (Extents{1, 1, 125'000}));
}

}  // namespace
}  // namespace langevo
