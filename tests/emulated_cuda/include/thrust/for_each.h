#pragma once

#include "tests/emulated_cuda/launch.hpp"

namespace thrust {

template <class Policy, class Iterator, class Count, class Body>
void for_each_n(const Policy& policy, Iterator first, Count count, const Body& body) {
  emulated_cuda::for_each_index(policy.stream, count, [=](std::uint64_t index) { body(first + index); });
}

}  // namespace thrust
