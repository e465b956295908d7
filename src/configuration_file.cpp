#include "configuration_file.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

#include "input_file.hpp"
#include "langevo/error.hpp"
#include "text.hpp"

namespace langevo {

namespace {

/// The line without its comment, and whether it ends inside quotes or brackets.
struct Line {
  std::string text;
  bool open_quote = false;
  int open_brackets = 0;
};

Line scan(const std::string& line) {
  char quote_character = 0;
  int brackets = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote_character != 0) {
      if (c == quote_character) quote_character = 0;
    } else if (c == '"' || c == '\'') {
      quote_character = c;
    } else if (c == '#') {
      return {line.substr(0, i), false, brackets};
    } else if (c == '[' || c == ']') {
      brackets += c == '[' ? 1 : -1;
    }
  }
  return {line, quote_character != 0, brackets};
}

/// CLI11's reader drops what it cannot read and takes # for a comment even inside quotes, so it gets lines
/// that are whole, of one form, and free of comments.
std::string normalized(const InputFile& file) {
  const std::vector<std::string> lines = read_lines(file);
  std::string result;
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string where = file.name + " line " + std::to_string(i + 1);
    Line line = scan(lines[i]);
    while (line.open_brackets > 0 && !line.open_quote && i + 1 < lines.size()) {
      const Line next = scan(lines[++i]);
      line.text += " " + next.text;
      line.open_brackets += next.open_brackets;
      line.open_quote = next.open_quote;
    }
    const std::string text(trim(line.text));
    if (line.open_quote || line.open_brackets != 0) {
      throw InputError(where + " is " + quote(text) + ", where a quote or bracket is not closed; close it");
    }
    if (text.empty()) continue;
    const std::size_t equals = std::min(text.find('='), text.size() - 1);
    const std::string name(trim(text.substr(0, equals)));
    if (text[equals] != '=' || name.empty() || trim(text.substr(equals + 1)).empty()) {
      throw InputError(where + " is " + quote(text) + "; give lines of the form name = value");
    }
    // CLI11 would join the values of two lines.
    if (!names.insert(name).second) {
      throw InputError(where + " says " + quote(name) + " a second time; say it once");
    }
    result += text + "\n";
  }
  return result;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names{"preset", "quick"};
  for (const Setting& setting : settings()) names.push_back(setting.name);
  return names;
}

}  // namespace

Assignments read_configuration(const std::string& path) {
  const InputFile file("configuration file", path);
  std::istringstream stream(normalized(file));
  CLI::ConfigTOML reader;
  reader.comment('\0');
  Assignments assignments;
  const std::vector<std::string> known = known_names();
  for (const CLI::ConfigItem& item : reader.from_config(stream)) {
    const std::string name = item.fullname();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw InputError(file.name + " has the unknown name " + quote(name) + "; did you mean '" +
                       nearest(name, known) + "'?");
    }
    assignments.push_back({name, CLI::detail::join(item.inputs, ","), file.name + ": "});
  }
  return assignments;
}

}  // namespace langevo
