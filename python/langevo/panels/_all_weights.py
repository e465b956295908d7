"""All weights at one time."""

import numpy
from matplotlib.axes import Axes

from langevo.panels._axes import draw_error, few_ticks, write_time
from langevo.run_file import Run
from langevo.states import states_at
from langevo.style import GRADIENT, MEAN, REPLICA

FEW_WEIGHTS = 1000
MOST_VECTOR_POINTS = 5000  # more of them are drawn as pixels also in PDF and SVG


def all_weights(axes: Axes, run: Run, time: float | None = None) -> None:
    """All weights x_i at one time in the order of the gradient's values, or else the mean's.

    Replicas are grey points, their mean green points with a band of its standard error, the gradient a black line.

    @param time  of the record to draw, or the nearest; None: the last one
    """
    states = states_at(run, time)
    shown = [values for values in (states.gradient, states.mean) if values is not None]
    order = numpy.argsort(shown[0] if shown else states.replicas[0], kind="stable")
    rank = numpy.arange(len(order))
    size_of_mean = 4 if len(rank) <= FEW_WEIGHTS else 1.2
    if states.replicas is not None:
        points = axes.plot(
            rank,
            states.replicas.T[order],
            ".",
            color=REPLICA["color"],
            markersize=0.6 * size_of_mean,
            markeredgewidth=0,
            zorder=REPLICA["zorder"],
            rasterized=states.replicas.size > MOST_VECTOR_POINTS,
        )
        points[0].set_label("replicas")
    if states.mean is not None:
        mean = states.mean[order]
        axes.plot(
            rank,
            mean,
            ".",
            color=MEAN["color"],
            markersize=size_of_mean,
            markeredgewidth=0,
            zorder=MEAN["zorder"],
            label="mean",
            rasterized=len(rank) > MOST_VECTOR_POINTS,
        )
        error = None if states.standard_error is None else states.standard_error[order]
        draw_error(axes, rank, mean, error, MEAN["color"])
    if states.gradient is not None:
        # Few points lie on the line, many would hide it.
        above = GRADIENT["zorder"] if len(rank) > FEW_WEIGHTS else MEAN["zorder"] - 0.5
        line = GRADIENT | {"linestyle": "-", "linewidth": 0.8, "zorder": above}
        axes.plot(rank, states.gradient[order], label="gradient", **line)
    axes.set_xlim(-0.02 * len(rank), 1.02 * len(rank) - 1)
    few_ticks(axes)
    axes.set_xlabel(f"rank of the weight under {'the gradient' if states.gradient is not None else 'mutation'}")
    axes.set_ylabel("weights $x_i$")
    axes.legend(loc="upper left", markerscale=6 / size_of_mean)
    write_time(axes, states.time)
