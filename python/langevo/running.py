"""``langevo run`` from Python."""

import logging
import numbers
import os
from collections.abc import Callable, Sequence
from typing import Any

from langevo._core import Record, _run
from langevo.progress import ProgressBar
from langevo.run_file import Run, open_run

LOGGER = logging.getLogger("langevo")


def run(
    *,
    output: str | os.PathLike[str],
    preset: str | None = None,
    quick: bool = False,
    config: str | os.PathLike[str] | None = None,
    callback: Callable[[Record], object] | None = None,
    progress: bool | None = None,
    **settings: Any,
) -> Run | list[Run]:
    """Does what ``langevo run`` does and opens the run file: the same settings give the same bits.

    output: the run file; a preset of several runs puts their names before .nc, and a list of runs is returned.
    preset, quick: an experiment of the paper, and whether its version of a minute at most.
    config: a file of settings, which those given here override.
    callback: gets each record and ends the run where it returns something true; the records so far are then returned
        as far as they are in ``OUTPUT.partial``.
    progress: whether a bar is shown, where tqdm is installed; None: in a terminal or a notebook.
    settings: the options of the command line (docs/options.md) with underscores for dashes, such as widths=[1, 30, 1],
        beta=1e3, init_per_replica=True; one that is None is left out.

    Sentences that the command line prints go to the logger "langevo". Ctrl-C ends the run after the steps under way,
    with KeyboardInterrupt; the records so far are in ``OUTPUT.partial``.
    Raises ValueError with the command line's sentence for what cannot be done as asked, RuntimeError for a run that
    failed.
    """
    words = [(name.replace("_", "-"), _text(name, value)) for name, value in settings.items() if value is not None]
    words.append(("output", os.fspath(output)))
    sentences: list[str] = []

    def say(sentence: str, matters: bool) -> None:
        sentences.append(sentence)
        LOGGER.log(logging.WARNING if matters else logging.INFO, "%s", sentence)

    with ProgressBar(progress) as bar:
        try:
            outputs, is_whole = _run(
                words, preset, quick, None if config is None else os.fspath(config), callback, say, bar.show
            )
        except KeyboardInterrupt as interrupt:
            if sentences:
                interrupt.add_note(sentences[-1])
            raise
    paths = outputs if is_whole else [path for path in map(_what_there_is, outputs) if path]
    runs: list[Run] = [open_run(path) for path in paths]
    if len(outputs) > 1:
        return runs
    if not runs:
        raise RuntimeError(f"the run was stopped before a record was written to '{outputs[0]}'; stop it later")
    return runs[0]


def _text(name: str, value: object) -> str:
    """A value in the words of the command line."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        return repr(float(value))
    if isinstance(value, Sequence):
        return ",".join(_text(name, part) for part in value)
    raise ValueError(f"{name} is {value!r}; give a number, a word, a list of numbers, True or False")


def _what_there_is(output: str) -> str | None:
    """The run file, or what was recorded of a run that was stopped."""
    for path in (output, os.path.realpath(output) + ".partial"):
        if os.path.exists(path):
            return path
    return None
