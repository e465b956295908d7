"""For the test programs of ctest: the Python package of the sources on the path, and a skip where others are missing."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "python"
SKIPPED = 77  # what ctest takes for "skipped"
sys.path.insert(0, str(PACKAGE))


@contextlib.contextmanager
def needed() -> Iterator[None]:
    """Around imports: ends the program as skipped where one of other packages is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name == "langevo":
            raise
        print(f"skipped: the Python package {error.name} is missing")
        sys.exit(SKIPPED)


def call_langevo(*arguments) -> subprocess.CompletedProcess:
    """python3 -m langevo ARGUMENTS from the sources, as a user calls it; its output is text."""
    command = [sys.executable, "-m", "langevo", *map(str, arguments)]
    environment = dict(os.environ, PYTHONPATH=str(PACKAGE))
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
