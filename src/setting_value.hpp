#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace langevo {

/// Values as users write them. `name` is the option's as messages call it, e.g. "--alpha".
/// @throws InputError where the text is no such value
void read_value(const std::string& name, const std::string& text, double& value);
void read_value(const std::string& name, const std::string& text, std::uint64_t& value);
void read_value(const std::string& name, const std::string& text, int& value);
void read_value(const std::string& name, const std::string& text, bool& value);
void read_value(const std::string& name, const std::string& text, std::string& value);
/// Widths: "1,30,1", "[1, 30, 1]", or "1,32x8,1" for eight hidden layers of 32.
void read_value(const std::string& name, const std::string& text, std::vector<int>& value);

template <class T>
void read_value(const std::string& name, const std::string& text, std::optional<T>& value) {
  T read{};
  read_value(name, text, read);
  value = read;
}

/// The value in TOML; empty for what is not set.
std::string toml_value(double value);
std::string toml_value(std::uint64_t value);
std::string toml_value(int value);
std::string toml_value(bool value);
std::string toml_value(const std::string& value);
std::string toml_value(const std::vector<int>& value);

template <class T>
std::string toml_value(const std::optional<T>& value) {
  return value ? toml_value(*value) : std::string();
}

/// The place of a word in a list of known ones.
/// @throws InputError naming the nearest known word
std::size_t read_choice(const std::string& name, const std::string& word,
                        const std::vector<std::string>& known);

}  // namespace langevo
