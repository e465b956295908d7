"""The states of a run at one time."""

import dataclasses

import numpy

from langevo.run_file import Run, RunFileError
from langevo.style import MOST_REPLICAS_DRAWN


@dataclasses.dataclass(frozen=True)
class States:
    """What a record has of the parameters; None where the file does not store it.

    ``time``: t of the record. ``replicas``: (trace, parameter), the first of those traced. ``mean``,
    ``standard_error``: (parameter,), over all replicas. ``gradient``: (parameter,), of the reference.
    """

    time: float
    replicas: numpy.ndarray | None
    mean: numpy.ndarray | None
    standard_error: numpy.ndarray | None
    gradient: numpy.ndarray | None


def states_at(run: Run, time: float | None = None) -> States:
    """The states of the record nearest to a time; None: of the last record.

    @raise RunFileError  where the run stores no states at all
    """
    record = run.record_at(time)
    ensemble = run.ensemble
    time = float(ensemble["time"][record])
    replicas = mean = error = gradient = None
    if "trace_parameter" in ensemble:
        replicas = ensemble["trace_parameter"].isel(time=record, trace=slice(MOST_REPLICAS_DRAWN)).values
    if "parameter_mean" in ensemble:
        mean = ensemble["parameter_mean"].isel(time=record).values
    if "parameter_variance" in ensemble:
        error = numpy.sqrt(ensemble["parameter_variance"].isel(time=record).values / run.replicas)
    if run.reference is not None:
        gradient = run.reference["state"].sel(time=time, method="nearest").values
    if replicas is None and mean is None:
        raise RunFileError(f"'{run.path}' stores no parameters; run with --record-parameters mean or --trace")
    return States(time, replicas, mean, error, gradient)
