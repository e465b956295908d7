"""One mutation's drift and diffusion against the steepness of the loss."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from langevo.moments import QUANTITIES, Moments, MomentsError
from langevo.style import GRADIENT

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
NAMES = {
    "acceptance": "acceptance",
    "drift along": r"drift along $-G$, in $\sigma$",
    "second moment along": r"second moment along, in $\sigma^2$",
    "second moment across": r"second moment across, in $\sigma^2$",
}


def moments(axes: Axes, tables: Sequence[Moments], quantity: str, labels: Sequence[str], as_z: bool = False) -> None:
    """A moment of one mutation against a = beta |sigma.g|, measured with standard errors, closed form black.

    @param quantity  acceptance, drift along (its sign turned), second moment along, second moment across
    @param labels    one for each table
    @param as_z      whether to draw (measured - closed form) / standard error instead
    """
    if quantity not in QUANTITIES:
        raise MomentsError(f"there is no moment {quantity!r}; give one of {', '.join(QUANTITIES)}")
    sign = -1 if quantity == "drift along" else 1
    for k, (table, label) in enumerate(zip(tables, labels, strict=True)):
        measured, error = sign * table.measured[quantity], table.error[quantity]
        if as_z:
            measured, error = (table.measured[quantity] - table.expected[quantity]) / error, None
        marks = {"fmt": "os^vDPX*"[k % 8], "markersize": 3, "linewidth": 0.8, "color": COLORS[k % len(COLORS)]}
        axes.errorbar(table.a, measured, error, label=label, zorder=2, **marks)
    longest = max(tables, key=lambda table: len(table.a))
    closed = 0 * longest.a if as_z else sign * longest.expected[quantity]
    axes.plot(longest.a, closed, color=GRADIENT["color"], linewidth=1, label="closed form", zorder=3)
    axes.set_xscale("log")
    if quantity == "drift along" and not as_z:
        axes.set_yscale("log")
    axes.set_xlabel(r"$a = \beta\,|\sigma \cdot g|$")
    axes.set_ylabel("off by standard errors, $z$" if as_z else NAMES[quantity])
    axes.legend(loc="best")
