#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "langevo/ensemble.hpp"

/// What callers pass, the command line among them, is checked here: one sentence for each mistake, from
/// whichever side it comes. All throw InputError.
namespace langevo {

/// Steps that random numbers can tell apart: the step has 56 bits of their counter.
inline constexpr std::uint64_t step_limit = std::uint64_t{1} << 56;
/// The replica has a word of it.
inline constexpr std::uint64_t replica_limit = std::uint64_t{1} << 32;

/// "3 numbers".
std::string counted(std::uint64_t count, const std::string& things);

/// Unless the value is positive and finite.
void require_positive(const char* option, double value);

/// Unless the value is positive; it may be inf.
void require_beta(double beta);

/// Unless there is at least one replica and all have numbers below 2^32.
void require_replica_numbers(std::uint64_t replicas, std::uint64_t first_replica);

/// Unless so many replicas can be traced.
void require_traced(std::uint64_t traced, std::uint64_t replicas);

/// Unless the options name something that can exist.
void require_machine(const BackendOptions& options);

/// Unless `what` has as many numbers as the network has parameters.
void require_parameters(const char* what, std::size_t numbers, std::size_t parameters);

/// Unless x, shape [count][parameters], is finite. `first`: the replica that the first row is for.
void require_finite_states(std::span<const double> x, std::size_t parameters, std::uint64_t first);

/// Throws InputError where the machine has less memory than `what` needs.
void require_memory(double bytes, const std::string& what);

/// The same check for the states of an ensemble, without overflow.
void require_memory_of_states(double parameters, double replicas);

}  // namespace langevo
