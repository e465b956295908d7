"""How figures look: the settings of matplotlib and the lines of replicas, mean, mean network and gradient."""

STYLE = {
    "font.family": "serif",
    "font.size": 9,
    "mathtext.fontset": "cm",
    "axes.formatter.use_mathtext": True,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.2,
    "lines.linewidth": 1.2,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "pdf.fonttype": 42,  # TrueType, which journals ask for
}

# Told apart by lightness, width and dashes, too: neither printers nor all eyes see their colours.
REPLICA = {"color": "0.72", "linewidth": 0.4, "alpha": 0.8, "zorder": 1}
MEAN = {"color": "#1b9e3f", "linewidth": 1.6, "zorder": 3}
OF_MEAN = {"color": "#2b5d9c", "linewidth": 1.0, "linestyle": "-.", "zorder": 4}
GRADIENT = {"color": "black", "linewidth": 1.0, "linestyle": (0, (4, 3)), "zorder": 5}
TARGET = {"color": "#e69f00", "linewidth": 3.0, "alpha": 0.55, "zorder": 0}
OF_ERROR = {"alpha": 0.3, "linewidth": 0, "zorder": 2}

# Of Okabe and Ito, for runs side by side: colour-blind people see them apart.
RUN_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")

MOST_REPLICAS_DRAWN = 25


def run_colors(runs):
    """One for each run."""
    return [RUN_COLORS[number % len(RUN_COLORS)] for number in range(len(runs))]
