#include "configuration_file.hpp"

#include <algorithm>
#include <string_view>

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
      if (c == '\\' && quote_character == '"') {
        ++i;  // whatever follows does not end the quotes
      } else if (c == quote_character) {
        quote_character = 0;
      }
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

/// What stands in quotes, or the text itself where there are none. In double quotes \" and \\ stand for what
/// follows the backslash, as in TOML; in single quotes everything stands for itself.
std::string unquoted(std::string_view text, const std::string& where) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return std::string(text);
  const char mark = text.front();
  std::string content;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != mark; ++i) {
    if (mark == '"' && text[i] == '\\') {
      ++i;
      if (i == text.size() || (text[i] != '"' && text[i] != '\\')) {
        throw InputError(where + " has a backslash in " + quote(text) + "; put it in single quotes");
      }
    }
    content += text[i];
  }
  if (i + 1 == text.size()) return content;
  throw InputError(where + " has the value " + quote(text) +
                   ", which goes on after its quotes; end it there");
}

/// Values of an array are given on as a list with commas.
std::string value_of(std::string_view text, const std::string& where) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return unquoted(text, where);
  std::string list;
  std::string_view rest = trim(text.substr(1, text.size() - 2));
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    list.append(list.empty() ? "" : ",").append(unquoted(trim(rest.substr(0, comma)), where));
    rest = comma == std::string_view::npos ? std::string_view() : trim(rest.substr(comma + 1));
  }
  return list;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names{"preset", "quick"};
  for (const Setting& setting : settings()) names.push_back(setting.name);
  return names;
}

}  // namespace

Assignments read_configuration(const std::string& path) {
  const InputFile file("configuration file", path);
  const std::vector<std::string> lines = read_lines(file);
  const std::vector<std::string> known = known_names();
  Assignments assignments;
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
    const std::string_view value = trim(std::string_view(text).substr(equals + 1));
    if (text[equals] != '=' || name.empty() || value.empty()) {
      throw InputError(where + " is " + quote(text) + "; give lines of the form name = value");
    }
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw InputError(file.name + " has the unknown name " + quote(name) + "; did you mean '" +
                       nearest(name, known) + "'?");
    }
    const bool said = std::any_of(assignments.begin(), assignments.end(),
                                  [&name](const Assignment& a) { return a.name == name; });
    if (said) throw InputError(where + " says " + quote(name) + " a second time; say it once");
    assignments.push_back({name, value_of(value, where), file.name + ": "});
  }
  return assignments;
}

}  // namespace langevo
