#pragma once

#include "kernels/base/scalar.hpp"

/// Linear algebra of a few dimensions, which every thread of a team does for itself.
namespace langevo {

/// [row][column]; of the first `rank` rows and columns where a function takes a rank.
template <int Size>
struct SmallMatrix {
  double at[Size][Size] = {};
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

template <int Size>
LANGEVO_INLINE double trace_of(const SmallMatrix<Size>& m) {
  double sum = 0;
  for (int r = 0; r < Size; ++r) sum += m.at[r][r];
  return sum;
}

/// m = factor m + left right^T.
template <int Size>
LANGEVO_INLINE void add_product(double factor, const double (&left)[Size], const double (&right)[Size],
                                SmallMatrix<Size>& m) {
  for (int r = 0; r < Size; ++r) {
    for (int s = 0; s < Size; ++s) m.at[r][s] = multiply_add(left[r], right[s], factor * m.at[r][s]);
  }
}

/// Solves m y = b for a positive definite m, b to y, by elimination.
template <int Size>
LANGEVO_INLINE void solve(int rank, SmallMatrix<Size> m, double (&b)[Size]) {
  for (int k = 0; k < rank; ++k) {
    for (int r = k + 1; r < rank; ++r) {
      const double part = m.at[r][k] / m.at[k][k];
      for (int s = k; s < rank; ++s) m.at[r][s] -= part * m.at[k][s];
      b[r] -= part * b[k];
    }
  }
  for (int k = rank - 1; k >= 0; --k) {
    for (int s = k + 1; s < rank; ++s) b[k] -= m.at[k][s] * b[s];
    b[k] /= m.at[k][k];
  }
}

/// r^T m r.
template <int Size>
LANGEVO_INLINE void turn(const SmallMatrix<Size>& r, SmallMatrix<Size>& m) {
  SmallMatrix<Size> half;
  for (int i = 0; i < Size; ++i) {
    for (int k = 0; k < Size; ++k) {
      for (int l = 0; l < Size; ++l) half.at[i][k] += m.at[i][l] * r.at[l][k];
    }
  }
  m = {};
  for (int i = 0; i < Size; ++i) {
    for (int k = 0; k < Size; ++k) {
      for (int l = 0; l < Size; ++l) m.at[i][k] += r.at[l][i] * half.at[l][k];
    }
  }
}

/// Jacobi's rotations: m, symmetric, becomes diagonal; the eigenvectors are the columns of what is returned,
/// each nearest to the axis that it was.
template <int Size>
LANGEVO_INLINE SmallMatrix<Size> diagonalize(SmallMatrix<Size>& m) {
  constexpr int sweeps = 6;  // the error is squared with every one
  SmallMatrix<Size> vectors;
  for (int k = 0; k < Size; ++k) vectors.at[k][k] = 1;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    for (int a = 0; a < Size; ++a) {
      for (int b = a + 1; b < Size; ++b) {
        if (m.at[a][b] == 0) continue;
        const double cotangent = (m.at[b][b] - m.at[a][a]) / (2 * m.at[a][b]);  // of twice the angle
        const double size = absolute(cotangent) + square_root(multiply_add(cotangent, cotangent, 1.0));
        const double tangent = with_sign_of(1 / size, cotangent);
        const double cosine = 1 / square_root(multiply_add(tangent, tangent, 1.0));
        const double sine = tangent * cosine;
        for (int k = 0; k < Size; ++k) {
          const double left = m.at[k][a];
          const double right = m.at[k][b];
          m.at[k][a] = cosine * left - sine * right;
          m.at[k][b] = sine * left + cosine * right;
          const double first = vectors.at[k][a];
          const double second = vectors.at[k][b];
          vectors.at[k][a] = cosine * first - sine * second;
          vectors.at[k][b] = sine * first + cosine * second;
        }
        for (int k = 0; k < Size; ++k) {
          const double upper = m.at[a][k];
          const double lower = m.at[b][k];
          m.at[a][k] = cosine * upper - sine * lower;
          m.at[b][k] = sine * upper + cosine * lower;
        }
      }
    }
  }
  return vectors;
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo
