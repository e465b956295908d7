#!/usr/bin/env python3
"""Draws what bench/scaling wrote: plot_scaling.py scaling.csv -o scaling.png."""
import argparse
import csv

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv")
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    panels = {}
    with open(options.csv, newline="") as file:
        for row in csv.DictReader(file):
            panels.setdefault(row["panel"], []).append([float(row[key]) for key in ("value", "exact", "screened")])
    figure, axes = plt.subplots(1, len(panels), figsize=(3 * len(panels), 3), sharey=True, constrained_layout=True)
    for axis, (name, rows) in zip(axes, panels.items()):
        value, exact, screened = zip(*rows)
        axis.loglog(value, exact, "o-", color="black", label="exact")
        axis.loglog(value, screened, "s-", color="tab:green", label="screened where it pays")
        if value[-1] < 10 * value[0]:  # a decade has no room for its own labels
            axis.set_xscale("linear")
            axis.set_xticks(value)
        axis.set_xlabel(name)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("proposals per second")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(options.output, dpi=130)


if __name__ == "__main__":
    main()
