#pragma once

#if defined(__SSE2__) && !defined(__FMA__)

#  include <emmintrin.h>

#  include "kernels/base/scalar.hpp"

/// a b + c with one rounding where the instruction set has no fused multiply-add: the errors of a product and
/// of sums are numbers themselves, and a sum that is rounded to odd may be rounded once more as if it had not
/// been (Boldo and Melquiond, IEEE Trans. Comput. 57, 462 (2008)).
namespace langevo {
inline namespace LANGEVO_TARGET {

/// a + b + error, exactly; error is NaN where a sum is not finite.
LANGEVO_INLINE __m128d sum_with_error(__m128d a, __m128d b, __m128d& error) {
  const __m128d sum = _mm_add_pd(a, b);
  const __m128d of_b = _mm_sub_pd(sum, a);
  error = _mm_add_pd(_mm_sub_pd(a, _mm_sub_pd(sum, of_b)), _mm_sub_pd(b, of_b));
  return sum;
}

/// a + b, and where that is no double the one of its neighbours whose last bit is 1.
LANGEVO_INLINE __m128d sum_rounded_to_odd(__m128d a, __m128d b) {
  __m128d error;
  const __m128d sum = sum_with_error(a, b, error);
  const __m128d zero = _mm_setzero_pd();
  const __m128i inexact = _mm_castpd_si128(_mm_or_pd(_mm_cmplt_pd(error, zero), _mm_cmpgt_pd(error, zero)));
  const __m128i beyond = _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(sum, error)), 63);
  const __m128i towards_zero = _mm_sub_epi64(_mm_castpd_si128(sum), _mm_and_si128(beyond, inexact));
  return _mm_castsi128_pd(_mm_or_si128(towards_zero, _mm_and_si128(_mm_set1_epi64x(1), inexact)));
}

/// Products of floats are exact in double.
LANGEVO_INLINE __m128 emulated_multiply_add(__m128 a, __m128 b, __m128 c) {
  const auto of_two = [](__m128 x, __m128 y, __m128 z) {
    return _mm_cvtpd_ps(sum_rounded_to_odd(_mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)), _mm_cvtps_pd(z)));
  };
  const auto upper = [](__m128 x) { return _mm_movehl_ps(x, x); };
  return _mm_movelh_ps(of_two(a, b, c), of_two(upper(a), upper(b), upper(c)));
}

/// a as the sum of two numbers of 26 bits, exactly.
LANGEVO_INLINE __m128d upper_half(__m128d a, __m128d& lower) {
  const __m128d shifted = _mm_mul_pd(_mm_set1_pd(0x1p27 + 1), a);
  const __m128d upper = _mm_sub_pd(shifted, _mm_sub_pd(shifted, a));
  lower = _mm_sub_pd(a, upper);
  return upper;
}

LANGEVO_APART __m128d multiply_add_of_each(__m128d a, __m128d b, __m128d c) {
  for (int i = 0; i < 2; ++i) c[i] = multiply_add(a[i], b[i], c[i]);
  return c;
}

LANGEVO_INLINE __m128d emulated_multiply_add(__m128d a, __m128d b, __m128d c) {
  const auto size = [](__m128d x) { return _mm_andnot_pd(_mm_set1_pd(-0.0), x); };
  const __m128d product = _mm_mul_pd(a, b);
  const __m128d is_zero = _mm_or_pd(_mm_cmpeq_pd(a, _mm_setzero_pd()), _mm_cmpeq_pd(b, _mm_setzero_pd()));
  const __m128d large_enough = _mm_or_pd(is_zero, _mm_cmpge_pd(size(product), _mm_set1_pd(0x1p-860)));
  const __m128d small_enough = _mm_and_pd(_mm_cmple_pd(_mm_max_pd(size(a), size(b)), _mm_set1_pd(0x1p480)),
                                          _mm_cmple_pd(size(c), _mm_set1_pd(0x1p1000)));
  if (_mm_movemask_pd(_mm_and_pd(large_enough, small_enough)) != 3) return multiply_add_of_each(a, b, c);
  __m128d lower_a;
  __m128d lower_b;
  const __m128d upper_a = upper_half(a, lower_a);
  const __m128d upper_b = upper_half(b, lower_b);
  __m128d rest = _mm_sub_pd(_mm_mul_pd(upper_a, upper_b), product);
  rest = _mm_add_pd(rest, _mm_mul_pd(upper_a, lower_b));
  rest = _mm_add_pd(rest, _mm_mul_pd(lower_a, upper_b));
  rest = _mm_add_pd(rest, _mm_mul_pd(lower_a, lower_b));
  __m128d small_error;
  __m128d large_error;
  const __m128d small = sum_with_error(c, rest, small_error);
  const __m128d large = sum_with_error(product, small, large_error);
  const __m128d sum = _mm_add_pd(large, sum_rounded_to_odd(small_error, large_error));
  // the sign of a zero product has its say in a zero sum
  return _mm_or_pd(_mm_and_pd(is_zero, _mm_add_pd(product, c)), _mm_andnot_pd(is_zero, sum));
}

}  // namespace LANGEVO_TARGET
}  // namespace langevo

#endif
