"""Handwritten digits learned by mutation, by noisy gradient steps and by the gradient, from one initial state.

Draws the loss against time t and the share of unseen digits that are told right, in digits.png.
Needs scikit-learn; about half a minute on two cores.  Usage: python digits.py [--quick]
"""

import sys

import langevo
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

replicas, steps = (20, 100) if "--quick" in sys.argv else (1000, 600)
pixels, digits = load_digits(return_X_y=True)
seen, unseen, digit, answer = train_test_split(pixels / 16, digits, train_size=100, stratify=digits, random_state=0)

network = langevo.Network([64, 32, 10])
problem = langevo.Problem(network, seen, digit, "cross-entropy")
start = langevo.draw_initial_state(network, "pytorch")
sigma = 0.02  # of a mutation of one weight
time_per_mutation = sigma / np.sqrt(2 * np.pi)
learners = {  # rule, sigma, replicas, steps
    "mutation": (langevo.Metropolis(), sigma, replicas, steps),
    "noisy gradient": (langevo.Langevin(stride=5), sigma, replicas, steps // 5),
    "gradient": (langevo.NormalizedGradient(time_per_mutation), 1, 1, steps),
}


def share_right(states):
    """Of the unseen digits, by the replicas' probabilities together."""
    first, bias, last, last_bias = np.split(states, [2048, 2080, 2400], axis=1)
    hidden = np.tanh(np.einsum("rhi,pi->rph", first.reshape(-1, 32, 64), unseen) + bias[:, None])
    outputs = np.exp(np.einsum("roh,rph->rpo", last.reshape(-1, 10, 32), hidden) + last_bias[:, None])
    return ((outputs / outputs.sum(axis=2, keepdims=True)).mean(axis=0).argmax(axis=1) == answer).mean()


figure, axes = plt.subplots(layout="constrained")
for name, (rule, width, count, length) in learners.items():
    ensemble = langevo.Ensemble(problem, rule, width, count)
    ensemble.set_all_parameters(start)
    records = langevo.Simulation(ensemble).run(steps=length, records=20)
    alone = np.mean([share_right(ensemble.parameters[[r]]) for r in range(min(count, 20))])
    together = share_right(ensemble.parameters[:100])
    label = f"{name}: {alone:.0%} of unseen digits right" + (f", together {together:.0%}" if count > 1 else "")
    axes.plot([r.time for r in records], [r.loss_mean for r in records], label=label)
    print(f"{label}; loss {records[0].loss_mean:.3f} -> {records[-1].loss_mean:.3f}")
axes.set(xlabel="time $t$", ylabel="cross-entropy of 100 digits, mean over replicas")
axes.legend()
figure.savefig("digits.png", dpi=150)
sys.exit(not records[-1].loss_mean < records[0].loss_mean)
