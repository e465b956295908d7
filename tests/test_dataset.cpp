#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "langevo/dataset.hpp"
#include "langevo/error.hpp"
#include "langevo/problem.hpp"
#include "src/netcdf.hpp"

namespace langevo {
namespace {

namespace fs = std::filesystem;

/// A fresh directory for every test, removed afterwards.
class DatasetFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "langevo_dataset_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string write(const std::string& content, const std::string& name = "data.csv") {
    std::ofstream(directory_ / name, std::ios::binary) << content;
    return (directory_ / name).string();
  }

  /// input [points][input_dim] and target [target_points][1], numbers 0, 1, 2, ...
  std::string write_netcdf(std::size_t points, std::size_t input_dim, std::size_t target_points) {
    std::string path = (directory_ / "data.nc").string();
    netcdf::File file = netcdf::File::create(path);
    const netcdf::Group root = file.root();
    root.define_dimension("point", points);
    root.define_dimension("target_point", target_points);
    root.define_dimension("input_dim", input_dim);
    root.define_dimension("output_dim", 1);
    root.define_variable({.name = "input", .dimensions = {"point", "input_dim"}, .long_name = "input"});
    root.define_variable(
        {.name = "target", .dimensions = {"target_point", "output_dim"}, .long_name = "target"});
    root.write("input", iota(points * input_dim));
    root.write("target", iota(target_points));
    file.close();
    return path;
  }

  /// Overwrites input[index] of a file made by write_netcdf.
  static void poke_input(const std::string& path, std::size_t point, double value) {
    netcdf::File file = netcdf::File::open_to_write(path);
    file.root().write("input", std::vector<double>{value}, {{point, 0}, {1, 1}});
    file.close();
  }

  /// Adds weight(dimension...), shorts that stand for halves and are missing below -2, to a file made by
  /// write_netcdf.
  static void add_weights(const std::string& path, const std::vector<const char*>& dimensions,
                          const std::vector<short>& stored) {
    int id = 0;
    int variable = 0;
    int dims[2] = {0, 0};
    ASSERT_EQ(nc_open(path.c_str(), NC_WRITE, &id), NC_NOERR);
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      ASSERT_EQ(nc_inq_dimid(id, dimensions[d], &dims[d]), NC_NOERR);
    ASSERT_EQ(nc_def_var(id, "weight", NC_SHORT, static_cast<int>(dimensions.size()), dims, &variable),
              NC_NOERR);
    const double scale = 0.5;
    const short least = -2;
    ASSERT_EQ(nc_put_att_double(id, variable, "scale_factor", NC_DOUBLE, 1, &scale), NC_NOERR);
    ASSERT_EQ(nc_put_att_short(id, variable, "valid_min", NC_SHORT, 1, &least), NC_NOERR);
    ASSERT_EQ(nc_put_var_short(id, variable, stored.data()), NC_NOERR);
    ASSERT_EQ(nc_close(id), NC_NOERR);
  }

  static std::vector<double> iota(std::size_t count) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
    return values;
  }

  fs::path directory_;
};

