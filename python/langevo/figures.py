"""The figures of the paper, Whitelam, Selin, Park & Tamblyn, Nat. Commun. 12, 6317 (2021), from run files.

``FIGURES`` says what is in each: its run files and its panels, row by row.
"""

import contextlib
import dataclasses
import os
from collections.abc import Callable

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from langevo import panels
from langevo.figure_file import new_figure, save
from langevo.panels._axes import labels_of
from langevo.panels._weights import chosen_parameters
from langevo.run_file import Run, RunFileError, open_run
from langevo.style import STYLE

PART_OF_THE_TIME = (0.2, 0.5, 1)  # at which functions and all weights of the deep net are drawn


@dataclasses.dataclass(frozen=True)
class Panel:
    """What is drawn into one pair of axes, under which letter and title.

    ``follows``: it is of one kind with the first panel of its row, and has that one's vertical axis and no legend.
    """

    draw: Callable[[Axes], None]
    letter: str = ""
    title: str = ""
    follows: bool = False


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    ``preset``: what makes its runs. ``runs``: names of their files, without .nc. ``rows``: its panels from those that
    are there.
    """

    preset: str
    runs: tuple[str, ...]
    rows: Callable[[list[Run]], list[list[Panel]]]


def _loss(axes, run):
    panels.loss(axes, run, log=True)


def _one_weight(axes, run):
    panels.weights(axes, run, chosen_parameters(run, None)[:1])


def _loss_with_inset(axes, run):
    panels.loss(axes, run, log=True, inset=True)


def _delta_by_replicas(axes, *runs):
    panels.delta_by_replicas(axes, *runs, log=True)


def _side_by_side(*kinds):
    """Of one run, a panel of every kind."""

    def rows(runs):
        (run,) = runs
        return [[Panel(_of(kind, run), letter) for letter, kind in zip("abc", kinds, strict=False)]]

    return rows


def _by_run(*kinds):
    """A column for each run, a row with a letter for each kind of panel."""

    def rows(runs):
        columns = list(zip(runs, labels_of(runs), strict=True))
        return [
            _alike([(_of(kind, run), title if row == 0 else "") for run, title in columns], letter)
            for row, (letter, kind) in enumerate(zip("abc", kinds, strict=False))
        ]

    return rows


def _by_time(kind):
    """A row with a letter for each run, a column for each of some times."""

    def rows(runs):
        return [
            _alike([(_of(kind, run, time=part * _last_time(run)), title) for part in PART_OF_THE_TIME], letter)
            for letter, run, title in zip("abc", runs, labels_of(runs), strict=False)
        ]

    return rows


def _alike(row, letter):
    """Panels of one kind, (function, title) each: the first has the letter and the legend."""
    return [Panel(draw, "" if k else letter, title, k > 0) for k, (draw, title) in enumerate(row)]


def _compared(runs):
    """All runs together: Delta and loss. The colours are explained beside Delta."""

    def mean_loss(axes):
        panels.mean_loss(axes, *runs, log=True)
        handles, labels = axes.get_legend_handles_labels()
        gradient = [handle for handle, label in zip(handles, labels, strict=True) if label == "gradient"]
        axes.legend(handles=gradient)

    return [[Panel(lambda axes: panels.delta(axes, *runs, log=True), "a"), Panel(mean_loss, "b")]]


def _by_lambda(runs):
    """One weight of each run; below, all runs together: Delta, loss, and Delta against the replicas averaged."""
    ((delta, loss),) = _compared(runs)
    return [
        *_by_run(_one_weight)(runs),
        [
            dataclasses.replace(delta, letter="b"),
            dataclasses.replace(loss, letter="c"),
            Panel(lambda axes: _delta_by_replicas(axes, *runs), "d"),
        ],
    ]


def _regimes(runs):
    return [
        [
            Panel(lambda axes, shows=shows: panels.regimes(axes, *runs, shows=shows), letter)
            for letter, shows in zip("abc", ("loss", "distance", "acceptance"), strict=True)
        ]
    ]


def _of(kind, run, **options):
    return lambda axes: kind(axes, run, **options)


def _last_time(run):
    return float(run.ensemble["time"].values[run.record_at()])


_FIG2 = tuple(f"fig2-lambda-{value}" for value in ("0.1", "1", "10"))
_OTHER_NET = tuple(f"s2-lambda-{value}" for value in ("0.1", "1", "10"))
_FIG3 = ("fig3-lambda-0.1", "fig3-lambda-1")
_FIG6 = ("fig6-lambda-0.1", "fig6-lambda-1")

_WIDTHS = ("0.1", "1", "10", "100", "1e3", "1e4")

FIGURES = {
    "fig1": PaperFigure("fig1", ("fig1",), _side_by_side(panels.weights, panels.all_weights, _loss)),
    "fig2": PaperFigure("fig2", _FIG2, _by_lambda),
    "fig3": PaperFigure("fig3", _FIG3, _by_run(panels.weights, _loss)),
    "fig4": PaperFigure("fig3", _FIG3, _by_time(panels.all_weights)),
    "fig5": PaperFigure("fig3", _FIG3, _by_time(panels.network_function)),
    "fig6": PaperFigure("fig6", _FIG6, _by_run(panels.weights, _loss_with_inset, _delta_by_replicas)),
    "s1": PaperFigure("s1", ("s1",), _side_by_side(panels.weights, panels.all_weights, _loss)),
    "s2": PaperFigure("fig2", _FIG2, _by_run(_loss)),
    "s3": PaperFigure("s3", ("s3",), _side_by_side(panels.weights, _loss)),
    "s4": PaperFigure("s4", ("s4-reset-never", "s4-reset-every-1"), _compared),
    "fig2-other-net": PaperFigure("s2", _OTHER_NET, _by_lambda),
    "regimes": PaperFigure("regimes", tuple(f"regimes-lambda-{value}" for value in _WIDTHS), _regimes),
}


def draw(figure: PaperFigure, runs: list[Run]) -> Figure:
    """A figure of the paper as matplotlib's.

    @param figure  one of FIGURES
    @param runs    its opened runs, or those that there are
    """
    for run in runs:
        run.record_at()
    rows = figure.rows(runs)
    with matplotlib.rc_context(STYLE):
        columns = max(map(len, rows))
        drawn = new_figure(columns, len(rows))
        all_axes = drawn.subplots(len(rows), columns, squeeze=False)
        for row, axes_of_row in zip(rows, all_axes, strict=True):
            for panel, axes in zip(row, axes_of_row, strict=False):
                if panel.follows:
                    axes.sharey(axes_of_row[0])
                panel.draw(axes)
                axes.set_title(panel.title, fontsize=9)
                axes.set_title(panel.letter, fontsize=10, fontweight="bold", loc="left")
                if panel.follows:
                    axes.set_ylabel("")
                    axes.tick_params(which="both", labelleft=False)
                    if axes.get_legend() is not None:
                        axes.get_legend().remove()
            for axes in axes_of_row[len(row) :]:  # where a run is missing
                axes.remove()
    return drawn


def draw_all(directory: str, output: str, kind: str) -> tuple[list[str], list[str]]:
    """Draws the figures whose run files are in a directory.

    @param directory  that of the run files, as ``langevo reproduce -o DIRECTORY`` names them
    @param output     directory for the figures, made where it is missing
    @param kind       png, pdf or svg
    @return           paths of the figures, and a sentence for each that is left out or lacks a run
    @raise RunFileError  where there is no run file at all, or the output cannot be written
    """
    if not os.path.isdir(directory):
        raise RunFileError(f"'{directory}' is no directory; give the one that holds the run files")
    drawn, remarks, found = [], [], False
    for name, figure in FIGURES.items():
        paths = {run: os.path.join(directory, run + ".nc") for run in figure.runs}
        missing = [path for path in paths.values() if not os.path.exists(path)]
        if len(missing) == len(paths):
            remarks.append(f"{name} is left out: {_are_missing(missing)}; {_remedy(figure, directory)}")
            continue
        found = True
        try:
            with contextlib.ExitStack() as stack:
                runs = [stack.enter_context(open_run(path)) for path in paths.values() if path not in missing]
                content = draw(figure, runs)
        except RunFileError as error:
            remarks.append(f"{name} is left out: {error}")
            continue
        drawn.append(_write(content, output, f"{name}.{kind}"))
        if missing:
            remarks.append(f"{name} is not whole: {_are_missing(missing)}; {_remedy(figure, directory)}")
    if not found:
        raise RunFileError(
            f"'{directory}' holds no run of the paper's experiments under its name, e.g. fig1.nc; make one with "
            f"langevo reproduce fig1 -o {directory}"
        )
    return drawn, remarks


def _write(content, output, name):
    path = os.path.join(output, name)
    try:
        os.makedirs(output, exist_ok=True)
    except OSError as error:
        raise RunFileError(f"directory '{output}' cannot be made ({error.strerror}); give another with -o") from error
    save(content, path)
    return path


def _are_missing(paths):
    names = " and ".join(f"'{path}'" for path in paths)
    return f"{names} {'is' if len(paths) == 1 else 'are'} missing"


def _remedy(figure, directory):
    return f"make the runs with langevo reproduce {figure.preset} -o {directory}"
