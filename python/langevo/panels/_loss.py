"""Loss against time."""

import numpy
from matplotlib.axes import Axes

from langevo.panels._axes import draw_error, finish_time_axis, labels_of, longest_time, scale_values
from langevo.run_file import Run
from langevo.style import GRADIENT, MEAN, MOST_REPLICAS_DRAWN, OF_MEAN, REPLICA, run_colors

INSET_FROM = 0.7  # of the run's time: what is late
INSET_ROOM = 0.48  # of the height of the axes: what the inset has above the losses
INSET_AT = (0.6, 0.57, 0.37, 0.4)


def loss(axes: Axes, run: Run, log: bool | None = None, inset: bool = False) -> None:
    r"""Loss U(t): replicas grey (their 5 to 95 % as a band), mean green, U(<x>) blue, gradient black dashed.

    The mean has a band of its standard error, sqrt(variance / n).

    @param log    whether the axis of the loss is logarithmic; None: where the losses span much
    @param inset  whether to enlarge the late times
    """
    ensemble = run.ensemble
    time = ensemble["time"].values
    _draw_losses(axes, run)
    scale_values(axes, [ensemble["loss_min"].values, ensemble["loss_max"].values], log)
    finish_time_axis(axes, time, "loss $U$")
    if inset:
        _enlarge_late_times(axes, run)
    else:
        axes.legend(loc="best")


def _enlarge_late_times(axes, run):
    """An inset above the losses, which keep the lower part of the axes."""
    ensemble = run.ensemble
    time = ensemble["time"].values
    low, high = ensemble["loss_min"].values.min(), ensemble["loss_max"].values.max()
    room = INSET_ROOM / (1 - INSET_ROOM)
    top = high * (high / low) ** room if axes.get_yscale() == "log" else high + room * (high - low)
    bottom = axes.get_ylim()[0]
    axes.set_ylim(bottom, max(top, axes.get_ylim()[1]))
    axes.legend(loc="upper left", fontsize=7)

    late = axes.inset_axes(INSET_AT)
    _draw_losses(late, run)
    shown = time >= time[0] + INSET_FROM * (time[-1] - time[0])
    values = [ensemble[name].values[shown] for name in ("loss_quantile", "loss_of_mean")]
    if run.reference is not None:
        values.append(run.reference["loss"].sel(time=time[shown], method="nearest").values)
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    late.set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
    late.set_xlim(time[shown][0], time[-1])
    late.tick_params(labelsize=6)
    late.minorticks_off()


def _draw_losses(axes, run):
    ensemble = run.ensemble
    time = ensemble["time"].values
    quantiles = ensemble["loss_quantile"].values
    band = axes.fill_between(time, quantiles[:, 0], quantiles[:, -1], color="0.88", linewidth=0, zorder=0)
    band.set_label("replicas, 5 to 95 %")
    if "replica_loss" in ensemble:
        axes.plot(time, ensemble["replica_loss"].isel(replica=slice(MOST_REPLICAS_DRAWN)).values, **REPLICA)
    mean = ensemble["loss_mean"].values
    axes.plot(time, mean, label="mean", **MEAN)
    draw_error(axes, time, mean, run.standard_error("loss").values, MEAN["color"])
    axes.plot(time, ensemble["loss_of_mean"].values, label=r"$U(\langle x\rangle)$", **OF_MEAN)
    if run.reference is not None:
        axes.plot(run.reference["time"].values, run.reference["loss"].values, label="gradient", **GRADIENT)


def mean_loss(axes: Axes, *runs: Run, log: bool | None = None) -> None:
    """Mean loss of the replicas against t, a line and a band of its standard error for each run; gradient black."""
    for run, color, label in zip(runs, run_colors(runs), labels_of(runs), strict=True):
        time, mean = run.ensemble["time"].values, run.ensemble["loss_mean"].values
        axes.plot(time, mean, color=color, label=label, zorder=MEAN["zorder"])
        draw_error(axes, time, mean, run.standard_error("loss").values, color)
    gradients = []
    for run in runs:
        if run.reference is None:
            continue
        gradient = run.reference["time"].values, run.reference["loss"].values
        # Runs of one start have one gradient trajectory.
        if not any(all(map(numpy.array_equal, gradient, drawn)) for drawn in gradients):
            axes.plot(*gradient, label=None if gradients else "gradient", **GRADIENT)
            gradients.append(gradient)
    scale_values(axes, [run.ensemble["loss_mean"].values for run in runs], log)
    finish_time_axis(axes, longest_time(runs), "mean loss $U$")
    axes.legend(loc="best")
