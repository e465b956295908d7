#include "setting_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& text, const char* wanted) {
  throw InputError(name + " is " + (text.empty() ? "empty" : quote(text)) + "; give " + wanted);
}

/// Whole numbers, also as "1e6".
std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec == std::errc() && result.ptr == end) return value;
  const std::optional<double> number = parse_number(text);
  constexpr double exact = 9007199254740992.0;
  if (!number || !(*number >= 0 && *number <= exact) || *number != std::floor(*number)) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

void read_value(const std::string& name, const std::string& text, double& value) {
  const std::optional<double> number = parse_number(trim(text));
  if (!number || std::isnan(*number)) refuse(name, text, "a number, e.g. 0.1 or 1e-5");
  value = *number;
}

void read_value(const std::string& name, const std::string& text, std::uint64_t& value) {
  const std::optional<std::uint64_t> number = whole_number(trim(text));
  if (!number) refuse(name, text, "a whole number below 2^64, e.g. 1000 or 1e6");
  value = *number;
}

void read_value(const std::string& name, const std::string& text, int& value) {
  const std::optional<std::uint64_t> number = whole_number(trim(text));
  if (!number || *number > std::numeric_limits<int>::max()) {
    refuse(name, text, "a whole number below 2^31");
  }
  value = static_cast<int>(*number);
}

void read_value(const std::string& name, const std::string& text, bool& value) {
  value = read_choice(name, text, {"false", "true"}) == 1;
}

void read_value(const std::string& name, const std::string& text, std::string& value) {
  if (text.empty()) refuse(name, text, "a name");
  value = text;
}

void read_value(const std::string& name, const std::string& text, std::vector<int>& value) {
  constexpr const char* wanted = "widths from input to output, e.g. 1,30,1 or 1,32x8,1";
  constexpr std::uint64_t most_layers = 10000;
  std::string_view list = trim(text);
  if (list.size() > 1 && list.front() == '[' && list.back() == ']') list = list.substr(1, list.size() - 2);
  std::vector<int> widths;
  for (const std::string_view part : split(list, ',')) {
    const std::size_t times = part.find('x');
    const std::optional<std::uint64_t> width = whole_number(part.substr(0, times));
    const std::optional<std::uint64_t> count =
        times == std::string_view::npos ? 1 : whole_number(part.substr(times + 1));
    if (!width || *width > std::numeric_limits<int>::max() || !count || *count < 1 || *count > most_layers) {
      refuse(name, text, wanted);
    }
    widths.insert(widths.end(), *count, static_cast<int>(*width));
  }
  value = std::move(widths);
}

std::string toml_value(double value) {
  return shortest(value);
}
std::string toml_value(std::uint64_t value) {
  return std::to_string(value);
}
std::string toml_value(int value) {
  return std::to_string(value);
}
std::string toml_value(bool value) {
  return value ? "true" : "false";
}

std::string toml_value(const std::string& value) {
  // No escapes are needed: one of the two kinds of quotes does.
  const bool printable =
      std::none_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  const bool plain = value.find_first_of("\"\\") == std::string::npos;
  if (!printable || (!plain && value.find('\'') != std::string::npos)) {
    throw InputError(
        "the name " + quote(value) +
        " cannot stand in a configuration; rename the file without quotes and control characters");
  }
  return plain ? '"' + value + '"' : '\'' + value + '\'';
}

std::string toml_value(const std::vector<int>& value) {
  std::vector<std::string> words;
  for (const int item : value) words.push_back(std::to_string(item));
  return '[' + joined(words) + ']';
}

std::size_t read_choice(const std::string& name, const std::string& word,
                        const std::vector<std::string>& known) {
  const auto found = std::find(known.begin(), known.end(), word);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  throw InputError(name + " is " + (word.empty() ? "empty" : quote(word)) + ", not one of " + joined(known) +
                   "; did you mean '" + nearest(word, known) + "'?");
}

}  // namespace langevo
