"""Whether an ensemble at a finite temperature has come to equilibrium, by ArviZ's diagnostics (pip install arviz-stats).

A chain is a replica, a draw one of its records; a superchain are the replicas that share a start. Rank-normalised
split R-hat and effective sample sizes: Vehtari, Gelman, Simpson, Carpenter & Buerkner, Bayesian Analysis 16, 667 (2021).
Nested R-hat, for many short chains: Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari & Gelman, Bayesian Analysis
(2024).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy
from numpy.typing import ArrayLike

from langevo.run_file import Run, RunFileError


@dataclasses.dataclass(frozen=True)
class Convergence:
    """Diagnostics of one quantity, unit 1 each; below 1.01 an R-hat says that chains have forgotten their starts.

    ``nested_r_hat`` is None with fewer than two starts, and where ArviZ is older than arviz-stats 0.6, which first has it
    (that needs NumPy 2); ``r_hat`` and numbers of effective draws are None with fewer than four draws.
    """

    chains: int
    draws: int
    r_hat: float | None
    nested_r_hat: float | None
    effective_draws: float | None
    effective_tail_draws: float | None


def convergence(draws: ArrayLike, starts: Sequence[int] | None = None) -> Convergence:
    """Diagnostics of draws of one quantity.

    @param draws   (chain, draw), e.g. losses of replicas at equilibrium
    @param starts  (chain,), a number for each chain: those with the same one began in the same state
    @raise ValueError   for other shapes, numbers that are not finite, or starts with unequal numbers of chains
    @raise ImportError  where ArviZ is not installed
    """
    try:
        import arviz_stats
    except ImportError as error:
        raise ImportError("diagnostics of equilibrium are ArviZ's, which is missing; pip install arviz-stats") from error
    values = numpy.asarray(draws, dtype=float)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1 or not numpy.isfinite(values).all():
        raise ValueError(f"draws have the shape {values.shape}; give finite numbers [chain][draw] of two chains or more")
    nested = None
    if starts is not None:
        starts = list(starts)
        counts = {start: starts.count(start) for start in starts}
        if len(starts) != len(values) or len(set(counts.values())) > 1:
            raise ValueError(f"{len(values)} chains have starts {counts}; give one for each, all equally often")
        if len(counts) > 1 and hasattr(arviz_stats, "rhat_nested"):
            nested = float(arviz_stats.rhat_nested(values, superchain_ids=starts, chain_axis=0, draw_axis=1))
    axes = {"chain_axis": 0, "draw_axis": 1}
    r_hat = effective = effective_tail = None
    if values.shape[1] >= 4:
        r_hat = float(arviz_stats.rhat(values, **axes))
        effective = float(arviz_stats.ess(values, **axes))
        effective_tail = float(arviz_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes))
    return Convergence(values.shape[0], values.shape[1], r_hat, nested, effective, effective_tail)


def convergence_of_runs(*runs: Run, first_time: float | None = None) -> Convergence:
    """Of the losses of all replicas of runs of equal length; the replicas of a run share its start.

    @param first_time  records before it are left out; None: the first half of the time
    @raise RunFileError  for runs at beta = inf, which come to no equilibrium, and without losses of replicas
    """
    draws, starts = [], []
    for number, run in enumerate(runs):
        beta = run.setting("beta")
        if beta is None or not math.isfinite(float(beta)):
            raise RunFileError(f"'{run.path}' has no finite beta, so that it comes to no equilibrium; give one that has")
        if "replica_loss" not in run.ensemble:
            raise RunFileError(f"'{run.path}' has no losses of replicas; run it without --no-replica-loss")
        time = run.ensemble["time"].values
        first = time[0] + (time[-1] - time[0]) / 2 if first_time is None else first_time
        draws.append(run.ensemble["replica_loss"].values[time >= first].T)
        starts += [number] * len(draws[-1])
    if len({values.shape for values in draws}) > 1:
        shapes = ", ".join(f"{values.shape[0]} replicas of {values.shape[1]} records" for values in draws)
        raise RunFileError(f"the runs differ ({shapes} after the first time); give runs with equal schedules")
    return convergence(numpy.concatenate(draws), starts)
