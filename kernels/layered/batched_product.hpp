#pragma once

#include <cstddef>

namespace langevo {

/// A matrix by rows for each member of a batch; members that lie 0 apart are one and the same.
template <class Real>
struct BatchedMatrix {
  const Real* data;
  std::size_t row;     ///< distance of rows
  std::size_t member;  ///< distance of members
  bool transposed = false;
};

/// out = left right, or out += left right, for every member: [rows][inner] times [inner][columns], where a
/// transposed factor is stored the other way round.
template <class Real>
struct BatchedProduct {
  std::size_t rows;
  std::size_t columns;
  std::size_t inner;
  BatchedMatrix<Real> left;
  BatchedMatrix<Real> right;
  Real* out;
  std::size_t out_row;
  std::size_t out_member;
  bool add = false;
};

}  // namespace langevo
