#pragma once

#include <type_traits>
#include <variant>

#include "kernels/screened/rule.hpp"

namespace langevo {

/// Calls `body` with the rule as the kernels know it.
template <class Body>
auto with_kernel_rule(const Rule& rule, const Body& body) {
  return std::visit(
      [&](const auto& each) {
        if constexpr (std::is_same_v<std::decay_t<decltype(each)>, Metropolis>) {
          if (each.acceptance != Acceptance::exact) return body(ScreenedMetropolis{each});
        }
        return body(each);
      },
      rule);
}

inline bool is_screened(const Rule& rule) {
  return with_kernel_rule(rule, [](const auto& each) {
    return std::is_same_v<std::decay_t<decltype(each)>, ScreenedMetropolis>;
  });
}

}  // namespace langevo
