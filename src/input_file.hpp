#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace langevo {

/// A file the user named: how messages call it ("data file 'x.csv'") and where it lies.
struct InputFile {
  InputFile(const std::string& what, std::string file_path)
      : name(what + " '" + file_path + "'"), path(std::move(file_path)) {}

  std::string name;
  std::string path;
};

/// Whether the first bytes are those of netCDF, classic or netCDF-4.
/// @throws InputError where the file is missing, a directory, unreadable or empty
bool is_netcdf(const InputFile& file);

/// Lines without their ends (LF or CRLF) and without a byte order mark; blank lines at the end are dropped.
/// @throws InputError where the file cannot be read
std::vector<std::string> read_lines(const InputFile& file);

std::string_view trim(std::string_view text);

/// The number that the whole text is, "1e-3" or "+2"; "inf" and "nan" count as numbers.
std::optional<double> parse_number(std::string_view text);

/// Whether a text is a number or was meant to be one: a sign, a digit or a point comes first.
bool begins_like_a_number(std::string_view text);

/// The finite number that a text is.
/// @param where what messages begin with: "data file 'x.csv' line 3"
/// @param remedy what messages end with where nothing better can be said
/// @throws InputError where it is none
double finite_number(const std::string& where, std::string_view text, const std::string& remedy);

/// Text from a file, fit for a message: short and printable, in quotes.
std::string quote(std::string_view text);

}  // namespace langevo
