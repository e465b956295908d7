#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace langevo {

/// The shortest decimal that reads back as the same double: "1e-05", "0.1", "inf".
std::string shortest(double value);

/// A number for people, with so many significant digits.
std::string rounded(double value, int digits);

/// The number as text; "-" for what is not defined.
std::string rounded_or_dash(double value, int digits);

/// "1.5 GiB".
std::string bytes_in_words(double bytes);

/// "45 s", "2 h 10 min".
std::string duration_in_words(double seconds);

/// How many letters must be put in, left out, replaced or swapped with their neighbour to turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The one of `known` (not empty) with the least edit distance from `word`.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// "a, b, c".
std::string joined(const std::vector<std::string>& words, std::string_view separator = ", ");

}  // namespace langevo
