"""Panels of figures, each a function of matplotlib's axes and a run: ``panels.weights(axes, run)``.

All take axes and an opened Run (those that compare take several), draw into the axes and return nothing; where the
run does not hold what a panel shows they raise a RunFileError. ``langevo.STYLE`` is the look of the whole figures.
"""

from langevo.panels._all_weights import all_weights
from langevo.panels._bias import bias
from langevo.panels._delta import delta, delta_by_replicas
from langevo.panels._loss import loss, mean_loss
from langevo.panels._moments import moments
from langevo.panels._network_function import network_function
from langevo.panels._regimes import REGIMES, regime_of, regimes
from langevo.panels._scores import score
from langevo.panels._weights import weights

__all__ = [
    "REGIMES",
    "all_weights",
    "bias",
    "delta",
    "delta_by_replicas",
    "loss",
    "mean_loss",
    "moments",
    "network_function",
    "regime_of",
    "regimes",
    "score",
    "weights",
]
