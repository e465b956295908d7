#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "langevo/error.hpp"
#include "langevo/initial_state.hpp"
#include "src/netcdf.hpp"

namespace langevo {
namespace {

namespace fs = std::filesystem;

class ParameterFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "langevo_parameter_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string write(const std::string& content) {
    std::ofstream(directory_ / "x.txt", std::ios::binary) << content;
    return (directory_ / "x.txt").string();
  }

  std::string write_netcdf(const std::string& variable, const std::vector<double>& values) {
    std::string path = (directory_ / "x.nc").string();
    netcdf::File file = netcdf::File::create(path);
    file.root().define_dimension("parameter", values.size());
    file.root().define_variable({.name = variable, .dimensions = {"parameter"}, .long_name = "parameter"});
    file.root().write(variable, values);
    file.close();
    return path;
  }

  fs::path directory_;
};

std::vector<double> read(const std::string& path, std::size_t count) {
  return read_parameter_vector(path, "initial_parameter", count, "--init");
}

void expect_refused(const std::string& path, std::size_t count, const std::vector<std::string>& parts) {
  try {
    read(path, count);
    ADD_FAILURE() << "accepted: " << path;
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find("--init '" + path + "'"), 0U) << message;
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST_F(ParameterFile, ReadsText) {
  EXPECT_EQ(read(write("# weights\n1\n\n  -2.5e-3 # the second\r\n+3\n"), 3),
            (std::vector<double>{1, -2.5e-3, 3}));
}

TEST_F(ParameterFile, ReadsTextWithoutLastLineEnd) {
  EXPECT_EQ(read(write("0.1\n0.2"), 2), (std::vector<double>{0.1, 0.2}));
}

TEST_F(ParameterFile, ReadsNetcdf) {
  const std::vector<double> values{0.1, -0.2, 5e-324};
  EXPECT_EQ(read(write_netcdf("initial_parameter", values), 3), values);
}

TEST_F(ParameterFile, ReadsTheVariableAskedFor) {
  const std::string path = write_netcdf("sigma", {1, 2});
  EXPECT_EQ(read_parameter_vector(path, "sigma", 2, "--sigma-file"), (std::vector<double>{1, 2}));
  expect_refused(path, 2, {"no variable 'initial_parameter'"});
}

TEST_F(ParameterFile, RefusesWrongCounts) {
  expect_refused(write("1\n2\n"), 3, {"2 number", "3 parameters"});
  expect_refused(write("1\n2\n"), 1, {"2 number", "1 parameters"});
  expect_refused(write("# nothing\n"), 1, {"0 number"});
  expect_refused(write_netcdf("initial_parameter", {1, 2}), 3, {"2 number", "3 parameters"});
}

TEST_F(ParameterFile, RefusesWhatIsNoFiniteNumber) {
  expect_refused(write("1\nabc\n"), 2, {"line 2", "'abc'"});
  expect_refused(write("1 2\n"), 2, {"line 1", "'1 2'"});
  expect_refused(write("1,2\n"), 2, {"line 1", "'1,2'"});
  expect_refused(write("# c\n\nnan\n"), 1, {"line 3", "'nan'"});
  expect_refused(write("-inf\n"), 1, {"line 1", "'-inf'"});
  expect_refused(write("1e999\n"), 1, {"line 1", "'1e999'"});
  expect_refused(write_netcdf("initial_parameter", {1, std::nan("")}), 2, {"index 1"});
  expect_refused(write_netcdf("initial_parameter", {NC_FILL_DOUBLE, 1}), 2, {"index 0"});
}

TEST_F(ParameterFile, RefusesFilesThatCannotBeRead) {
  expect_refused((directory_ / "none.txt").string(), 1, {"No such file or directory"});
  expect_refused(directory_.string(), 1, {"is a directory"});
  expect_refused(write(""), 1, {"is empty"});
  const std::string path = write_netcdf("initial_parameter", std::vector<double>(5000, 1.0));
  fs::resize_file(path, fs::file_size(path) - 1000);
  expect_refused(path, 5000, {"not complete netCDF"});
}

TEST_F(ParameterFile, RefusesAMatrix) {
  const std::string path = (directory_ / "matrix.nc").string();
  netcdf::File file = netcdf::File::create(path);
  file.root().define_dimension("a", 2);
  file.root().define_dimension("b", 2);
  file.root().define_variable({.name = "initial_parameter", .dimensions = {"a", "b"}, .long_name = "x"});
  file.root().write("initial_parameter", std::vector<double>{1, 2, 3, 4});
  file.close();
  expect_refused(path, 4, {"2 dimensions"});
}

}  // namespace
}  // namespace langevo
