"""How far the mean of the replicas is from the gradient trajectory, and why: Delta = a/n + b lambda^p.

Delta is the mean over parameters of the squared difference of the mean replica and the gradient trajectory
(Whitelam, Selin, Park & Tamblyn, Nat. Commun. 12, 6317 (2021), eq. 15). With n independent replicas of covariance C
whose true mean is off by m,

    E Delta = tr(C) / (n N) + |m|^2 / N = a/n + bias,

so that the variance over replicas, which a run file has, tells noise from what mutations of finite size do.
"""

import dataclasses
from collections.abc import Sequence

import numpy

from langevo.run_file import Run, RunFileError


@dataclasses.dataclass(frozen=True)
class DeltaParts:
    """Delta at one time of a run: ``delta`` = ``spread`` / ``replicas`` + ``bias``, all of unit 1.

    ``bias_error`` is the standard error of the bias, from the states of traced replicas.
    """

    lambda_: float
    replicas: int
    time: float
    delta: float
    spread: float
    bias: float
    bias_error: float


@dataclasses.dataclass(frozen=True)
class PowerLaw:
    """bias = ``factor`` lambda^``exponent``, with standard errors; ``chi_square`` of ``runs`` - 2 degrees of freedom."""

    factor: float
    factor_error: float
    exponent: float
    exponent_error: float
    chi_square: float
    runs: int


def delta_parts(run: Run, time: float | None = None) -> DeltaParts:
    """Delta of a run in parts, at the record nearest to ``time``; None: at the last one.

    The variance of |m|^2 + noise is 4 m.C.m/n + 2 tr(C^2)/n^2 where the mean is normal, N^2 of it that of Delta; C is
    that of the traced replicas.

    @raise RunFileError  where the run has no reference, no variance of parameters or fewer than two traced replicas
    """
    if run.reference is None or "parameter_variance" not in run.ensemble:
        raise RunFileError(f"'{run.path}' has no gradient trajectory or no variances; run it with --reference auto")
    if run.ensemble.sizes.get("trace", 0) < 2:
        raise RunFileError(f"'{run.path}' has no traced replicas to tell errors from; run it with --trace 25")
    if run.lambda_ is None:
        raise RunFileError(f"'{run.path}' does not say its lambda; give runs of mutations")
    record = run.record_at(time)
    ensemble = run.ensemble.isel(time=record)
    mean = ensemble["parameter_mean"].values
    off = mean - run.reference["state"].isel(time=record).values
    spread = float(ensemble["parameter_variance"].values.mean())
    delta = float(numpy.mean(off**2))
    states = ensemble["trace_parameter"].values - mean
    count = len(states)
    along = states @ off
    products = states @ states.T
    square_of_c = (products**2).sum() - (numpy.diag(products) ** 2).sum()
    variance = 4 * (along**2).mean() / run.replicas + 2 * square_of_c / (count * (count - 1)) / run.replicas**2
    return DeltaParts(
        lambda_=run.lambda_,
        replicas=run.replicas,
        time=float(ensemble["time"]),
        delta=delta,
        spread=spread,
        bias=delta - spread / run.replicas,
        bias_error=float(numpy.sqrt(variance)) / mean.size,
    )


def fit_bias(parts: Sequence[DeltaParts]) -> PowerLaw:
    """The power law of the biases by weighted least squares.

    @param parts  of two runs or more, with different lambdas
    @raise ValueError  where there are fewer lambdas than that, or no bias is above 0
    """
    lambdas = numpy.array([part.lambda_ for part in parts])
    biases = numpy.array([part.bias for part in parts])
    errors = numpy.array([part.bias_error for part in parts])
    if len(set(lambdas)) < 2:
        raise ValueError(f"a power law needs two lambdas, but the runs have {sorted(set(lambdas))}; give another run")
    positive = biases > 0
    if positive.sum() < 2:
        raise ValueError("fewer than two biases are above 0, so no power law can be told; give larger lambdas")
    weights = biases[positive] / errors[positive]
    exponent, log_factor = numpy.polyfit(numpy.log(lambdas[positive]), numpy.log(biases[positive]), 1, w=weights)
    for _ in range(100):  # Gauss and Newton's, since a bias may be below 0 by its error
        law = numpy.exp(log_factor) * lambdas**exponent
        jacobian = numpy.stack([law / errors, law * numpy.log(lambdas) / errors], axis=1)
        step, *_ = numpy.linalg.lstsq(jacobian, (biases - law) / errors, rcond=None)
        step *= min(1, 0.5 / max(abs(step).max(), 1e-300))
        log_factor, exponent = log_factor + step[0], exponent + step[1]
        if abs(step).max() < 1e-12:
            break
    covariance = numpy.linalg.inv(jacobian.T @ jacobian)
    factor = float(numpy.exp(log_factor))
    return PowerLaw(
        factor=factor,
        factor_error=factor * float(numpy.sqrt(covariance[0, 0])),
        exponent=float(exponent),
        exponent_error=float(numpy.sqrt(covariance[1, 1])),
        chi_square=float((((biases - law) / errors) ** 2).sum()),
        runs=len(parts),
    )
