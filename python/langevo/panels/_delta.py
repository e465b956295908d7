"""The distance of the mean replica from the gradient trajectory."""

import numpy
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from langevo.panels._axes import finish_time_axis, labels_of, longest_time, scale_values
from langevo.run_file import Run, RunFileError
from langevo.style import run_colors

FEW_RECORDS = 10  # a line through so few points needs their marks: one of them alone has no line


def delta(axes: Axes, *runs: Run, log: bool | None = None) -> None:
    r"""Delta(t), the mean over weights of (x_i of the gradient - <x_i>)^2, a line for each run.

    @param log  whether the axis of Delta is logarithmic; None: where it spans much
    """
    _require_correspondence(runs)
    deltas = [run.correspondence["delta"].values for run in runs]
    for run, values, color, label in zip(runs, deltas, run_colors(runs), labels_of(runs), strict=True):
        time = run.correspondence["time"].values
        few = {"marker": "o", "markersize": 3, "clip_on": False} if len(time) <= FEW_RECORDS else {}
        axes.plot(time, numpy.where(values > 0, values, numpy.nan), color=color, label=label, **few)
    scale_values(axes, [values[values > 0] for values in deltas], log)
    finish_time_axis(axes, longest_time(runs), r"$\Delta$")
    if len(runs) > 1:
        axes.legend(loc="best")


def delta_by_replicas(axes: Axes, *runs: Run, log: bool | None = None) -> None:
    """Delta at the last time against the number n of replicas averaged; dotted the slope of independent noise, 1/n.

    @param log  whether the axis of Delta is logarithmic, as that of n is; None: where it spans much
    """
    _require_correspondence(runs)
    drawn = []
    for run, color, label in zip(runs, run_colors(runs), labels_of(runs), strict=True):
        averaged = run.correspondence["replicas_averaged"].values.astype(float)
        values = run.correspondence["delta_by_replicas"].values
        axes.plot(averaged, values, "o-", color=color, markersize=3, label=label)
        drawn.append(values)
        if values[0] > 0:
            independent = values[0] * averaged[0] / averaged
            axes.plot(averaged, independent, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
            drawn.append(independent)
    axes.set_xscale("log")
    scale_values(axes, drawn, log)
    most = max(run.correspondence["replicas_averaged"].values[-1] for run in runs)
    if most <= 100:  # within two decades powers of ten say too little
        axes.set_xticks([n for n in (1, 2, 5, 10, 20, 50, 100) if n <= most])
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    if most == 1:
        axes.set_xlim(0.5, 2)
    axes.set_xlabel("replicas averaged $n$ (dotted: $1/n$)")
    axes.set_ylabel(r"$\Delta$ at the last time")
    if len(runs) > 1:
        axes.legend(loc="best")


def _require_correspondence(runs):
    for run in runs:
        if run.correspondence is None:
            raise RunFileError(f"'{run.path}' has no Delta; finish the run, with --reference auto")
