"""Draws runs side by side: weights, loss and the distance Delta from the gradient trajectory; and tables of moments."""

import math
import os
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from langevo import panels
from langevo.figure_file import new_figure
from langevo.moments import Moments
from langevo.panels._axes import labels_of
from langevo.panels._scores import scores_of
from langevo.panels._weights import chosen_parameters, has_parameters
from langevo.run_file import Run, RunFileError
from langevo.style import STYLE


def draw(runs: Sequence[Run], parameters: Sequence[int] | None = None) -> Figure:
    """One figure of one or several runs: a row of weights and loss for each, then Delta for all.

    @param runs        opened runs of the same network
    @param parameters  indices of the weights to draw; None: the few that move most in the first run
    """
    for run in runs:
        run.record_at()
    _require_one_network(runs)
    shows_weights = [parameters is not None or has_parameters(run) for run in runs]
    if parameters is None and any(shows_weights):
        parameters = chosen_parameters(runs[shows_weights.index(True)], None)
    titles = labels_of(runs) if len(runs) > 1 else [None]
    drawn = []
    for run, title, has_weights in zip(runs, titles, shows_weights, strict=True):
        if has_weights:
            drawn.append((title, lambda axes, run=run: panels.weights(axes, run, parameters)))
        drawn.append((title, lambda axes, run=run: panels.loss(axes, run)))
        for name in scores_of(run):
            drawn.append((title, lambda axes, run=run, name=name: panels.score(axes, run, name)))
    compared = [run for run in runs if run.correspondence is not None]
    if compared:
        drawn.append((None, lambda axes: panels.delta(axes, *compared)))
        drawn.append((None, lambda axes: panels.delta_by_replicas(axes, *compared)))

    columns = min(2, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(columns, rows)
        for number, (title, panel) in enumerate(drawn):
            axes = figure.add_subplot(rows, columns, number + 1)
            panel(axes)
            if title:
                axes.set_title(title, fontsize=9)
    return figure


def draw_moments(tables: Sequence[Moments]) -> Figure:
    """Drift and second moments of one mutation against a, and how many standard errors they are off."""
    labels = [os.path.splitext(os.path.basename(table.path))[0] for table in tables]
    quantities = ("drift along", "second moment along", "second moment across")
    with matplotlib.rc_context(STYLE):
        figure = new_figure(len(quantities), 2)
        all_axes = figure.subplots(2, len(quantities))
        for row, as_z in zip(all_axes, (False, True), strict=True):
            for axes, quantity in zip(row, quantities, strict=True):
                panels.moments(axes, tables, quantity, labels, as_z)
                if axes is not all_axes[0, 0]:
                    axes.get_legend().remove()
    return figure


def _require_one_network(runs):
    names = [list(run.root["parameter_name"].values) for run in runs]
    for run, run_names in zip(runs, names, strict=True):
        if run_names != names[0]:
            raise RunFileError(
                f"'{run.path}' and '{runs[0].path}' hold different networks; draw them in separate figures"
            )
