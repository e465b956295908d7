"""Delta in parts: noise of finitely many replicas, and what mutations of finite size do."""

import numpy
from matplotlib.axes import Axes

from langevo.correspondence import delta_parts, fit_bias
from langevo.run_file import Run
from langevo.style import GRADIENT, MEAN


def bias(axes: Axes, *runs: Run, time: float | None = None) -> None:
    """Delta by lambda at one time, on logarithmic axes: noise a/n, and the bias with its error and its power law.

    A bias that is not above its standard error is drawn as an arrow down from bias + error.

    @param time  None: the last one
    @raise ValueError  where the runs tell no power law, see ``langevo.correspondence.fit_bias``
    """
    parts = sorted((delta_parts(run, time) for run in runs), key=lambda part: part.lambda_)
    law = fit_bias(parts)
    lambdas = numpy.array([part.lambda_ for part in parts])
    biases, errors = (numpy.array([getattr(part, name) for part in parts]) for name in ("bias", "bias_error"))
    axes.plot(lambdas, [part.spread / part.replicas for part in parts], "s--", color="0.6", label="noise, $a/n$")
    known = biases > errors
    axes.errorbar(lambdas[known], biases[known], errors[known], fmt="o", color=MEAN["color"], label="bias")
    axes.plot(lambdas[~known], (biases + errors)[~known], linestyle="", marker=r"$\downarrow$", color=MEAN["color"])
    between = numpy.geomspace(lambdas[0], lambdas[-1], 50)
    label = rf"$\lambda^{{{law.exponent:.2f} \pm {law.exponent_error:.2f}}}$"
    axes.plot(between, law.factor * between**law.exponent, color=GRADIENT["color"], linewidth=1, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(r"$\lambda$")
    axes.set_ylabel(rf"$\Delta$ at $t = {parts[0].time:g}$")
    axes.legend(loc="best")
