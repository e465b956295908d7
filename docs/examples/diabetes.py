"""Regression with an error bar: an ensemble at a temperature samples networks that explain the diabetes data alike.

Mutations at the inverse temperature beta sample exp(-beta U). With beta = points / (2 s^2), U the mean squared error
and s the noise of the targets, that is the posterior of the weights (with a flat prior), and the replicas'
predictions spread as far as the data leave them open. Draws diabetes.png. Needs scikit-learn; some ten seconds on two
cores.  Usage: python diabetes.py [--quick]
"""

import sys

import langevo
import numpy as np
from matplotlib import pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

replicas, steps = (50, 1000) if "--quick" in sys.argv else (500, 20000)
inputs, targets = load_diabetes(return_X_y=True, scaled=False)
inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
targets = (targets - targets.mean()) / targets.std()

linear = LinearRegression().fit(inputs, targets)
noise = (targets - linear.predict(inputs)).std()
network = langevo.Network([10, 1])  # a linear map; [10, 8, 1] has a hidden layer
problem = langevo.Problem(network, inputs, targets)
beta = len(targets) / (2 * noise**2)
ensemble = langevo.Ensemble(problem, langevo.Metropolis(beta), sigma=0.02, replicas=replicas)
ensemble.set_all_parameters(langevo.draw_initial_state(network))
records = langevo.Simulation(ensemble).run(steps=steps)

# What the posterior of a linear regression is known to be.
design = np.hstack([inputs, np.ones((len(inputs), 1))])
expected = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * noise**2)
mean, spread = ensemble.moments().mean, np.sqrt(ensemble.moments().variance)
for name, x, s, known, error in zip(
    load_diabetes().feature_names + ["bias"], mean, spread, [*linear.coef_, linear.intercept_], expected, strict=True
):
    print(f"{name:4}  ensemble {x:7.3f} +- {s:.3f}   least squares {known:7.3f} +- {error:.3f}")

figure, axes = plt.subplots(layout="constrained")
axes.errorbar(np.arange(11) - 0.1, mean, spread, fmt="o", label="ensemble: mean and spread of replicas")
axes.errorbar(np.arange(11) + 0.1, [*linear.coef_, linear.intercept_], expected, fmt="s", label="least squares")
axes.set_xticks(range(11), load_diabetes().feature_names + ["bias"])
axes.set_ylabel("weight")
axes.legend()
figure.savefig("diabetes.png", dpi=150)
if "--quick" not in sys.argv:  # a short run is not in equilibrium
    sys.exit(not np.allclose(spread, expected, rtol=0.25))
