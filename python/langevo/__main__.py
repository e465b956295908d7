"""``python3 -m langevo plot RUN.nc [MORE.nc ...] -o FIG.png``, ``figures DIR``, ``moments TABLE.txt -o FIG.png`` and
``table RUN.nc [MORE.nc ...]``."""

import argparse
import contextlib
import logging
import os
import sys

from langevo import figures, plot, table
from langevo.figure_file import save
from langevo.moments import MomentsError, read_moments
from langevo.run_file import RunFileError, open_run


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def indices(text):
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of indices, e.g. 0,30,60") from None


def parse(arguments):
    parser = Parser(prog="python3 -m langevo", description="Tools for the run files of langevo.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("plot", help="draw weights, loss and Delta of runs")
    command.add_argument("runs", nargs="+", metavar="RUN.nc", help="run files of the same network")
    command.add_argument("-o", "--output", required=True, metavar="FIG.png", help="figure; its ending is the format")
    command.add_argument("--parameters", type=indices, metavar="I,J,K", help="indices of the weights to draw")
    command.set_defaults(call=draw_plot)
    command = commands.add_parser("figures", help="draw the paper's figures from the run files of its experiments")
    command.add_argument("directory", metavar="DIR", help="directory with fig1.nc, fig2-lambda-0.1.nc, ...")
    command.add_argument("-o", "--output", metavar="OUT_DIR", help="directory for the figures; default: DIR")
    command.add_argument("--format", choices=["png", "pdf", "svg"], default="png", help="default: png")
    command.set_defaults(call=draw_figures)
    command = commands.add_parser("moments", help="draw what `langevo moments > TABLE.txt` measured, beside theory")
    command.add_argument("tables", nargs="+", metavar="TABLE.txt", help="tables; their names are the labels")
    command.add_argument("-o", "--output", required=True, metavar="FIG.png", help="figure; its ending is the format")
    command.set_defaults(call=draw_moments)
    command = commands.add_parser("table", help="print what runs end with as a table in Markdown")
    command.add_argument("runs", nargs="+", metavar="RUN.nc", help="run files")
    command.set_defaults(call=print_table)
    return parser.parse_args(arguments)


def draw_plot(options):
    with contextlib.ExitStack() as stack:
        runs = [stack.enter_context(open_run(path)) for path in options.runs]
        save(plot.draw(runs, options.parameters), options.output)
    return 0


def draw_figures(options):
    drawn, remarks = figures.draw_all(options.directory, options.output or options.directory, options.format)
    for path in drawn:
        print(path)
    for remark in remarks:
        print(f"langevo: {remark}", file=sys.stderr)
    return 0 if drawn else 2


def draw_moments(options):
    save(plot.draw_moments([read_moments(path) for path in options.tables]), options.output)
    return 0


def print_table(options):
    rows = []
    for path in options.runs:
        with open_run(path) as run:
            rows.append(table.row(os.path.splitext(os.path.basename(path))[0], run))
    print(table.markdown(rows), end="")
    return 0


def main(arguments=None):
    options = parse(arguments)
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it has something to say of every font in a PDF
    try:
        return options.call(options)
    except (RunFileError, MomentsError) as error:
        print(f"langevo: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
