#pragma once

#include <quadmath.h>

#include "definitions.hpp"

namespace langevo {

/// Quadruple precision, for references that are differences.
using Quad = __float128;

template <>
struct MathOf<Quad> {
  static Quad exp(Quad a) { return expq(a); }
  static Quad log(Quad a) { return logq(a); }
  static Quad log1p(Quad a) { return log1pq(a); }
  static Quad tanh(Quad a) { return tanhq(a); }
  static Quad erfc(Quad a) { return erfcq(a); }
  static Quad sqrt(Quad a) { return sqrtq(a); }
};

}  // namespace langevo
