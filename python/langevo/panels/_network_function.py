"""The function that a network has learnt."""

import numpy
from matplotlib.axes import Axes

from langevo.network_function import NetworkFunction
from langevo.panels._axes import few_ticks, write_time
from langevo.run_file import Run, RunFileError
from langevo.states import states_at
from langevo.style import GRADIENT, MEAN, REPLICA, TARGET


def network_function(axes: Axes, run: Run, time: float | None = None) -> None:
    """Network functions at one time, of one input: replica 0 grey, the mean net green, the gradient's black dashed.

    The targets are a broad light line. They are drawn at the inputs of the training data.

    @param time          of the record to draw, or the nearest; None: the last one
    @raise RunFileError  for networks of several inputs
    """
    inputs, targets = run.root["input"].values, run.root["target"].values
    if inputs.shape[1] != 1:
        raise RunFileError(f"'{run.path}' is of a network of {inputs.shape[1]} inputs; draw functions of one")
    order = numpy.argsort(inputs[:, 0], kind="stable")
    inputs = inputs[order]
    states = states_at(run, time)
    network = NetworkFunction.of_run(run)
    first = None if states.replicas is None else states.replicas[0]
    axes.plot(inputs[:, 0], targets[order], **TARGET)[0].set_label("target")
    for name, parameters, line in (
        ("replica", first, REPLICA | {"color": "0.55", "linewidth": 1.2}),
        ("mean net", states.mean, MEAN),
        ("gradient", states.gradient, GRADIENT),
    ):
        if parameters is not None:
            axes.plot(inputs[:, 0], network(parameters, inputs), **line)[0].set_label(name)
    axes.set_xlim(inputs[0, 0], inputs[-1, 0])
    few_ticks(axes)
    axes.set_xlabel(r"input $\theta$")
    axes.set_ylabel(r"output $f_x(\theta)$")
    axes.legend(loc="upper left")
    write_time(axes, states.time)
