"""A table of runs for a page: what each ends with, with standard errors."""

from collections.abc import Sequence

from langevo.correspondence import delta_parts
from langevo.run_file import Run, RunFileError

COLUMNS = ("run", "replicas", "wall", "loss of the gradient", "mean loss", "loss of the mean", "Delta", "a/n", "bias")


def in_digits(value: float, error: float | None = None) -> str:
    """Four digits, or as many as its standard error leaves, with the error in brackets: 0.1234(5) +- 5 in the last one."""
    if error is None or not error > 0:
        return f"{value:.4g}"
    decimals = max(0, -int(f"{error:.0e}".split("e")[1]))
    if decimals > 6 or abs(value) < 10.0 ** (-decimals - 1) or abs(value) < 1e-3:
        return f"{value:.2e} +- {error:.0e}"
    return f"{value:.{decimals}f}({round(error * 10**decimals)})"


def in_time(seconds: float) -> str:
    """Seconds, or minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def row(name: str, run: Run) -> dict[str, str]:
    """COLUMNS of a run at its last record; "-" for what it does not hold.

    a/n is what Delta would be if the mean of its n replicas were off by chance alone, the bias the rest.
    """
    last = run.ensemble.isel(time=run.record_at())
    cells = dict.fromkeys(COLUMNS, "-")
    cells["run"] = name
    cells["replicas"] = str(run.replicas)
    if "wall_seconds" in run.root.attrs:
        cells["wall"] = in_time(float(run.root.attrs["wall_seconds"]))
    error = run.standard_error("loss")
    cells["mean loss"] = in_digits(float(last["loss_mean"]), None if error is None else float(error[run.record_at()]))
    cells["loss of the mean"] = in_digits(float(last["loss_of_mean"]))
    if run.reference is not None:
        cells["loss of the gradient"] = in_digits(float(run.reference["loss"][-1]))
    try:
        parts = delta_parts(run)
    except RunFileError:  # no gradient, no variances or no traces
        if run.correspondence is not None:
            cells["Delta"] = in_digits(float(run.correspondence["delta"][-1]))
        return cells
    cells["Delta"] = in_digits(parts.delta)
    cells["a/n"] = in_digits(parts.spread / parts.replicas)
    cells["bias"] = in_digits(parts.bias, parts.bias_error)
    return cells


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """The rows as a table."""
    lines = [COLUMNS, ["---"] * len(COLUMNS)] + [[cells[column] for column in COLUMNS] for cells in rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
