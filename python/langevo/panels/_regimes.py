"""What becomes of learning as mutations get wider: four regimes."""

import numpy
from matplotlib.axes import Axes

from langevo.correspondence import delta_parts
from langevo.run_file import Run
from langevo.style import GRADIENT, MEAN, REPLICA

REGIMES = ("each follows", "the mean follows", "learns otherwise", "does not learn")
NEAR = 0.01  # of the squared way of the gradient
LEARNT = 0.5  # of the loss at the start
LEGEND = {"loss": "center left", "distance": "lower right", "acceptance": "lower left"}  # where there are no points


def squared_way(run: Run) -> float:
    """Mean over parameters of (x_i at the end - x_i at the start)^2 of the gradient trajectory."""
    states = run.reference["state"].values
    return float(numpy.mean((states[-1] - states[0]) ** 2))


def regime_of(run: Run) -> str:
    """One of REGIMES, at the end of a run of mutations.

    Each replica follows the gradient where its mean squared distance from it, a + bias, is below 1/100 of the squared
    way; the mean of many does where the bias is (see ``langevo.correspondence``). Otherwise it learns where the mean
    loss is below half of that at the start; where one mutation is too wide to be compared there is no gradient.
    """
    if run.reference is not None:
        parts, way = delta_parts(run), squared_way(run)
        if parts.spread + parts.bias < NEAR * way:
            return REGIMES[0]
        if parts.bias < NEAR * way:
            return REGIMES[1]
    loss = run.ensemble["loss_mean"].values
    return REGIMES[2] if loss[-1] < LEARNT * loss[0] else REGIMES[3]


def regimes(axes: Axes, *runs: Run, shows: str = "loss") -> None:
    """One number of each run at its end against lambda, the regimes as bands.

    @param shows  loss: mean of the replicas and gradient, relative to the start; distance: mean squared distance from
                  the gradient of a replica and of the mean of many, relative to the squared way; acceptance
    @raise ValueError  for another word
    """
    runs = sorted(runs, key=lambda run: run.lambda_)
    lambdas = numpy.array([run.lambda_ for run in runs])
    if shows == "loss":
        losses = [run.ensemble["loss_mean"].values for run in runs]
        axes.plot(lambdas, [loss[-1] / loss[0] for loss in losses], "o-", color=MEAN["color"], label="mean of replicas")
        compared = [run for run in runs if run.reference is not None]
        ends = [run.reference["loss"].values[-1] / run.reference["loss"].values[0] for run in compared]
        axes.plot([run.lambda_ for run in compared], ends, **{**GRADIENT, "label": "gradient"})
        axes.set_ylabel("loss at the end / at the start")
    elif shows == "distance":
        compared = [run for run in runs if run.reference is not None]
        parts = [delta_parts(run) for run in compared]
        ways = numpy.array([squared_way(run) for run in compared])
        of_one = numpy.array([part.spread + part.bias for part in parts]) / ways
        of_mean = numpy.array([part.bias for part in parts]) / ways
        shown = [run.lambda_ for run in compared]
        axes.plot(shown, of_one, "s-", color=REPLICA["color"], label="a replica")
        axes.errorbar(shown, of_mean, [part.bias_error for part in parts] / ways, fmt="o-", color=MEAN["color"],
                      label="mean of many")
        axes.axhline(NEAR, color="0.6", linestyle=":")
        axes.set_ylabel("squared distance / squared way")
    elif shows == "acceptance":
        accepted = [float(numpy.nanmean(run.ensemble["accepted_fraction"].values)) for run in runs]
        axes.plot(lambdas, accepted, "o-", color=MEAN["color"], label="mean of replicas")
        axes.set_ylabel("accepted mutations")
    else:
        raise ValueError(f"panels.regimes shows loss, distance or acceptance, not {shows!r}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(r"$\lambda$")
    _draw_bands(axes, lambdas, [regime_of(run) for run in runs])
    axes.legend(loc=LEGEND[shows])


def _draw_bands(axes, lambdas, names):
    """A band from half way before the first run of a regime to half way behind its last, on the logarithmic axis."""
    middles = numpy.sqrt(lambdas[1:] * lambdas[:-1])
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top * (top / bottom) ** 0.15)  # room for their names
    edges = numpy.concatenate([[lambdas[0] ** 1.5 / middles[0] ** 0.5], middles, [lambdas[-1] ** 1.5 / middles[-1] ** 0.5]])
    for number, regime in enumerate(REGIMES):
        of_it = [k for k, name in enumerate(names) if name == regime]
        if not of_it:
            continue
        axes.axvspan(edges[of_it[0]], edges[of_it[-1] + 1], color=str(0.97 - 0.05 * number), zorder=0, linewidth=0)
        middle = numpy.sqrt(edges[of_it[0]] * edges[of_it[-1] + 1])
        lines = "\n".join(regime.rsplit(" ", 1))
        axes.text(middle, 0.98, lines, transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=6)
    axes.set_xlim(edges[0], edges[-1])
