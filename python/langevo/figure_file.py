"""Figures become files."""

import io
import os
import tempfile

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from langevo.run_file import RunFileError
from langevo.style import STYLE


def new_figure(columns: int, rows: int) -> Figure:
    """An empty figure for so many panels; draw into it within the context of STYLE."""
    figure = Figure(figsize=(3.6 * columns, 2.7 * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09)  # inches: the last and first tick of neighbours stay apart
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str) -> None:
    """Writes the figure in the format of the name's ending; never half of it under that name."""
    kind = os.path.splitext(path)[1].lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        endings = ", ".join(sorted(known))
        raise RunFileError(f"figure '{path}' ends in no format that can be drawn; use one of {endings}")
    content = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(content, format=kind, dpi=200)
    partial = None
    try:
        descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(path) or ".", suffix=".partial")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.getvalue())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except OSError as error:
        if partial and os.path.exists(partial):
            os.unlink(partial)
        raise RunFileError(
            f"figure '{path}' cannot be written ({error.strerror}); give a name in a directory that is writable"
        ) from error
