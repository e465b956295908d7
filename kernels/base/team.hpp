#pragma once

#include <concepts>
#include <cstddef>

#include "kernels/base/host_device.hpp"

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Bodies to say what a team is asked.
struct AskedOfTeam {
  struct OfIndex {
    LANGEVO_FUNCTION void operator()(std::size_t) const {}
  };
  struct OfPoint {
    LANGEVO_FUNCTION void operator()(int) const {}
  };
  struct Term {
    LANGEVO_FUNCTION double operator()(std::size_t) const { return 0; }
  };
  struct PointTerm {
    LANGEVO_FUNCTION double operator()(int) const { return 0; }
  };
  struct Condition {
    LANGEVO_FUNCTION bool operator()(int) const { return false; }
  };
  struct OfVector {
    LANGEVO_FUNCTION bool operator()(std::size_t) const { return false; }
  };
  struct OfRegisters {
    template <class Registers>
    LANGEVO_FUNCTION void operator()(Registers, std::size_t) const {}
  };
  struct Alone {
    LANGEVO_FUNCTION void operator()() const {}
  };
};

/// A team works on one replica together: a CPU thread (SerialTeam, where each operation is described), or a
/// warp or a block of a GPU (CudaTeam, where it is said who may write what). Threads of one worker share a
/// tile of points, workers take tiles in turn, and sums have an order of the team's own.
template <class T>
concept Team = requires(const T& team, std::size_t n, int count, const float* in, float* out,
                        const double* rows, typename T::PointSum& sum, typename T::PointSum* sums,
                        AskedOfTeam asked) {
  { T::lanes } -> std::convertible_to<int>;
  { T::workers } -> std::convertible_to<int>;
  { T::threads } -> std::convertible_to<int>;
  { T::units_per_block } -> std::convertible_to<int>;
  { T::registers_per_block } -> std::convertible_to<int>;
  { T::units_with_change } -> std::convertible_to<int>;
  { T::registers_with_change } -> std::convertible_to<int>;
  { T::carries_values } -> std::convertible_to<bool>;
  { T::uses_nodes } -> std::convertible_to<bool>;
  { T::vectors_at_a_time } -> std::convertible_to<std::size_t>;
  { T::vector_row(n) } -> std::convertible_to<std::size_t>;
  { T::float_additions(n) } -> std::convertible_to<double>;
  typename T::FloatPointSum;
  typename T::template PointValues<double>;
  typename T::template VectorValues<double>;
  // over parameters
  team.each(n, AskedOfTeam::OfIndex{});
  team.assign(n, AskedOfTeam::OfIndex{});
  team.template each_lanes<double>(n, AskedOfTeam::OfRegisters{});
  { team.sum(n, AskedOfTeam::Term{}) } -> std::same_as<double>;
  { team.dot(n, in, in) } -> std::same_as<double>;
  // over a few vectors, such as the mutations of proposals that come one after the other
  team.each_vector(n, AskedOfTeam::OfIndex{});
  { team.first_vector(n, n, AskedOfTeam::OfVector{}) } -> std::same_as<std::size_t>;
  team.combine_rows(n, n, in, in, out);
  team.add_gram(n, n, in, out);
  // over the points of a tile
  team.each_point(AskedOfTeam::OfPoint{});
  team.template each_register<float, 1>(AskedOfTeam::OfRegisters{});
  { team.any_point(AskedOfTeam::Condition{}) } -> std::same_as<bool>;
  team.clear(sum);
  team.add_points(sum, AskedOfTeam::PointTerm{});
  team.add_dots(sums, n, count, count, rows, rows);
  { team.total(sum) } -> std::same_as<double>;
  // who does what
  { team.worker() } -> std::convertible_to<std::size_t>;
  { team.leads() } -> std::same_as<bool>;
  team.synchronize();
  team.by_leader(AskedOfTeam::Alone{});
  team.by_leading_lane(AskedOfTeam::Alone{});
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
