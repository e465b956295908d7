"""What an ensemble at a temperature comes to: the law of its losses, at one temperature and at two, and when.

Left: losses of a linear regression beside their exact law, a Gamma distribution. Middle: ln P1(U)/P2(U) of a tanh
network at two inverse temperatures, which equilibrium makes a line of slope -(beta1 - beta2) whatever the network.
Right: R-hat of that network's losses from four starts. Draws equilibrium.png. Half a minute on two cores.
"""

import math
import sys

import langevo
import numpy as np
from langevo.convergence import convergence
from matplotlib import pyplot as plt

figure, (law, ratio, chains) = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
wrong = []

# U is quadratic in the N parameters of a linear network, so U - U_min = |z|^2 / (2 beta) with N normal numbers z.
replicas, beta = 2000, 100
random = np.random.default_rng(1)
inputs = random.normal(size=(100, 5))
targets = inputs @ random.normal(size=5) + random.normal(size=100)
best, residual, _, _ = np.linalg.lstsq(np.hstack([inputs, np.ones((100, 1))]), targets, rcond=None)
regression = langevo.Ensemble(
    langevo.Problem(langevo.Network([5, 1]), inputs, targets), langevo.Metropolis(beta), 0.06, replicas, seed=1
)
regression.set_all_parameters(best)
regression.advance(2000)
above = np.sort(regression.losses()) - residual[0] / 100
half = len(best) / 2  # 3: the distribution function of Gamma(3) in closed form
expected = 1 - np.exp(-beta * above) * sum((beta * above) ** k / math.factorial(k) for k in range(int(half)))
distance = abs(expected - (np.arange(replicas) + 0.5) / replicas).max() * replicas**0.5
print(f"linear regression: Kolmogorov's distance from the exact law {distance:.2f}, above 1.63 by chance once in 100")
wrong += [distance > 1.63]
law.hist(above, bins=40, density=True, color="0.8", label="replicas")
u = np.linspace(0, above[-1], 200)
law.plot(u, beta * (beta * u) ** (half - 1) * np.exp(-beta * u) / math.gamma(half), "k", label="exact law")
law.set_xlabel("$U - U_{min}$")
law.legend()

# A network that has learnt another one's function, at two temperatures.
x = np.linspace(-2, 2, 24)
network = langevo.Network([1, 2, 1], output_bias=False)
teacher = np.array([1.67, 1.77, 2.32, -2.03, -2.78, -3.27])
y = teacher[4] * np.tanh(teacher[0] * x + teacher[2]) + teacher[5] * np.tanh(teacher[1] * x + teacher[3])
problem = langevo.Problem(network, x, y)
betas = (200, 300)
losses = []
for seed, beta in enumerate(betas):
    ensemble = langevo.Ensemble(problem, langevo.Metropolis(beta), 0.18 / beta**0.5, replicas, seed=seed)
    ensemble.set_all_parameters(teacher)
    ensemble.advance(20000)
    losses.append(ensemble.losses())
u, first = np.concatenate(losses), np.repeat([1.0, 0.0], replicas)
design = np.stack([np.ones_like(u), u], axis=1)
fit = np.zeros(2)
for _ in range(50):  # ln P1/P2 = fit[0] + fit[1] U by maximal likelihood, which needs no bins
    share = 1 / (1 + np.exp(-design @ fit))
    information = design.T @ (design * (share * (1 - share))[:, None])
    fit += np.linalg.solve(information, design.T @ (first - share))
error = np.linalg.inv(information)[1, 1] ** 0.5
z = (fit[1] + (betas[0] - betas[1])) / error
print(f"tanh network: slope of ln P1/P2 {fit[1]:.1f} +- {error:.1f}, expected {betas[1] - betas[0]}, z = {z:.2f}")
wrong += [abs(z) > 4]
bins = np.quantile(u, np.linspace(0, 0.98, 13))
counts = [np.histogram(values, bins)[0] for values in losses]
middle = (bins[1:] + bins[:-1]) / 2
bars = np.sqrt(1 / counts[0] + 1 / counts[1])
ratio.errorbar(middle, np.log(counts[0] / counts[1]), bars, fmt="o", label="replicas")
crossing = -fit[0] / fit[1]
ratio.plot(middle, (betas[1] - betas[0]) * (middle - crossing), "k", label=r"slope $-(\beta_1 - \beta_2)$")
ratio.set_xlabel("$U$")
ratio.set_ylabel("$\\ln P_1(U) / P_2(U)$")
ratio.legend()

# Four starts around the teacher, 25 replicas each: when have they forgotten them?
starts = np.repeat(np.arange(4), 25)
ensemble = langevo.Ensemble(problem, langevo.Metropolis(betas[0]), 0.18 / betas[0] ** 0.5, 100, seed=5)
ensemble.set_parameters(np.repeat(teacher + 0.1 * random.normal(size=(4, 6)), 25, axis=0))
draws = []
for _ in range(120):
    ensemble.advance(1000)
    draws.append(ensemble.losses())
draws = np.array(draws).T
ends = np.arange(8, 121, 8)
found = [convergence(draws[:, end // 2 : end], starts) for end in ends]
chains.plot(1000 * ends, [one.r_hat for one in found], "o-", label="split R-hat")
if found[0].nested_r_hat is not None:  # of ArviZ for NumPy 2
    chains.plot(1000 * ends, [one.nested_r_hat for one in found], "s-", label="nested R-hat")
chains.axhline(1.01, color="0.6", linestyle=":")
chains.set_xlabel("steps (the second half of them is judged)")
chains.legend()
last = found[-1]
print(f"four starts: R-hat {last.r_hat:.4f} (nested: {last.nested_r_hat}) of {last.chains * last.draws} losses,")
print(f"which are worth {last.effective_draws:.0f} independent ones")
wrong += [last.r_hat > 1.02, (last.nested_r_hat or 1) > 1.02]
figure.savefig("equilibrium.png", dpi=150)
sys.exit(any(wrong))
