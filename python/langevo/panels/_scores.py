"""What networks make of data beside the training loss, against time."""

from matplotlib.axes import Axes

from langevo.panels._axes import draw_error, finish_time_axis, scale_values
from langevo.run_file import Run, RunFileError
from langevo.style import GRADIENT, MEAN, MOST_REPLICAS_DRAWN, OF_MEAN, REPLICA

SCORES = {
    "accuracy": "accuracy on training data",
    "test_loss": "loss on held-out data",
    "test_accuracy": "accuracy on held-out data",
}


def scores_of(run: Run) -> list[str]:
    """Which of the scores the run has: accuracy, test_loss, test_accuracy."""
    return [name for name in SCORES if f"{name}_mean" in run.ensemble]


def score(axes: Axes, run: Run, name: str, log: bool | None = None) -> None:
    """A score against t: replicas grey, their mean green with its standard error, mean net blue, gradient black.

    @param name  accuracy, test_loss or test_accuracy
    @param log   whether the axis of the values is logarithmic; None: where they are losses that span much
    """
    if name not in scores_of(run):
        raise RunFileError(f"'{run.path}' has no {name!r}; it has {', '.join(scores_of(run)) or 'no scores'}")
    ensemble = run.ensemble
    time = ensemble["time"].values
    mean = ensemble[f"{name}_mean"].values
    if f"replica_{name}" in ensemble:
        axes.plot(time, ensemble[f"replica_{name}"].isel(replica=slice(MOST_REPLICAS_DRAWN)).values, **REPLICA)
    axes.plot(time, mean, label="mean", **MEAN)
    draw_error(axes, time, mean, run.standard_error(name).values, MEAN["color"])
    axes.plot(time, ensemble[f"{name}_of_mean"].values, label="of mean net", **OF_MEAN)
    if run.reference is not None:
        axes.plot(run.reference["time"].values, run.reference[name].values, label="gradient", **GRADIENT)
    if name == "test_loss":
        scale_values(axes, [mean], log)
    elif log:
        axes.set_yscale("log")
    finish_time_axis(axes, time, SCORES[name])
    axes.legend(loc="best")
