#include "input_file.hpp"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "langevo/error.hpp"

namespace langevo {

namespace {

constexpr std::string_view typographic_minus = "\xe2\x88\x92";  // U+2212

std::ifstream open_input(const InputFile& file) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(file.path, ignored);
  if (std::filesystem::is_directory(status)) throw InputError(file.name + " is a directory; give a file");
  // A pipe could not be read twice, first for its magic bytes.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw InputError(file.name + " is not a regular file; copy its content to one and give that");
  }
  errno = 0;
  std::ifstream stream(file.path, std::ios::binary);
  if (!stream) {
    throw InputError(file.name + " cannot be read (" + std::strerror(errno) + "); give a file that exists");
  }
  return stream;
}

}  // namespace

bool is_netcdf(const InputFile& file) {
  std::ifstream stream = open_input(file);
  char bytes[8] = {};
  stream.read(bytes, sizeof bytes);
  const std::string_view head(bytes, static_cast<std::size_t>(stream.gcount()));
  if (head.empty()) throw InputError(file.name + " is empty; give a file with numbers in it");
  const bool classic =
      head.starts_with("CDF") && head.size() > 3 && (head[3] == 1 || head[3] == 2 || head[3] == 5);
  return classic || head == "\x89HDF\r\n\x1a\n";
}

std::vector<std::string> read_lines(const InputFile& file) {
  std::ifstream stream = open_input(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  if (stream.bad()) throw InputError(file.name + " cannot be read to its end; check the disk it is on");
  if (!lines.empty() && lines.front().starts_with("\xef\xbb\xbf")) lines.front().erase(0, 3);
  while (!lines.empty() && trim(lines.back()).empty()) lines.pop_back();
  return lines;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> parse_number(std::string_view text) {
  text = trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  // Too large or too small for a double: infinity, or zero as everyone rounds.
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);
  if (error != std::errc()) return std::nullopt;
  return value;
}

bool begins_like_a_number(std::string_view text) {
  if (parse_number(text)) return true;
  text = trim(text);
  if (text.starts_with(typographic_minus)) {
    text.remove_prefix(typographic_minus.size());
  } else if (text.starts_with('+') || text.starts_with('-')) {
    text.remove_prefix(1);
  }
  if (text.size() > 1 && (text[0] == '.' || text[0] == ',')) text.remove_prefix(1);
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

double finite_number(const std::string& where, std::string_view text, const std::string& remedy) {
  const std::optional<double> value = parse_number(text);
  if (value && std::isfinite(*value)) return *value;
  const auto has = [text](std::string_view part) { return text.find(part) != std::string_view::npos; };
  throw InputError(where + " is " + quote(text) + ", not a finite number; " +
                   (has(typographic_minus) ? "write the minus sign as -, not as U+2212"
                    : has(";")             ? "separate columns by commas and write decimals with a point"
                    : has(",")             ? "write decimals with a point"
                                           : remedy));
}

std::string quote(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string shown(text.substr(0, longest));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + shown + (text.size() > longest ? "...'" : "'");
}

}  // namespace langevo
