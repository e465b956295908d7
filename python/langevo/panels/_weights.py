"""Single weights against time."""

import math
from collections.abc import Sequence

import numpy
from matplotlib.axes import Axes

from langevo.panels._axes import draw_error, finish_time_axis
from langevo.run_file import Run, RunFileError
from langevo.style import GRADIENT, MEAN, MOST_REPLICAS_DRAWN, REPLICA

WEIGHTS_BY_DEFAULT = 4


def weights(axes: Axes, run: Run, parameters: Sequence[int] | None = None) -> None:
    """Single weights x_i(t): replicas grey, their mean green, the gradient black dashed; each ends at its index.

    The mean has a band of its standard error, sqrt(variance / n).

    @param parameters  their indices; None: the few that move most
    """
    indices = chosen_parameters(run, parameters)
    ensemble = run.ensemble
    time = ensemble["time"].values
    stored = {}
    if "trace_parameter" in ensemble:
        stored["replicas"] = ensemble["trace_parameter"].isel(trace=slice(MOST_REPLICAS_DRAWN), parameter=indices)
    if "parameter_mean" in ensemble:
        stored["mean"] = ensemble["parameter_mean"].isel(parameter=indices)
    stored = {name: values.values for name, values in stored.items()}
    errors = run.standard_error("parameter")
    ends = []
    for number, index in enumerate(indices):
        first = number == 0
        if "replicas" in stored:
            traces = stored["replicas"][..., number]
            lines = axes.plot(time, traces, **REPLICA)
            lines[0].set_label("replicas" if first else None)
            end = traces[-1].mean()
        if "mean" in stored:
            mean = stored["mean"][:, number]
            axes.plot(time, mean, label="mean" if first else None, **MEAN)
            error = None if errors is None else errors.isel(parameter=index).values
            draw_error(axes, time, mean, error, MEAN["color"])
            end = mean[-1]
        if run.reference is not None:
            weight = run.reference["state"].isel(parameter=index).values
            axes.plot(run.reference["time"].values, weight, label="gradient" if first else None, **GRADIENT)
        ends.append((end, index))
    finish_time_axis(axes, time, "weights $x_i$")
    _label_ends(axes, ends)
    axes.legend(loc="best")


def chosen_parameters(run: Run, parameters: Sequence[int] | None) -> list[int]:
    """The indices asked for, or the few that move most.

    @raise RunFileError  where one of them does not exist, or the file stores no parameters
    """
    count = run.root.sizes["parameter"]
    for index in parameters or []:
        if not 0 <= index < count:
            raise RunFileError(f"parameter {index} is not in '{run.path}'; give indices from 0 to {count - 1}")
    if not has_parameters(run):
        raise RunFileError(f"'{run.path}' stores no parameters; run with --record-parameters mean or --trace")
    return _that_move_most(run, count) if parameters is None else list(parameters)


def has_parameters(run: Run) -> bool:
    """Whether the file stores parameters of its replicas, or their mean."""
    return "parameter_mean" in run.ensemble or "trace_parameter" in run.ensemble


def _that_move_most(run, count):
    """Of the gradient trajectory, or else of the mean replica; evenly spaced ones where neither is stored."""
    if run.reference is not None:
        path = run.reference["state"].values
    elif "parameter_mean" in run.ensemble:
        path = run.ensemble["parameter_mean"].values
    else:
        return sorted({round(i) for i in numpy.linspace(0, count - 1, WEIGHTS_BY_DEFAULT)})
    distance = numpy.abs(path[-1] - path[0])
    return sorted(int(i) for i in numpy.argsort(-distance, kind="stable")[:WEIGHTS_BY_DEFAULT])


def _label_ends(axes, ends):
    """Writes indices beside the ends of their lines, bottom up, moved apart where they would overlap."""
    bottom, top = axes.get_ylim()
    lowest = -math.inf
    for value, index in sorted(ends):
        height = max(value, lowest)
        lowest = height + 0.05 * (top - bottom)
        axes.annotate(
            str(index),
            (1, height),
            (3, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color="0.3",
        )
