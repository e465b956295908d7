#pragma once

namespace thrust {

template <class T>
using counting_iterator = T;

}  // namespace thrust
