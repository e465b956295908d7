"""The tables of ``langevo moments``: one mutation's measured moments beside their closed forms.

``a`` = beta |sigma.g| is how steep the loss is in units of a mutation; displacements are in units of sigma, along and
across the direction of sigma.g. The closed forms join the paper's two limits, a -> 0 (gradient descent) and
a -> infinity (normalized gradient descent): docs/theory.md, "One mutation".
"""

import dataclasses
import math
import os
import re

import numpy

QUANTITIES = ("acceptance", "drift along", "second moment along", "second moment across")
_NUMBER = r"[-+0-9.eE]+|inf|nan"
_ROW = re.compile(
    rf"^(?P<a>{_NUMBER}) +(?P<quantity>{'|'.join(QUANTITIES)}) +"
    rf"(?P<measured>{_NUMBER}) +(?P<expected>{_NUMBER}) +(?P<error>{_NUMBER}) +(?:{_NUMBER})$"
)


class MomentsError(ValueError):
    """A table cannot be used as asked: one sentence with the file and what to do."""


@dataclasses.dataclass(frozen=True)
class Moments:
    """What ``langevo moments`` printed.

    ``a``: [count], ascending and finite. ``measured``, ``expected``, ``error``: by quantity, [count] each, unit 1; the
    error is the standard error of the measured mean. ``heading`` says network, loss and sigma.
    """

    path: str
    heading: str
    a: numpy.ndarray
    measured: dict[str, numpy.ndarray]
    expected: dict[str, numpy.ndarray]
    error: dict[str, numpy.ndarray]


def read_moments(path: str | os.PathLike) -> Moments:
    """Reads what ``langevo moments > FILE`` left; rows of a = inf are left out.

    @raise MomentsError  where the file cannot be read or has no row of such a table
    """
    path = os.fspath(path)
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MomentsError(f"'{path}' cannot be read ({error}); give what `langevo moments > FILE` left") from error
    rows = [match for line in lines if (match := _ROW.match(line.rstrip())) and math.isfinite(float(match["a"]))]
    if not rows:
        raise MomentsError(f"'{path}' has no row of a table of moments; give what `langevo moments > FILE` left")
    by_quantity = {}
    for quantity in QUANTITIES:
        of_it = sorted((row for row in rows if row["quantity"] == quantity), key=lambda row: float(row["a"]))
        by_quantity[quantity] = {
            column: numpy.array([float(row[column]) for row in of_it]) for column in ("a", "measured", "expected", "error")
        }
    a = by_quantity[QUANTITIES[0]]["a"]
    if any(not numpy.array_equal(columns["a"], a) for columns in by_quantity.values()):
        raise MomentsError(f"'{path}' has not all {len(QUANTITIES)} moments at every a; is the table whole?")
    return Moments(
        path=path,
        heading=lines[0],
        a=a,
        **{
            column: {quantity: columns[column] for quantity, columns in by_quantity.items()}
            for column in ("measured", "expected", "error")
        },
    )
