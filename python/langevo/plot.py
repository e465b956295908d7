"""Draws runs: weights, loss and the distance Delta from the gradient trajectory."""

import io
import math
import os
import tempfile

import matplotlib
import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from langevo.run_file import RunFileError

STYLE = {
    "font.family": "serif",
    "font.size": 9,
    "mathtext.fontset": "cm",
    "axes.formatter.use_mathtext": True,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.2,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
}
REPLICA = {"color": "0.72", "linewidth": 0.4, "alpha": 0.8, "zorder": 1}
MEAN = {"color": "#1b9e3f", "linewidth": 1.6, "zorder": 3}
OF_MEAN = {"color": "#2b5d9c", "linewidth": 1.0, "linestyle": "-.", "zorder": 4}
GRADIENT = {"color": "black", "linewidth": 1.0, "linestyle": (0, (4, 3)), "zorder": 5}
DELTA_COLORS = ("#1b9e3f", "#2b5d9c", "#c4502f", "#7d4ea3", "#8a6d1f", "#3aa6a6")

MOST_REPLICAS_DRAWN = 25
WEIGHTS_BY_DEFAULT = 4
FEW_RECORDS = 10  # a line through so few points needs their marks: one of them alone has no line
LEAST_SPAN = 30  # of a logarithmic axis: two powers of ten then lie in it, or one and much beside it


def chosen_parameters(runs, parameters):
    """The indices to draw: those asked for, or the few that move most; none where no run has any stored."""
    counts = {run.root.sizes["parameter"] for run in runs}
    names = [list(run.root["parameter_name"].values) for run in runs]
    for run, run_names in zip(runs, names, strict=True):
        if run_names != names[0]:
            raise RunFileError(
                f"'{run.path}' and '{runs[0].path}' hold different networks; draw them in separate figures"
            )
    (count,) = counts
    if parameters is None:
        return _that_move_most(runs[0], count)
    for index in parameters:
        if not 0 <= index < count:
            raise RunFileError(f"parameter {index} is not in '{runs[0].path}'; give indices from 0 to {count - 1}")
    for run in runs:
        if not _has_weights(run):
            raise RunFileError(f"'{run.path}' stores no parameters; run with --record-parameters mean or --trace")
    return parameters


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


def _has_weights(run):
    return "parameter_mean" in run.ensemble or "trace_parameter" in run.ensemble


def label_of(run):
    value = run.lambda_
    if value is not None:
        return rf"$\lambda = {value:.3g}$"
    return os.path.splitext(os.path.basename(run.path))[0]


def draw_weights(axes, run, parameters):
    """Chosen weights against t: replicas grey, mean green, gradient black dashed; each ends at its index."""
    time = run.ensemble["time"].values
    ends = []
    for number, index in enumerate(parameters):
        first = number == 0
        if "trace_parameter" in run.ensemble:
            traces = run.ensemble["trace_parameter"].isel(parameter=index)
            traces = traces.isel(trace=slice(MOST_REPLICAS_DRAWN)).values
            lines = axes.plot(time, traces, **REPLICA)
            lines[0].set_label("replicas" if first else None)
            end = traces[-1].mean()
        if "parameter_mean" in run.ensemble:
            mean = run.ensemble["parameter_mean"].isel(parameter=index).values
            axes.plot(time, mean, label="mean" if first else None, **MEAN)
            end = mean[-1]
        if run.reference is not None:
            weight = run.reference["state"].isel(parameter=index).values
            axes.plot(run.reference["time"].values, weight, label="gradient" if first else None, **GRADIENT)
        ends.append((end, index))
    _finish_time_axis(axes, time, "weights $x_i$")
    _label_ends(axes, ends)
    axes.legend(loc="best")


