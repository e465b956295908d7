#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "langevo/dynamics.hpp"
#include "langevo/ensemble.hpp"
#include "langevo/problem.hpp"

namespace langevo {

/// A quadrature for a run of Metropolis or followed gradient steps: the nodes and weights that give the loss
/// changes of all points where the run is expected to go. Without structure in the data there is none, and
/// the remark says why.
///
/// Pilot trajectories from the initial states, with the drift and the noise of the dynamics in few long steps
/// on some of the points, say where that is. At states along them, random mutations change the losses of all
/// K points by columns of K numbers; pivoted Gram-Schmidt over the points picks the nodes, and least squares
/// their weights w, so that sum_k w_k c(node k) = sum_p v_p c(p) for these columns c, where v_p is the
/// points' own weight, 1/K. Columns from other states then show the error, and as many nodes are taken as
/// make proposals cheapest. (Known as empirical cubature or hyper-reduction: Hernandez, Caicedo & Ferrer,
/// Comput. Methods Appl. Mech. Eng. 313, 687 (2017).)
///
/// Nodes and weights depend on the arguments alone and are the same bits on every machine.
/// @param initial_states of some replicas, shape [count][N], one or more
/// @param steps of the run, for every replica
/// @param nodes how many; unset: as many as pay, or none
/// @throws InputError where an argument makes no ensemble or pilot, or for more nodes than points
Quadrature make_quadrature(const Problem& problem, const Dynamics& dynamics, const EnsembleShape& shape,
                           std::span<const double> initial_states, std::uint64_t steps,
                           std::optional<std::size_t> nodes = {});

/// Unless so many nodes can be chosen among so many points.
/// @throws InputError
void require_nodes(std::uint64_t nodes, std::size_t points);

}  // namespace langevo
