"""How an ensemble settles at several inverse temperatures beta: the mean loss above its least is N / (2 beta).

A linear network has a quadratic loss, so equipartition gives each of its N parameters 1/(2 beta) of it. Draws
sweep_beta.png. Some seconds on two cores.  Usage: python sweep_beta.py [--quick]
"""

import sys

import langevo
import numpy as np
from matplotlib import pyplot as plt

replicas, steps = (50, 2000) if "--quick" in sys.argv else (1000, 8000)
random = np.random.default_rng(1)
inputs = random.normal(size=(200, 5))
targets = inputs @ random.normal(size=5) + random.normal(size=200)
network = langevo.Network([5, 1])
problem = langevo.Problem(network, inputs, targets)
design = np.hstack([inputs, np.ones((200, 1))])
best, residual, _, _ = np.linalg.lstsq(design, targets, rcond=None)

betas = np.logspace(1, 5, 9)
losses = []
for seed, beta in enumerate(betas):
    sigma = 1.5 / np.sqrt(beta)  # mutations as wide as the states spread are accepted now and then
    width = sigma / network.parameter_count**0.5
    ensemble = langevo.Ensemble(problem, langevo.Metropolis(beta), width, replicas, seed=seed)
    ensemble.set_all_parameters(best)
    ensemble.advance(steps)
    above = ensemble.losses() - residual[0] / 200
    losses.append(above.mean())
    print(
        f"beta {beta:9.4g}: <U> - U_min = {losses[-1]:.4g} +- {above.std() / replicas**0.5:.1g},"
        f" N / (2 beta) = {network.parameter_count / (2 * beta):.4g},"
        f" accepted {ensemble.counters['accepted'] / ensemble.counters['steps']:.0%}"
    )

figure, axes = plt.subplots(layout="constrained")
axes.loglog(betas, losses, "o", label=r"$\langle U \rangle - U_{\min}$ of the replicas")
axes.loglog(betas, network.parameter_count / (2 * betas), label=r"$N / (2 \beta)$")
axes.set_xlabel(r"inverse temperature $\beta$")
axes.legend()
figure.savefig("sweep_beta.png", dpi=150)
sys.exit(not np.allclose(losses, network.parameter_count / (2 * betas), rtol=0.5 if "--quick" in sys.argv else 0.15))
