"""Ensembles of neural networks that learn by mutation or by gradient.

Simulates them (``Network``, ``Problem``, ``Ensemble``, ``Simulation``, ``run``), reads the run files of langevo
(``open_run("run.nc")``) and draws them (``panels``). What simulates needs the extension module, which ``pip install
./python`` builds; reading and drawing run files does not. Everything is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langevo._core import (
        Ensemble,
        Gradient,
        Langevin,
        Metropolis,
        Moments,
        Network,
        NormalizedGradient,
        Problem,
        Quadrature,
        Record,
        SavedEnsemble,
        draw_initial_state,
        make_quadrature,
    )
    from langevo.pytorch import from_torch, to_torch_state_dict
    from langevo.run_file import Run, RunFileError, open_run
    from langevo.running import run
    from langevo.simulation import Simulation
    from langevo.style import STYLE

_HOMES = {
    "_core": (
        "Ensemble",
        "Gradient",
        "Langevin",
        "Metropolis",
        "Moments",
        "Network",
        "NormalizedGradient",
        "Problem",
        "Quadrature",
        "Record",
        "SavedEnsemble",
        "draw_initial_state",
        "make_quadrature",
    ),
    "pytorch": ("from_torch", "to_torch_state_dict"),
    "run_file": ("Run", "RunFileError", "open_run"),
    "running": ("run",),
    "simulation": ("Simulation",),
    "style": ("STYLE",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "STYLE",
    "Ensemble",
    "Gradient",
    "Langevin",
    "Metropolis",
    "Moments",
    "Network",
    "NormalizedGradient",
    "Problem",
    "Quadrature",
    "Record",
    "Run",
    "RunFileError",
    "SavedEnsemble",
    "Simulation",
    "draw_initial_state",
    "from_torch",
    "make_quadrature",
    "open_run",
    "run",
    "to_torch_state_dict",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'langevo' has no attribute '{name}'")
    try:
        value = getattr(importlib.import_module(f"langevo.{_HOME_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "langevo._core":
            raise
        raise ImportError(
            f"langevo.{name} needs the extension module, which is not built here; pip install the folder python/"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
