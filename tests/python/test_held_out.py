"""Held-out data: losses and accuracies of a run file beside those of the networks in NumPy.

Needs the environment variable LANGEVO_PROGRAM, the path of the langevo program. Exits with 77, "skipped", where the
Python packages are missing.
"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import packages

with packages.needed():
    import numpy as np
    from matplotlib.figure import Figure

    import langevo
    from langevo import panels
    from langevo.network_function import NetworkFunction
    from langevo.plot import draw

PROGRAM = os.environ["LANGEVO_PROGRAM"]
CLASSES = 3


def points_of(seed, count):
    """Points of three overlapping clouds in the plane, and their classes."""
    random = np.random.default_rng(seed)
    classes = random.integers(CLASSES, size=count)
    angles = 2 * np.pi * classes / CLASSES
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.6 * random.normal(size=(count, 2)), classes


def cross_entropy(outputs, classes):
    top = outputs.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(outputs - top).sum(axis=-1)) + top[..., 0]
    return (log_sum - np.take_along_axis(outputs, classes[:, None], axis=-1)[:, 0]).mean()


def accuracy(outputs, classes):
    return (outputs.argmax(axis=-1) == classes).mean()


class HeldOut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="langevo_held_out_")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.training, cls.held_out = points_of(1, 131), points_of(2, 65)
        for name, (inputs, classes) in (("training", cls.training), ("held_out", cls.held_out)):
            np.savetxt(cls.folder / f"{name}.csv", np.column_stack([inputs, classes]), delimiter=",", fmt="%.17g")

    def run_program(self, *arguments, widths="2,7,3", output="run.nc"):
        said = ["run", "--widths", widths, "--replicas", "5", "--alpha", "1e-3", "--lambda", "1", "--time", "2",
                "--init", "pytorch", "--records", "4", "--quiet", "--overwrite", *arguments, "-o", self.folder / output]
        return subprocess.run([PROGRAM, *map(str, said)], capture_output=True, text=True, timeout=300)

    def classes_run(self, *arguments):
        done = self.run_program("--loss", "cross-entropy", "--data", self.folder / "training.csv", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done, langevo.open_run(self.folder / "run.nc")

    def test_scores_are_those_of_the_networks(self):
        done, run = self.classes_run("--test-data", self.folder / "held_out.csv")
        self.assertIn("test accuracy", done.stdout)
        network = NetworkFunction.of_run(run)
        sets = {"": self.training, "test_": self.held_out}
        for prefix, (inputs, classes) in sets.items():
            with run:
                states = {"of_mean": run.ensemble["parameter_mean"].values, "gradient": run.reference["state"].values}
                for state, rows in states.items():
                    of_file = run.reference if state == "gradient" else run.ensemble
                    suffix = "" if state == "gradient" else "_of_mean"
                    expected = [accuracy(network(x, inputs), classes) for x in rows]
                    np.testing.assert_allclose(of_file[f"{prefix}accuracy{suffix}"], expected, rtol=1e-12)
                    loss = [cross_entropy(network(x, inputs), classes) for x in rows]
                    np.testing.assert_allclose(of_file[f"{prefix}loss{suffix}"], loss, rtol=1e-11)
                traced = run.ensemble["trace_parameter"].values
                expected = [[accuracy(network(x, inputs), classes) for x in row] for row in traced]
                np.testing.assert_allclose(run.ensemble[f"replica_{prefix}accuracy"], expected, rtol=1e-12)
                np.testing.assert_allclose(run.ensemble[f"{prefix}accuracy_mean"], np.mean(expected, axis=1))
                np.testing.assert_allclose(run.ensemble[f"{prefix}accuracy_variance"], np.var(expected, axis=1, ddof=1),
                                           atol=1e-15)
        self.assertGreater(float(run.reference["test_accuracy"][-1]), float(run.reference["test_accuracy"][0]) + 0.1)
        shown = subprocess.run([PROGRAM, "show", self.folder / "run.nc"], capture_output=True, text=True, check=True)
        for words in ("accuracy", "test loss", "test accuracy"):
            self.assertRegex(shown.stdout, rf"(?m)^{words} +\S+ \+- \S+, \S+ \(mean network\), \S+ \(gradient\)$")

    def test_held_out_data_change_no_state(self):
        _, with_them = self.classes_run("--test-data", self.folder / "held_out.csv")
        states = with_them.ensemble["trace_parameter"].values
        inputs = with_them.root["test_input"].values
        with_them.close()
        np.testing.assert_array_equal(inputs, self.held_out[0])
        _, without = self.classes_run()
        np.testing.assert_array_equal(without.ensemble["trace_parameter"].values, states)
        self.assertIn("accuracy_mean", without.ensemble)
        self.assertNotIn("test_loss_mean", without.ensemble)

    def test_training_data_held_out_have_the_training_loss(self):
        path = self.folder / "line.csv"
        np.savetxt(path, np.stack([np.linspace(0, 1, 33), np.linspace(1, 0, 33)], axis=1), delimiter=",")
        done = self.run_program("--data", path, "--test-data", path, widths="1,7,1")
        self.assertEqual(done.returncode, 0, done.stderr)
        with langevo.open_run(self.folder / "run.nc") as run:
            np.testing.assert_allclose(run.ensemble["replica_test_loss"], run.ensemble["replica_loss"], rtol=1e-13)
            self.assertNotIn("accuracy_mean", run.ensemble)

    def test_are_drawn(self):
        _, run = self.classes_run("--test-data", self.folder / "held_out.csv")
        with run:
            axes = Figure().subplots()
            panels.score(axes, run, "test_accuracy")
            lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
            np.testing.assert_array_equal(lines["mean"], run.ensemble["test_accuracy_mean"])
            np.testing.assert_array_equal(lines["gradient"], run.reference["test_accuracy"])
            labels = [drawn.get_ylabel() for drawn in draw([run]).axes]
            for label in ("accuracy on training data", "loss on held-out data", "accuracy on held-out data"):
                self.assertEqual(labels.count(label), 1)
            with self.assertRaisesRegex(langevo.RunFileError, "has no 'precision'; it has accuracy, test_loss"):
                panels.score(axes, run, "precision")

    def test_misuse_is_said_in_a_sentence(self):
        for path, words in (("nowhere.csv", "nowhere.csv' cannot be read"),
                            (self.folder / "training.csv", r"training.csv' line 1 has 3 column\(s\)")):
            refused = self.run_program("--test-data", path, widths="1,7,1", output="other.nc")
            self.assertEqual(refused.returncode, 2, refused.stdout)
            self.assertRegex(refused.stderr, words)
            self.assertEqual(len(refused.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
