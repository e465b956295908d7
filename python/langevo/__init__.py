"""Reads the run files of langevo: ``langevo.open_run("run.nc")``."""

from langevo.run_file import Run, RunFileError, open_run

__all__ = ["Run", "RunFileError", "open_run"]
