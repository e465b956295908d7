#pragma once

#include "kernels/change/ladder/mutation.hpp"
#include "kernels/descent/gradient_step.hpp"
#include "kernels/layered/layered_problem.hpp"

/// How states of many replicas move, a piece of the parameters at a time.
namespace langevo {

/// Some consecutive replicas of an ensemble on the machine.
struct LayeredEnsemble {
  const double* sigma;  ///< [N]
  double* state;        ///< [replicas][N]
  std::uint64_t replicas;
  std::uint64_t first_replica;  ///< global index
  std::uint64_t seed;
};

}  // namespace langevo

namespace langevo {
inline namespace LANGEVO_TARGET {

/// Calls body(i, z_i) for the parameters of a piece of whole draw blocks.
template <class Team, class Body>
LANGEVO_FUNCTION void each_normal(const Team& team, const RandomSource& source, const Piece& piece,
                                  std::size_t parameters, const Body& body) {
  const BlockRange range = source.blocks(normal_blocks(parameters), 1);
  const std::size_t first = piece.first / 4;
  team.each(normal_blocks(piece.last - piece.first), [&](std::size_t b) LANGEVO_BODY {
    float z[4];
    normals_of_block(range.words(static_cast<std::uint32_t>(first + b)), z);
    for (std::size_t q = 0; q < 4; ++q) {
      const std::size_t i = 4 * (first + b) + q;
      if (i < parameters) body(i, z[q]);
    }
  });
}

/// Index (replica, piece): x'.
struct ProposePiece {
  LayeredEnsemble ensemble;
  std::uint64_t step;
  std::size_t parameters;
  std::size_t pieces;
  double* proposed;  ///< [replicas][N]

  template <class Team>
  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const std::size_t replica = index / pieces;
    const double* const x = ensemble.state + replica * parameters;
    const double* const sigma = ensemble.sigma;
    double* const to = proposed + replica * parameters;
    const RandomSource source{ensemble.seed, step, Stream::mutation,
                              static_cast<std::uint32_t>(ensemble.first_replica + replica)};
    each_normal(team, source, piece_of(index % pieces, parameters), parameters,
                [&](std::size_t i, float z) LANGEVO_BODY { to[i] = proposed_parameter(x[i], sigma[i], z); });
  }
};

/// Index (member, piece): x of a member becomes its x'.
struct AcceptPiece {
  LayeredEnsemble ensemble;
  const double* proposed;  ///< [replicas][N]
  const std::uint32_t* members;
  std::size_t parameters;
  std::size_t pieces;

  template <class Team>
  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const Piece piece = piece_of(index % pieces, parameters);
    const std::size_t begin = members[index / pieces] * parameters + piece.first;
    double* const x = ensemble.state + begin;
    const double* const from = proposed + begin;
    team.each(piece.last - piece.first, [&](std::size_t i) LANGEVO_BODY { x[i] = from[i]; });
  }
};

/// Index slot: |sigma.g|.
struct GradientNorm {
  ProblemView problem;
  const double* sigma;
  const double* gradient;  ///< [slots][N]
  double* norm;            ///< [slots]

  template <class Team>
  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t slot) const {
    const BasicStepContext<const ProblemView&> context{problem, sigma, 0, 0, 0};
    const double taken =
        scaled_gradient_norm(team, context, gradient + slot * problem.network.parameter_count);
    if (team.leads()) norm[slot] = taken;
  }
};

/// How a replica moves, if it does.
struct LayeredMotion {
  GradientMotion motion;
  bool moves;
};

/// Index (replica, piece): one step along the gradient.
struct MovePiece {
  LayeredEnsemble ensemble;
  std::uint64_t step;
  std::size_t parameters;
  std::size_t pieces;
  const double* gradient;        ///< [replicas][N]
  const LayeredMotion* motions;  ///< [replicas]

  template <class Team>
  LANGEVO_FUNCTION void operator()(const Team& team, std::size_t index) const {
    const std::size_t replica = index / pieces;
    const GradientMotion motion = motions[replica].motion;
    if (!motions[replica].moves) return;
    double* const x = ensemble.state + replica * parameters;
    const double* const g = gradient + replica * parameters;
    const double* const sigma = ensemble.sigma;
    const Piece piece = piece_of(index % pieces, parameters);
    if (motion.noise > 0) {
      const RandomSource source{ensemble.seed, step, Stream::langevin_noise,
                                static_cast<std::uint32_t>(ensemble.first_replica + replica)};
      each_normal(team, source, piece, parameters, [&](std::size_t i, float z) LANGEVO_BODY {
        x[i] = shaken(motion, drifted(motion, x[i], sigma[i], g[i]), sigma[i], static_cast<double>(z));
      });
    } else {
      team.each(piece.last - piece.first, [&](std::size_t k) LANGEVO_BODY {
        const std::size_t i = piece.first + k;
        x[i] = drifted(motion, x[i], sigma[i], g[i]);
      });
    }
  }
};

}  // namespace LANGEVO_TARGET
}  // namespace langevo