def _label_ends(axes, ends):
    """Writes indices beside the ends of their lines, bottom up, moved apart where they would overlap."""
    bottom, top = axes.get_ylim()
    lowest = -math.inf
    for value, index in sorted(ends):
        height = max((value - bottom) / (top - bottom), lowest)
        lowest = height + 0.05
        axes.annotate(
            str(index),
            (1, height),
            (3, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=7,
            color="0.3",
        )


def draw_loss(axes, run):
    """Loss against t: replicas grey (their 5 to 95 % as a band), mean green, mean network blue, gradient black."""
    ensemble = run.ensemble
    time = ensemble["time"].values
    quantiles = ensemble["loss_quantile"].values
    band = axes.fill_between(time, quantiles[:, 0], quantiles[:, -1], color="0.88", linewidth=0, zorder=0)
    band.set_label("replicas, 5 to 95 %")
    if "replica_loss" in ensemble:
        axes.plot(time, ensemble["replica_loss"].isel(replica=slice(MOST_REPLICAS_DRAWN)).values, **REPLICA)
    axes.plot(time, ensemble["loss_mean"].values, label="mean", **MEAN)
    axes.plot(time, ensemble["loss_of_mean"].values, label=r"$U(\langle x\rangle)$", **OF_MEAN)
    if run.reference is not None:
        axes.plot(run.reference["time"].values, run.reference["loss"].values, label="gradient", **GRADIENT)
    _scale_values(axes, [ensemble["loss_min"].values, ensemble["loss_max"].values])
    _finish_time_axis(axes, time, "loss $U$")
    axes.legend(loc="best")


def draw_delta(axes, runs):
    r"""Delta(t), one line a run."""
    deltas = [run.correspondence["delta"].values for run in runs]
    for run, delta, color in zip(runs, deltas, _colors(runs), strict=True):
        time = run.correspondence["time"].values
        few = {"marker": "o", "markersize": 3, "clip_on": False} if len(time) <= FEW_RECORDS else {}
        axes.plot(time, numpy.where(delta > 0, delta, numpy.nan), color=color, label=label_of(run), **few)
    _scale_values(axes, [delta[delta > 0] for delta in deltas])
    _finish_time_axis(axes, max((run.ensemble["time"].values for run in runs), key=lambda t: t[-1]), r"$\Delta$")
    if len(runs) > 1:
        axes.legend(loc="best")


def draw_delta_by_replicas(axes, runs):
    """Delta at the last time against the number of replicas averaged, with the slope of independent noise, 1/m."""
    for run, color in zip(runs, _colors(runs), strict=True):
        averaged = run.correspondence["replicas_averaged"].values.astype(float)
        delta = run.correspondence["delta_by_replicas"].values
        axes.plot(averaged, delta, "o-", color=color, markersize=3, label=label_of(run))
        if delta[0] > 0:
            axes.plot(averaged, delta[0] * averaged[0] / averaged, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    axes.set_xscale("log")
    _scale_values(axes, [run.correspondence["delta_by_replicas"].values for run in runs])
    most = max(run.correspondence["replicas_averaged"].values[-1] for run in runs)
    if most <= 100:  # within two decades powers of ten say too little
        axes.set_xticks([m for m in (1, 2, 5, 10, 20, 50, 100) if m <= most])
        axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    if most == 1:
        axes.set_xlim(0.5, 2)
    axes.set_xlabel("replicas averaged (dotted: $1/m$)")
    axes.set_ylabel(r"$\Delta$ at the last time")
    if len(runs) > 1:
        axes.legend(loc="best")


def _colors(runs):
    return [DELTA_COLORS[i % len(DELTA_COLORS)] for i in range(len(runs))]


def _scale_values(axes, values):
    """A logarithmic axis where positive values span enough of it to have labels that differ, else a linear one."""
    values = numpy.concatenate([numpy.ravel(v) for v in values])
    if values.size and values.min() > 0 and values.max() >= LEAST_SPAN * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _finish_time_axis(axes, time, label):
    axes.set_xlabel("time $t$")
    axes.set_ylabel(label)
    if time[-1] > time[0]:
        axes.set_xlim(time[0], time[-1])


def draw(runs, parameters=None):
    """One figure of one or several runs: a row of weights and loss for each, then Delta for all.

    @param runs        opened runs of the same network
    @param parameters  indices of the weights to draw; None: the few that move most
    """
    for run in runs:
        if run.ensemble.sizes["time"] == 0:
            raise RunFileError(f"'{run.path}' holds no record yet; draw it later")
    indices = chosen_parameters(runs, parameters)
    panels = []
    for run in runs:
        title = label_of(run) if len(runs) > 1 else None
        if _has_weights(run):
            panels.append((title, lambda axes, run=run: draw_weights(axes, run, indices)))
        panels.append((title, lambda axes, run=run: draw_loss(axes, run)))
    compared = [run for run in runs if run.correspondence is not None]
    if compared:
        panels.append((None, lambda axes: draw_delta(axes, compared)))
        panels.append((None, lambda axes: draw_delta_by_replicas(axes, compared)))

    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.6 * columns, 2.7 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        for number, (title, panel) in enumerate(panels):
            axes = figure.add_subplot(rows, columns, number + 1)
            panel(axes)
            if title:
                axes.set_title(title, fontsize=9)
    return figure


def save(figure, path):
    """Writes the figure in the format of the name's ending; never half of it under that name."""
    kind = os.path.splitext(path)[1].lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        endings = ", ".join(sorted(known))
        raise RunFileError(f"figure '{path}' ends in no format that can be drawn; use one of {endings}")
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(content, format=kind, dpi=200)
    partial = None
    try:
        descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(path) or ".", suffix=".partial")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.getvalue())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except OSError as error:
        if partial and os.path.exists(partial):
            os.unlink(partial)
        raise RunFileError(
            f"figure '{path}' cannot be written ({error.strerror}); give a name in a directory that is writable"
        ) from error