/// Expects an InputError whose message has all of these parts.
void expect_refused(const std::string& path, int input_dim, int target_dim,
                    const std::vector<std::string>& parts) {
  try {
    read_dataset(path, input_dim, target_dim);
    ADD_FAILURE() << "accepted: " << path;
  } catch (const InputError& error) {
    const std::string message = error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(SinUnit, HasTheQuarterPoints) {
  const Dataset data = make_sin_unit(4);
  EXPECT_EQ(data.points, 4U);
  EXPECT_EQ(data.input_dim, 1);
  EXPECT_EQ(data.target_dim, 1);
  EXPECT_EQ(data.inputs, (std::vector<double>{0, 0.25, 0.5, 0.75}));
  const std::vector<double> expected{0, 1, 0, -1};
  ASSERT_EQ(data.targets.size(), 4U);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(data.targets[j], expected[j], 1e-15);
}

TEST(SinUnit, RefusesNoPoints) {
  EXPECT_THROW(make_sin_unit(0), InputError);
}

TEST(SinSymmetric, HasBothEndsAndTheMiddle) {
  const Dataset data = make_sin_symmetric(5);
  EXPECT_EQ(data.points, 5U);
  EXPECT_EQ(data.inputs, (std::vector<double>{-1, -0.5, 0, 0.5, 1}));
  const std::vector<double> expected{0, -1, 0, 1, 0};
  for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(data.targets[j], expected[j], 1e-15);
}

TEST(SinSymmetric, IsOddToTheLastBit) {
  const Dataset data = make_sin_symmetric(1001);
  for (std::size_t j = 0; j < 1001; ++j) {
    EXPECT_EQ(data.inputs[j], -data.inputs[1000 - j]);
    EXPECT_EQ(data.targets[j], -data.targets[1000 - j]);
  }
}

TEST(SinSymmetric, RefusesFewerThanTwoPoints) {
  EXPECT_THROW(make_sin_symmetric(0), InputError);
  EXPECT_THROW(make_sin_symmetric(1), InputError);
}

TEST_F(DatasetFile, ReadsCsvWithoutHeader) {
  const Dataset data = read_dataset(write("1,2,3\n4,5,6\n"), 2, 1);
  EXPECT_EQ(data.points, 2U);
  EXPECT_EQ(data.input_dim, 2);
  EXPECT_EQ(data.target_dim, 1);
  EXPECT_EQ(data.inputs, (std::vector<double>{1, 2, 4, 5}));
  EXPECT_EQ(data.targets, (std::vector<double>{3, 6}));
}

TEST_F(DatasetFile, ReadsCsvWithHeaderCrlfSpacesSignsAndBlankEnd) {
  const Dataset data =
      read_dataset(write("\xef\xbb\xbfx, y\r\n +1e-3 ,\t-2\r\n.5,1e-400\r\n\r\n  \r\n"), 1, 1);
  EXPECT_EQ(data.inputs, (std::vector<double>{1e-3, 0.5}));
  EXPECT_EQ(data.targets, (std::vector<double>{-2, 0}));
}

TEST_F(DatasetFile, ReadsCsvWithoutLastLineEnd) {
  EXPECT_EQ(read_dataset(write("1,2\n3,4"), 1, 1).targets, (std::vector<double>{2, 4}));
}

TEST_F(DatasetFile, ReadsNumbersToTheLastBit) {
  const Dataset data = read_dataset(write("0.1,3.141592653589793\n4.9406564584124654e-324,-0\n"), 1, 1);
  EXPECT_EQ(data.inputs, (std::vector<double>{0.1, 4.9406564584124654e-324}));
  EXPECT_EQ(data.targets[0], 3.141592653589793);
  EXPECT_TRUE(std::signbit(data.targets[1]));
}

TEST_F(DatasetFile, ReadsCsvWithQuotesCommentsAndBlankLines) {
  struct Case {
    std::string content;
    bool has_header;
  };
  const std::vector<Case> cases{
      {"\"1\",\"2\"\n\"3\" , \"4\"\n", false},
      {"\"x, in m\",\"the \"\"y\"\"\"\n1,2\n3,4\n", true},
      {"# made today, by hand\n\n1,2  # the first\n \t\n#1,9\n3,4#\n", false},
      {"  # x,y\nx,y # names\n1,2\n3,4\n", true},
      {"x-1,input\n1,2\n3,4\n", true},
      {"-,.\n1,2\n3,4\n", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.content);
    const DataFile file = read_data_file(write(c.content), 1, 1, {});
    EXPECT_EQ(file.has_header, c.has_header);
    EXPECT_EQ(file.data.points, 2u);
    EXPECT_EQ(file.data.inputs, (std::vector<double>{1, 3}));
    EXPECT_EQ(file.data.targets, (std::vector<double>{2, 4}));
  }
}

// Columns named by their numbers, as some programs write them, cannot be told from a row of data.
TEST_F(DatasetFile, TakesTheFirstLineAsTold) {
  const std::string path = write("0,1\n3,4\n");
  EXPECT_EQ(read_data_file(path, 1, 1, {}).data.inputs, (std::vector<double>{0, 3}));
  EXPECT_EQ(read_data_file(path, 1, 1, {.header = HeaderLine::no}).data.inputs, (std::vector<double>{0, 3}));
  const DataFile named = read_data_file(path, 1, 1, {.header = HeaderLine::yes});
  EXPECT_EQ(named.data.inputs, (std::vector<double>{3}));
  EXPECT_TRUE(named.has_header.value());
  EXPECT_THROW(read_data_file(write("x,y\n3,4\n"), 1, 1, {.header = HeaderLine::no}), InputError);
  EXPECT_THROW(read_data_file(write("1,2\n"), 1, 1, {.header = HeaderLine::yes}), InputError);
}

TEST_F(DatasetFile, TakesOneColumnOfClassLabels) {
  const DataFormat labels{.class_labels = true};
  const DataFile file = read_data_file(write("x,class\n.1,2\n.2,0\n.3,1.0\n"), 1, 3, labels);
  EXPECT_TRUE(file.has_class_labels);
  EXPECT_EQ(file.data.points, 3u);
  EXPECT_EQ(file.data.targets, (std::vector<double>{0, 0, 1, 1, 0, 0, 0, 1, 0}));
  EXPECT_FALSE(read_data_file(write("1,.5,.5\n"), 1, 2, labels).has_class_labels);
  const DataFile from_netcdf = read_data_file(write_netcdf(3, 2, 3), 2, 3, labels);
  EXPECT_TRUE(from_netcdf.has_class_labels);
  EXPECT_EQ(from_netcdf.data.targets, (std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  for (const char* bad : {".1,3\n", ".1,-1\n", ".1,0.5\n", ".1,1e300\n", ".1,a\n"}) {
    EXPECT_THROW(read_data_file(write(bad), 1, 3, labels), InputError) << bad;
  }
  EXPECT_THROW(read_data_file(write_netcdf(3, 2, 3), 2, 2, labels), InputError);
  EXPECT_THROW(read_data_file(write(".1,2\n"), 1, 3, {}), InputError);
}

TEST_F(DatasetFile, RefusesBadCsv) {
  struct Case {
    std::string content;
    std::vector<std::string> parts;
  };
  const std::vector<Case> cases{
      {"", {"data.csv", "empty"}},
      {"\n\n", {"data.csv", "no data"}},
      {"x,y\n", {"data.csv", "no data"}},
      {"1,2\n3\n", {"line 2", "1 column", "2 comma-separated"}},
      {"1,2\n3,4,5\n", {"line 2", "3 column"}},
      {"1 2\n", {"line 1", "1 column"}},
      {"x,y,z\n1,2\n", {"line 1", "3 column"}},
      {"1,2\n3,nan\n", {"line 2 column 2", "'nan'", "not a finite number"}},
      {"nan,2\n", {"line 1 column 1"}},
      {"1,inf\n", {"line 1 column 2", "'inf'"}},
      {"1,1e400\n", {"line 1 column 2", "'1e400'"}},
      {"1,-1e400\n", {"line 1 column 2", "'-1e400'"}},
      {"1,2\n3,four\n", {"line 2 column 2", "'four'"}},
      {"1,2\n3,4x\n", {"line 2 column 2", "'4x'"}},
      {"1,2\n3,+-4\n", {"line 2 column 2", "'+-4'"}},
      {"1,2\n,4\n", {"line 2 column 1", "''"}},
      {"1,two\n3,4\n", {"line 1 column 2", "'two'"}},
      {"1f,2f\n3,4\n", {"line 1 column 1", "'1f'"}},
      {"-.5a,b\n3,4\n", {"line 1 column 1", "'-.5a'"}},
      {"x,\n3,4\n", {"line 1 column 1", "'x'"}},
      {"\xe2\x88\x92"
       "1,y\n3,4\n",
       {"line 1 column 1", "minus sign as -", "U+2212"}},
      {"1;5,2;5\n", {"line 1 column 1", "'1;5'", "with a point"}},
      {"1,5;2,5\n", {"line 1", "3 column", "not semicolons"}},
      {"\"1,5\",\"2,5\"\n", {"line 1 column 1", "'1,5'", "decimals with a point"}},
      {"1,2\n\n# a remark\n3\n", {"line 4", "1 column"}},
      {"\"1,2\n", {"line 1", "quote that is not closed"}},
      {"\"1\"2,3\n", {"line 1", "'2,3' after a quoted field"}},
      {"x,y\nx,y\n", {"line 2 column 1", "'x'"}},
      {"1,\x01" + std::string(100, 'a') + "\n", {"column 2", "'?aaa", "...'"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.content);
    expect_refused(write(c.content), 1, 1, c.parts);
  }
}

TEST_F(DatasetFile, SaysWhatTheNetworkTakes) {
  expect_refused(write("1,2,3\n"), 3, 2, {"3 column", "3 input", "2 target", "5 comma-separated"});
}

TEST_F(DatasetFile, RefusesMissingFileDirectoryAndDevice) {
  expect_refused((directory_ / "none.csv").string(), 1, 1, {"none.csv", "No such file or directory"});
  expect_refused(directory_.string(), 1, 1, {directory_.string(), "is a directory"});
  expect_refused("/dev/null", 1, 1, {"not a regular file"});
  expect_refused("", 1, 1, {"cannot be read"});
}

TEST_F(DatasetFile, ReadsNetcdf) {
  const Dataset data = read_dataset(write_netcdf(3, 2, 3), 2, 1);
  EXPECT_EQ(data.points, 3U);
  EXPECT_EQ(data.inputs, iota(6));
  EXPECT_EQ(data.targets, iota(3));
}

TEST_F(DatasetFile, RefusesNetcdfOfAnotherShape) {
  const std::string path = write_netcdf(3, 2, 3);
  expect_refused(path, 1, 1, {"'input' has 2 column", "the network has 1"});
  expect_refused(path, 2, 2, {"'target' has 1 column", "the network has 2"});
  expect_refused(write_netcdf(3, 1, 4), 1, 1, {"3 inputs", "4 targets"});
}

TEST_F(DatasetFile, RefusesNetcdfWithoutTheVariables) {
  const std::string path = (directory_ / "other.nc").string();
  netcdf::File file = netcdf::File::create(path);
  file.root().define_dimension("point", 2);
  file.root().define_variable({.name = "input", .dimensions = {"point"}, .long_name = "input"});
  file.close();
  expect_refused(path, 1, 1, {"'input' has 1 dimension"});
  netcdf::File::create(path).close();
  expect_refused(path, 1, 1, {"no variable 'input'", "input(point,input_dim)"});
}

TEST_F(DatasetFile, TakesWeightsFromNetcdf) {
  const std::string path = write_netcdf(3, 1, 3);
  EXPECT_TRUE(read_dataset(path, 1, 1).weights.empty());
  add_weights(path, {"point"}, {2, 0, 6});
  const Dataset data = read_dataset(path, 1, 1);
  EXPECT_EQ(data.inputs, iota(3));
  EXPECT_EQ(data.weights, (std::vector<double>{1, 0, 3}));
  const Problem problem(Network({1, 1}, Activation::tanh, true), data, Loss::mse);
  EXPECT_EQ(problem.data().weights, (std::vector<double>{0.25, 0, 0.75}));
}

TEST_F(DatasetFile, LeavesTheSignOfWeightsToTheProblem) {
  const auto expect_no_problem = [&](const std::vector<short>& stored, const std::string& part) {
    const std::string path = write_netcdf(3, 1, 3);
    add_weights(path, {"point"}, stored);
    try {
      (void)Problem(Network({1, 1}, Activation::tanh, true), read_dataset(path, 1, 1), Loss::mse);
      ADD_FAILURE() << "accepted: " << part;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  expect_no_problem({2, -2, 1}, "the weight of point 1 is -1; give weights of at least 0");
  expect_no_problem({0, 0, 0}, "the weights of all 3 point(s) are 0");
}

TEST_F(DatasetFile, RefusesBadWeightsFromNetcdf) {
  std::string path = write_netcdf(3, 1, 3);
  add_weights(path, {"point", "output_dim"}, {1, 1, 1});
  expect_refused(path, 1, 1, {"'weight' has 2 dimension(s); give it one, (point)"});
  path = write_netcdf(3, 1, 3);
  add_weights(path, {}, {1});
  expect_refused(path, 1, 1, {"'weight' has 0 dimension(s)"});
  path = write_netcdf(3, 1, 3);
  add_weights(path, {"output_dim"}, {1});
  expect_refused(path, 1, 1, {"3 inputs", "1 weights", "give one weight for each point"});
  for (const short missing : {short{-3}, short{NC_FILL_SHORT}}) {
    path = write_netcdf(3, 1, 3);
    add_weights(path, {"point"}, {1, missing, 1});
    expect_refused(path, 1, 1, {"'weight' at point 1", "is missing, not valid or not finite"});
  }
}

TEST_F(DatasetFile, RefusesNetcdfThatIsNotFiniteOrMissing) {
  const std::string path = write_netcdf(3, 1, 3);
  for (const double bad : {std::nan(""), HUGE_VAL, NC_FILL_DOUBLE, static_cast<double>(NC_FILL_FLOAT)}) {
    poke_input(path, 1, bad);
    expect_refused(path, 1, 1, {"'input' at point 1, column 0"});
  }
  poke_input(path, 1, 7);
  EXPECT_EQ(read_dataset(path, 1, 1).inputs, (std::vector<double>{0, 7, 2}));
}

TEST_F(DatasetFile, RefusesTruncatedNetcdf) {
  const std::string path = write_netcdf(5000, 1, 5000);
  fs::resize_file(path, fs::file_size(path) / 2);
  expect_refused(path, 1, 1, {"data.nc", "complete"});
  fs::resize_file(path, 100);
  expect_refused(path, 1, 1, {"data.nc", "complete"});
}

/// Classic netCDF of one version: input in float, target in double, attributes, and optionally records.
void write_classic(const std::string& path, int version, bool with_records,
                   const std::vector<double>& numbers) {
  int id = 0;
  int dims[3];
  int variables[2];
  ASSERT_EQ(nc_create(path.c_str(), NC_CLOBBER | version, &id), NC_NOERR);
  nc_def_dim(id, "point", with_records ? NC_UNLIMITED : numbers.size(), &dims[0]);
  nc_def_dim(id, "input_dim", 1, &dims[1]);
  nc_def_dim(id, "output_dim", 1, &dims[2]);
  nc_put_att_text(id, NC_GLOBAL, "title", 5, "seven");
  nc_def_var(id, "input", NC_FLOAT, 2, dims, &variables[0]);
  nc_put_att_text(id, variables[0], "units", 1, "1");
  const int target_dims[2] = {dims[0], dims[2]};
  nc_def_var(id, "target", NC_DOUBLE, 2, target_dims, &variables[1]);
  nc_enddef(id);
  const std::size_t start[2] = {0, 0};
  const std::size_t count[2] = {numbers.size(), 1};
  ASSERT_EQ(nc_put_vara_double(id, variables[0], start, count, numbers.data()), NC_NOERR);
  ASSERT_EQ(nc_put_vara_double(id, variables[1], start, count, numbers.data()), NC_NOERR);
  ASSERT_EQ(nc_close(id), NC_NOERR);
}

TEST_F(DatasetFile, RefusesTruncatedClassicNetcdf) {
  // The library itself would read zeros where the file ends too early.
  const std::string path = (directory_ / "classic.nc").string();
  const std::vector<double> numbers = iota(501);
  for (const int version : {0, NC_64BIT_OFFSET, NC_64BIT_DATA}) {
    for (const bool with_records : {false, true}) {
      SCOPED_TRACE(version);
      write_classic(path, version, with_records, numbers);
      EXPECT_EQ(read_dataset(path, 1, 1).inputs, numbers);
      EXPECT_EQ(read_dataset(path, 1, 1).targets, numbers);
      const std::uintmax_t size = fs::file_size(path);
      fs::resize_file(path, size - 4);
      expect_refused(path, 1, 1, {"classic.nc", "complete"});
      fs::resize_file(path, size / 2);
      expect_refused(path, 1, 1, {"classic.nc", "complete"});
      fs::resize_file(path, 20);
      expect_refused(path, 1, 1, {"classic.nc", "complete"});
    }
  }
}

TEST_F(DatasetFile, RefusesNetcdfThatClaimsMoreThanMemoryHolds) {
  const std::string path = (directory_ / "claims.nc").string();
  netcdf::File file = netcdf::File::create(path);
  file.root().define_dimension("point", std::size_t{1} << 40);
  file.root().define_dimension("column", 1);
  for (const char* name : {"input", "target"}) {
    file.root().define_variable(
        {.name = name, .dimensions = {"point", "column"}, .long_name = name, .chunks = {1024, 1}});
  }
  file.close();
  EXPECT_LT(fs::file_size(path), 1000000u);
  expect_refused(path, 1, 1, {"claims.nc", "1.1e+12 values", "memory"});
}

// The library itself takes the counts of a damaged header for true and can crash over them.
TEST_F(DatasetFile, RefusesClassicNetcdfThatCountsMoreThanItHas) {
  const std::string path = (directory_ / "classic.nc").string();
  write_classic(path, 0, false, iota(3));
  std::ifstream stream(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  for (std::size_t at = 8; at < 200; at += 4) {
    for (const char* count : {"\x7f\xff\xff\xff", "\xff\xff\xff\xff", "\x20\x00\x00\x00"}) {
      std::string damaged = whole;
      damaged.replace(at, 4, std::string(count, 4));
      try {
        EXPECT_EQ(read_dataset(write(damaged, "damaged.nc"), 1, 1).points, 3u) << at;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("damaged.nc"), std::string::npos);
      }
    }
  }
  std::string damaged = whole;
  damaged.replace(12, 4, "\x20\x00\x00\x00", 4);  // the number of dimensions
  expect_refused(write(damaged, "damaged.nc"), 1, 1, {"header is damaged"});
  damaged =
      whole.substr(0, 16) + std::string("\x00\x00\x01\x2c", 4) + std::string(300, 'a') + whole.substr(20);
  expect_refused(write(damaged, "damaged.nc"), 1, 1, {"header is damaged"});  // a name of 300 letters
}

/// A target of numbers 0, 1, 2 stored as `type`, and what its attributes make of them.
struct Meaning {
  const char* name;
  nc_type type;
  std::vector<std::pair<std::string, std::vector<double>>> attributes;  ///< of the variable's own type
  std::vector<std::pair<std::string, std::vector<double>>> in_double;   ///< of type double
  std::vector<double> targets;                                          ///< none: refused
  std::vector<double> stored = {0, 1, 2};
};

TEST_F(DatasetFile, TakesNetcdfAsTheConventionsSay) {
  const std::string path = (directory_ / "data.nc").string();
  const std::vector<Meaning> meanings{
      {"plain", NC_SHORT, {}, {}, {0, 1, 2}},
      {"packed", NC_SHORT, {}, {{"scale_factor", {0.5}}, {"add_offset", {10}}}, {10, 10.5, 11}},
      {"scaled", NC_BYTE, {}, {{"scale_factor", {0.5}}}, {0, 0.5, 1}},
      {"shifted", NC_DOUBLE, {}, {{"add_offset", {-1}}}, {-1, 0, 1}},
      {"fill value", NC_DOUBLE, {{"_FillValue", {2}}}, {}, {}},
      {"missing value", NC_DOUBLE, {{"missing_value", {1}}}, {}, {}},
      {"one of several missing values", NC_INT, {{"missing_value", {7, 1}}}, {}, {}},
      {"another missing value", NC_INT, {{"missing_value", {7, 9}}}, {}, {0, 1, 2}},
      {"missing value of a wider type", NC_FLOAT, {}, {{"missing_value", {-999.9}}}, {}, {0, -999.9, 2}},
      {"below the least", NC_DOUBLE, {{"valid_min", {0.5}}}, {}, {}},
      {"above the most", NC_DOUBLE, {{"valid_max", {1.5}}}, {}, {}},
      {"out of range", NC_DOUBLE, {{"valid_range", {0, 1}}}, {}, {}},
      {"in range",
       NC_DOUBLE,
       {{"valid_range", {0, 2}}, {"valid_min", {0}}, {"valid_max", {2}}},
       {},
       {0, 1, 2}},
      {"packed and missing", NC_SHORT, {{"missing_value", {2}}}, {{"scale_factor", {0.5}}}, {}},
      {"packed and not missing", NC_SHORT, {{"missing_value", {10}}}, {{"add_offset", {10}}}, {10, 11, 12}},
      {"packed and in range", NC_SHORT, {{"valid_range", {0, 2}}}, {{"add_offset", {10}}}, {10, 11, 12}},
      {"unpacked and in range",
       NC_SHORT,
       {},
       {{"add_offset", {10}}, {"valid_range", {10, 12}}},
       {10, 11, 12}},
      {"unpacked and out of range", NC_SHORT, {}, {{"add_offset", {10}}, {"valid_range", {0, 2}}}, {}},
      {"never written", NC_SHORT, {}, {}, {}, {0, NC_FILL_SHORT, 2}},
      {"half a range", NC_DOUBLE, {{"valid_range", {0}}}, {}, {}},
  };
  for (const Meaning& m : meanings) {
    SCOPED_TRACE(m.name);
    int id = 0;
    int dims[2] = {0, 0};
    int variables[2] = {0, 0};
    ASSERT_EQ(nc_create(path.c_str(), NC_NETCDF4 | NC_CLOBBER, &id), NC_NOERR);
    nc_def_dim(id, "point", 3, &dims[0]);
    nc_def_dim(id, "column", 1, &dims[1]);
    nc_def_var(id, "input", NC_DOUBLE, 2, dims, &variables[0]);
    nc_def_var(id, "target", m.type, 2, dims, &variables[1]);
    for (const auto& [name, values] : m.attributes)
      ASSERT_EQ(nc_put_att_double(id, variables[1], name.c_str(), m.type, values.size(), values.data()),
                NC_NOERR);
    for (const auto& [name, values] : m.in_double)
      ASSERT_EQ(nc_put_att_double(id, variables[1], name.c_str(), NC_DOUBLE, values.size(), values.data()),
                NC_NOERR);
    nc_enddef(id);
    nc_put_var_double(id, variables[0], iota(3).data());
    ASSERT_EQ(nc_put_var_double(id, variables[1], m.stored.data()), NC_NOERR);
    ASSERT_EQ(nc_close(id), NC_NOERR);
    if (m.targets.empty()) {
      expect_refused(path, 1, 1, {"target"});
    } else {
      EXPECT_EQ(read_dataset(path, 1, 1).targets, m.targets);
    }
  }
}

}  // namespace
}  // namespace langevo
