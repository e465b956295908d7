"""Delta in parts, noise of finitely many replicas and bias, on ensembles whose parts are known.

Exits with 77, "skipped", where the Python packages are missing.
"""

import types
import unittest

import packages

with packages.needed():
    import numpy as np
    import xarray
    from matplotlib.figure import Figure

    from langevo import panels
    from langevo.correspondence import DeltaParts, delta_parts, fit_bias
    from langevo.run_file import RunFileError

PARAMETERS, TRACED, LAMBDAS = 30, 25, (0.1, 1, 10)


def true_bias(lambda_):
    return 0.01 * lambda_**0.8


def run_of(states, lambda_, off, traced=TRACED):
    """A run of one record with these states, [replicas][N], and a gradient trajectory that is off their mean, 0."""
    ensemble = xarray.Dataset(
        {
            "parameter_mean": (("time", "parameter"), [states.mean(axis=0)]),
            "parameter_variance": (("time", "parameter"), [states.var(axis=0, ddof=1)]),
            "trace_parameter": (("time", "trace", "parameter"), [states[:traced]]),
            "time": ("time", [1.0]),
        }
    )
    reference = xarray.Dataset({"state": (("time", "parameter"), [np.full(states.shape[1], off)])})
    return types.SimpleNamespace(
        ensemble=ensemble, reference=reference, lambda_=lambda_, replicas=len(states), path="run.nc", record_at=lambda _: 0
    )


def random_run(random, lambda_, replicas=200):
    mixing = random.normal(size=(PARAMETERS, PARAMETERS)) / PARAMETERS**0.5 * np.linspace(0.1, 1, PARAMETERS)
    states = lambda_**0.5 * random.normal(size=(replicas, PARAMETERS)) @ mixing.T
    return run_of(states, lambda_, true_bias(lambda_) ** 0.5)


class Parts(unittest.TestCase):
    def test_by_hand(self):
        states = np.array([[1.0, 0], [3, 2], [2, 4], [2, 2]])  # mean (2, 2), variances 2/3 and 8/3
        parts = delta_parts(run_of(states, 1, 1.0, traced=4))
        self.assertEqual(parts.delta, 1)
        self.assertAlmostEqual(parts.spread, 5 / 3)
        self.assertAlmostEqual(parts.bias, 1 - 5 / 12)
        # off = (1, 1): deviations along it -3, 1, 2, 0; products of different deviations -1, -4, 0, 0, 0, 0 twice
        products = 2 * ((-1 * 1 + -2 * 0) ** 2 + (-1 * 0 + -2 * 2) ** 2 + (1 * 0 + 0 * 2) ** 2)
        variance = 4 * (9 + 1 + 4 + 0) / 4 / 4 + 2 * products / 12 / 16
        self.assertAlmostEqual(parts.bias_error, variance**0.5 / 2)

    def test_biases_and_exponents_are_found_within_their_errors(self):
        random = np.random.default_rng(0)
        off_biases, off_exponents = [], []
        for _ in range(200):
            parts = [delta_parts(random_run(random, lambda_)) for lambda_ in LAMBDAS]
            off_biases += [(part.bias - true_bias(part.lambda_)) / part.bias_error for part in parts]
            law = fit_bias(parts)
            off_exponents.append((law.exponent - 0.8) / law.exponent_error)
        for off in (off_biases, off_exponents):
            self.assertLess(abs(np.mean(off)), 0.25)
            self.assertLess(0.7, np.std(off))
            self.assertLess(np.std(off), 1.15)

    def test_a_power_law_is_found_exactly_where_there_is_no_noise(self):
        parts = [DeltaParts(x, 10, 1, 0, 0, 3 * x**1.5, 0.01) for x in LAMBDAS]
        law = fit_bias(parts)
        self.assertAlmostEqual(law.exponent, 1.5, places=9)
        self.assertAlmostEqual(law.factor, 3, places=8)
        self.assertAlmostEqual(law.chi_square, 0)

    def test_a_bias_below_zero_by_its_error_counts(self):
        parts = [DeltaParts(x, 10, 1, 0, 0, b, 0.1) for x, b in ((0.1, -0.05), (1, 1.0), (10, 10.0))]
        law = fit_bias(parts)
        self.assertLess(law.chi_square, 4)
        self.assertGreater(law.exponent, 0.9)

    def test_misuse_is_said_in_a_sentence(self):
        run = random_run(np.random.default_rng(1), 1)
        run.reference = None
        with self.assertRaisesRegex(RunFileError, "has no gradient trajectory"):
            delta_parts(run)
        part = DeltaParts(1, 10, 1, 0, 0, 1, 0.1)
        with self.assertRaisesRegex(ValueError, "needs two lambdas"):
            fit_bias([part, part])

    def test_is_drawn(self):
        random = np.random.default_rng(2)
        runs = [random_run(random, lambda_) for lambda_ in LAMBDAS]
        axes = Figure().subplots()
        panels.bias(axes, *runs)
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
        noise = next(line for line in axes.get_lines() if line.get_label() == "noise, $a/n$")
        expected = [delta_parts(run).spread / 200 for run in runs]
        np.testing.assert_allclose(noise.get_ydata(), expected)
        law = fit_bias([delta_parts(run) for run in runs])
        fitted = next(line for line in axes.get_lines() if f"{law.exponent:.2f}" in str(line.get_label()))
        np.testing.assert_allclose(fitted.get_ydata()[0], law.factor * LAMBDAS[0] ** law.exponent)


if __name__ == "__main__":
    unittest.main()
