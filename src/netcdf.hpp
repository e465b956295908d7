#pragma once

#include <netcdf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "langevo/error.hpp"

/// The part of the netCDF-4 C library that langevo needs, with owners and exceptions. Like the library itself
/// it is for one thread at a time.
namespace langevo::netcdf {

/// The library refused: names the file, what was tried and the library's reason.
struct Error : RunError {
  using RunError::RunError;
};

/// A part of a variable: first index and extent along every dimension. Empty: the whole variable.
struct Slab {
  std::vector<std::size_t> start;
  std::vector<std::size_t> count;
};

/// What is said of a variable when it is defined.
struct VariableDefinition {
  std::string name;
  std::vector<std::string> dimensions;  ///< names, of this group or the ones above it
  nc_type type = NC_DOUBLE;
  std::string long_name;
  std::string units = "1";
  std::vector<std::size_t> chunks = {};  ///< one extent per dimension; empty: the library's choice
};

/// A group of an open file; a reference that is good while its File is open.
class Group {
 public:
  [[nodiscard]] Group define_group(const std::string& name) const;
  /// @param length at least 1
  void define_dimension(const std::string& name, std::size_t length) const;
  void define_unlimited_dimension(const std::string& name) const;
  void define_variable(const VariableDefinition& definition) const;

  void put_attribute(const std::string& name, const std::string& text) const;
  void put_attribute(const std::string& name, double value) const;
  void put_attribute(const std::string& name, std::uint64_t value) const;

  void write(const std::string& variable, std::span<const double> values, const Slab& slab = {}) const;
  void write(const std::string& variable, std::span<const std::uint64_t> values, const Slab& slab = {}) const;
  void write(const std::string& variable, std::span<const std::string> values) const;

  [[nodiscard]] std::optional<Group> find_group(const std::string& name) const;
  [[nodiscard]] std::optional<std::size_t> find_dimension(const std::string& name) const;
  [[nodiscard]] bool has_variable(const std::string& name) const;
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& variable) const;

  /// All values of a variable of any numeric type, row-major, as stored (no unpacking).
  [[nodiscard]] std::vector<double> read(const std::string& variable) const;
  [[nodiscard]] std::vector<double> read_slab(const std::string& variable, const Slab& slab) const;
  [[nodiscard]] double read_one(const std::string& variable, const std::vector<std::size_t>& index) const;

  [[nodiscard]] std::optional<std::string> text_attribute(const std::string& name) const;
  [[nodiscard]] std::optional<double> number_attribute(const std::string& name) const;
  [[nodiscard]] std::optional<std::uint64_t> count_attribute(const std::string& name) const;
  /// The numbers said of a variable, e.g. `_FillValue`: none where it has no such attribute.
  /// @param count how many there must be; 0: any number of them
  [[nodiscard]] std::vector<double> number_attributes(const std::string& variable, const std::string& name,
                                                      std::size_t count = 0) const;
  [[nodiscard]] nc_type attribute_type(const std::string& variable, const std::string& name) const;
  [[nodiscard]] nc_type type(const std::string& variable) const;

 private:
  friend class File;
  Group(int id, std::shared_ptr<const std::string> path) : id_(id), path_(std::move(path)) {}

  void check(int status, const std::string& what) const;
  [[nodiscard]] int variable_id(const std::string& name) const;

  int id_;
  std::shared_ptr<const std::string> path_;
};

/// An open netCDF file; closes it.
class File {
 public:
  /// Creates a netCDF-4 file, or empties the one there is.
  static File create(const std::string& path);
  static File open_to_read(const std::string& path);
  static File open_to_write(const std::string& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  /// Writes everything out and closes; unlike the destructor it reports what fails.
  void close();

  [[nodiscard]] Group root() const { return {id_, path_}; }

 private:
  File(int id, std::shared_ptr<const std::string> path) : id_(id), path_(std::move(path)) {}
  static File open(const std::string& path, int mode);

  int id_;  ///< negative: nothing is open
  std::shared_ptr<const std::string> path_;
};

}  // namespace langevo::netcdf
