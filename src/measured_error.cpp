#include "measured_error.hpp"

#include "text.hpp"

namespace langevo {

std::string in_words(const MeasuredError& error) {
  if (error.count == 0) return "";
  return ", error " + rounded(error.root_mean_square, 2) + " (root mean square of " +
         std::to_string(error.count) + ", largest " + rounded(error.largest, 2) + ")";
}

}  // namespace langevo
