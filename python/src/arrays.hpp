#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace langevo::python {

namespace nb = nanobind;

/// Numbers of anything that NumPy takes for an array, in rows and in double.
using Numbers = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;

/// An array that NumPy gets.
using NumpyArray = nb::ndarray<nb::numpy, double>;
using ConstNumpyArray = nb::ndarray<nb::numpy, const double>;

/// @param name begins the sentence of the error: "inputs", "sigma"
/// @throws InputError where NumPy makes no array of numbers of it
Numbers read_numbers(const char* name, nb::handle value);

std::span<const double> span_of(const Numbers& numbers);

/// "[3, 2]".
std::string shape_in_words(const Numbers& numbers);

/// Gives the numbers to NumPy without a copy.
NumpyArray give_away(std::vector<double> values, std::vector<std::size_t> shape);
NumpyArray give_away(std::vector<double> values);

/// Numbers that `owner` keeps, to be read only.
ConstNumpyArray look_at(std::span<const double> values, std::vector<std::size_t> shape, nb::handle owner);

/// What a word stands for.
/// @throws InputError with the words that are known
template <class Value>
Value read_word(const char* name, const std::string& word,
                const std::vector<std::pair<std::string, Value>>& known);

[[noreturn]] void refuse_word(const char* name, const std::string& word,
                              const std::vector<std::string>& known);

template <class Value>
Value read_word(const char* name, const std::string& word,
                const std::vector<std::pair<std::string, Value>>& known) {
  std::vector<std::string> words;
  for (const auto& [text, value] : known) {
    if (text == word) return value;
    words.push_back(text);
  }
  refuse_word(name, word, words);
}

template <class Value>
std::string word_of(Value value, const std::vector<std::pair<std::string, Value>>& known) {
  for (const auto& [text, candidate] : known) {
    if (candidate == value) return text;
  }
  return {};
}

}  // namespace langevo::python
