#include "standard_output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "langevo/error.hpp"

namespace langevo {

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return;
  throw RunError(std::string("standard output cannot be written (") + std::strerror(errno) +
                 "); give it a place that takes it");
}

}  // namespace langevo
