"""Reads and draws the run files of langevo: ``langevo.open_run("run.nc")``, ``langevo.panels``."""

from langevo.run_file import Run, RunFileError, open_run
from langevo.style import STYLE

__all__ = ["STYLE", "Run", "RunFileError", "open_run"]
