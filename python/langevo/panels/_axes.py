"""What panels have in common: axes, and the words that tell runs apart."""

import os
from collections.abc import Sequence

import numpy
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatterSciNotation, MaxNLocator, NullFormatter

from langevo.run_file import Run
from langevo.style import OF_ERROR

LEAST_SPAN = 30  # of a logarithmic axis: two powers of ten then lie in it, or one and much beside it
LEAST_DECIMAL = 1e-3  # smaller numbers are read more easily as powers of ten


class _Decimals(LogFormatterSciNotation):
    """0.3 in place of 3 x 10^-1, where a logarithmic axis spans so little that single ticks have labels."""

    def __call__(self, x, pos=None):
        return f"{x:g}" if super().__call__(x, pos) else ""


def finish_time_axis(axes: Axes, time: numpy.ndarray, label: str) -> None:
    """Common time below, the label beside it; the axis ends with the run."""
    axes.set_xlabel("time $t$")
    axes.set_ylabel(label)
    if time[-1] > time[0]:
        axes.set_xlim(time[0], time[-1])


def longest_time(runs: Sequence[Run]) -> numpy.ndarray:
    """The record times of the run that goes on longest."""
    return max((run.ensemble["time"].values for run in runs), key=lambda time: time[-1])


def scale_values(axes: Axes, values: Sequence[numpy.ndarray], log: bool | None = None) -> None:
    """The scale of the vertical axis.

    @param values  arrays that will be drawn
    @param log     whether it is logarithmic; None: where positive values span enough of it to have labels that differ
    """
    values = numpy.concatenate([numpy.ravel(v) for v in values])
    positive = values[values > 0]
    span = positive.max() / positive.min() if positive.size else 1
    if log is None:
        log = positive.size == values.size and span >= LEAST_SPAN
    if log:
        axes.set_yscale("log")
        if span >= LEAST_SPAN:
            axes.yaxis.set_minor_formatter(NullFormatter())
            return
        formatter = _Decimals if positive.min() >= LEAST_DECIMAL else LogFormatterSciNotation
        axes.yaxis.set_major_formatter(formatter())
        axes.yaxis.set_minor_formatter(formatter(labelOnlyBase=False, minor_thresholds=(2, 0.5)))


def draw_error(axes, time, mean, error, color):
    """A band of a standard error to both sides; nothing where there is none."""
    if error is not None and numpy.isfinite(error).any():
        axes.fill_between(time, mean - error, mean + error, color=color, **OF_ERROR)


def few_ticks(axes: Axes) -> None:
    """Ticks of the horizontal axis whose labels have room."""
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def write_time(axes: Axes, time: float) -> None:
    """The time of what is drawn, in the lower right corner."""
    axes.text(0.96, 0.05, f"$t = {time:.3g}$", transform=axes.transAxes, ha="right", va="bottom")


def labels_of(runs: Sequence[Run]) -> list[str]:
    """What tells the runs apart: lambda, or else how often replicas are reset, or else their files."""
    for label in (_lambda_label, _reset_label):
        labels = [label(run) for run in runs]
        if None not in labels and len(set(labels)) == len(labels):
            return labels
    return [os.path.splitext(os.path.basename(run.path))[0] for run in runs]


def _lambda_label(run):
    value = run.lambda_
    return None if value is None else rf"$\lambda = {value:.3g}$"


def _reset_label(run):
    interval = run.setting("reset-every")
    return "no resets" if interval is None else f"reset every $t = {interval:.3g}$"
