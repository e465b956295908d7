"""A run in two parts: the first cools an ensemble, the second goes on from each replica's own state, colder.

``langevo.run`` takes the settings of the command line and gives the same bits. Draws continue_run.png. Some seconds on
two cores.  Usage: python continue_run.py [--quick]
"""

import sys

import langevo
from matplotlib import pyplot as plt

quick = "--quick" in sys.argv
common = {
    "widths": [1, 16, 1],
    "points": 100,
    "replicas": 20 if quick else 200,
    "sigma": 0.01,
    "steps": 2000 if quick else 20000,
    "reference": "none",
}
parts = [
    langevo.run(output="part1.nc", overwrite=True, beta=300, trace=common["replicas"], **common),
    # Other random numbers, and every replica from where it was at the last record of the first part.
    langevo.run(
        output="part2.nc",
        overwrite=True,
        beta=3000,
        seed=2,
        init="part1.nc",
        init_at="last",
        init_per_replica=True,
        **common,
    ),
]

figure, axes = plt.subplots(layout="constrained")
begin = 0.0
for part, beta in zip(parts, (300, 3000), strict=True):
    time = begin + part.ensemble["time"] / float(part.ensemble["time"][-1])
    quantiles = part.ensemble["loss_quantile"]
    axes.fill_between(time, quantiles[:, 0], quantiles[:, -1], alpha=0.3)
    axes.plot(time, part.ensemble["loss_mean"], label=rf"$\beta = {beta}$")
    losses = part.ensemble["loss_mean"].values
    print(f"beta {beta}: mean loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    begin += 1
axes.set(xlabel="part of the run", ylabel="loss $U$: mean, 5 to 95 % of the replicas", yscale="log")
axes.legend()
figure.savefig("continue_run.png", dpi=150)
joined = parts[0].ensemble["replica_loss"][-1].values == parts[1].ensemble["replica_loss"][0].values
sys.exit(not joined.all())
