"""A progress bar, where tqdm is installed."""

from types import TracebackType
from typing import Any, Self


class ProgressBar:
    """Shows how far work is that has a name.

    progress: True shows it, False does not, None where standard error is a terminal or a notebook. Without tqdm nothing
    is shown.
    """

    def __init__(self, progress: bool | None) -> None:
        self._progress = progress
        self._name: str | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def show(self, name: str, fraction: float) -> None:
        """Shows `fraction`, 0 to 1, of the work called `name`."""
        if name != self._name:
            self._close()
            self._name = name
            self._bar = _new_bar(name, self._progress)
        if self._bar is not None:
            self._bar.update(100 * fraction - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _new_bar(name: str, progress: bool | None) -> Any:
    if progress is False or not name:
        return None
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        return None
    layout = "{desc}: {percentage:3.0f} % |{bar}| {elapsed} < {remaining}"
    return tqdm(total=100, desc=name, bar_format=layout, disable=None if progress is None else False)
