"""The paper's figures and their panels: what is drawn, compared with the numbers of the run files.

Needs the environment variable LANGEVO_PROGRAM, the path of the langevo program. Exits with 77, "skipped", where the
Python packages are missing.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import packages

with packages.needed():
    import numpy as np
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    import langevo
    from langevo import figures, panels
    from langevo.network_function import NetworkFunction

PROGRAM = os.environ["LANGEVO_PROGRAM"]
REPLICAS, RECORDS = 4, 10
TIMES = {"fig1": 0.5, "fig2": 0.5, "fig3": 0.02, "fig6": 0.5, "s1": 0.5, "s2": 0.5, "s3": 0.2, "s4": 2, "regimes": 10}
NAMES = ["fig1", "fig2", "fig3", "fig4", "fig5", "fig6", "s1", "s2", "s3", "s4", "fig2-other-net", "regimes"]
LAMBDAS = [f"$\\lambda = {value}$" for value in (0.1, 1, 10)]


def run_preset(directory, preset, *options):
    """A run of a few seconds, or several, with the names that the program gives them."""
    said = ["--preset", preset, "--quick", "--time", TIMES[preset], "--replicas", REPLICAS, "--records", RECORDS]
    said += [*options, "--quadrature", "off", "--quiet", "-o", os.path.join(directory, preset + ".nc")]
    done = subprocess.run([PROGRAM, "run", *map(str, said)], capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def call_figures(*arguments):
    """python3 -m langevo figures ..., as a user calls it."""
    return packages.call_langevo("figures", *arguments)


def setUpModule():
    global scratch, runs_directory
    scratch = tempfile.TemporaryDirectory(prefix="langevo_figures_")
    runs_directory = os.path.join(scratch.name, "runs")
    os.mkdir(runs_directory)
    for preset in TIMES:
        run_preset(runs_directory, preset)


def tearDownModule():
    scratch.cleanup()


class WithRuns(unittest.TestCase):
    def open(self, name):
        run = langevo.open_run(os.path.join(runs_directory, name + ".nc"))
        self.addCleanup(run.close)
        return run

    def setUp(self):
        self.axes = Figure().add_subplot()

    def lines(self, axes=None):
        """Those drawn, by their colour: of the replicas grey, ... ; (x, y) each."""
        return [np.array(line.get_data()) for line in (axes or self.axes).get_lines()]

    def assert_same(self, found, expected):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))

    def assert_band(self, band, time, mean, error):
        """A band from mean - error to mean + error."""
        drawn = band.get_paths()[0].vertices
        for t, middle, half in zip(time, mean, error, strict=True):
            heights = drawn[drawn[:, 0] == t, 1]
            np.testing.assert_allclose([heights.min(), heights.max()], [middle - half, middle + half], rtol=1e-12)


class Panels(WithRuns):
    def test_weights(self):
        run = self.open("fig1")
        panels.weights(self.axes, run, [0, 30])
        lines = self.lines()
        self.assertEqual(len(lines), 2 * (REPLICAS + 2))
        for number, index in enumerate([0, 30]):
            *replicas, mean, gradient = lines[number * (REPLICAS + 2) : (number + 1) * (REPLICAS + 2)]
            self.assert_same([line[1] for line in replicas], run.ensemble["trace_parameter"].values[:, :, index].T)
            self.assert_same(mean, [run.ensemble["time"].values, run.ensemble["parameter_mean"].values[:, index]])
            self.assert_same(gradient, [run.reference["time"].values, run.reference["state"].values[:, index]])
            error = np.sqrt(run.ensemble["parameter_variance"].values[:, index] / REPLICAS)
            self.assertGreater(error[-1], 0)
            self.assert_band(self.axes.collections[number], *mean, error)

    def test_weights_are_those_that_move_most(self):
        run = self.open("fig1")
        panels.weights(self.axes, run)
        moved = np.abs(run.reference["state"].values[-1] - run.reference["state"].values[0])
        expected = sorted(np.argsort(-moved, kind="stable")[:4])
        self.assertEqual(sorted(int(text.get_text()) for text in self.axes.texts), expected)
        self.assertEqual(len(self.lines()), 4 * (REPLICAS + 2))

    def test_all_weights_are_in_the_order_of_the_gradients(self):
        run = self.open("fig1")
        for time, record in ((None, -1), (0.26, RECORDS // 2)):
            axes = Figure().add_subplot()
            panels.all_weights(axes, run, time)
            *replicas, mean, gradient = self.lines(axes)
            state = run.reference["state"].values[record]
            order = np.argsort(state)
            self.assertEqual(len(replicas), REPLICAS)
            self.assert_same(gradient, [np.arange(90), np.sort(state)])
            self.assert_same(mean, [np.arange(90), run.ensemble["parameter_mean"].values[record][order]])
            self.assert_same([line[1] for line in replicas], run.ensemble["trace_parameter"].values[record][:, order])
            error = np.sqrt(run.ensemble["parameter_variance"].values[record][order] / REPLICAS)
            self.assert_band(axes.collections[0], *mean, error)
            self.assertIn(f"{run.ensemble['time'].values[record]:.3g}", axes.texts[0].get_text())

    def test_loss(self):
        run = self.open("fig1")
        panels.loss(self.axes, run, log=True)
        *replicas, mean, of_mean, gradient = self.lines()
        time = run.ensemble["time"].values
        self.assert_same([line[1] for line in replicas], run.ensemble["replica_loss"].values.T)
        self.assert_same(mean, [time, run.ensemble["loss_mean"].values])
        self.assert_same(of_mean, [time, run.ensemble["loss_of_mean"].values])
        self.assert_same(gradient, [run.reference["time"].values, run.reference["loss"].values])
        self.assert_band(self.axes.collections[1], *mean, np.sqrt(run.ensemble["loss_variance"].values / REPLICAS))
        self.assertEqual(self.axes.get_yscale(), "log")
        self.assertEqual(self.axes.child_axes, [])

    def test_the_inset_shows_late_times_apart_from_the_losses(self):
        run = self.open("s4-reset-never")
        panels.loss(self.axes, run, log=True, inset=True)
        (inset,) = self.axes.child_axes
        self.assertEqual(len(self.lines(inset)), len(self.lines()))
        for small, large in zip(self.lines(inset), self.lines(), strict=True):
            self.assert_same(small, large)
        low, high = inset.get_xlim()
        self.assertEqual(high, 2)
        self.assertTrue(1.3 < low < 1.5, low)
        late = run.ensemble["time"].values >= low
        for values in (run.ensemble["loss_of_mean"].values[late], run.reference["loss"].values[late]):
            self.assertTrue((values > inset.get_ylim()[0]).all() and (values < inset.get_ylim()[1]).all())
        # The highest loss is drawn below the inset.
        top = self.axes.transData.transform((0, run.ensemble["loss_max"].values.max()))[1]
        bottom = self.axes.transAxes.transform((0, panels._loss.INSET_AT[1]))[1]
        self.assertLess(top, bottom)

    def test_mean_loss_has_a_line_a_run_and_one_gradient(self):
        runs = [self.open(f"fig2-lambda-{value}") for value in (0.1, 1, 10)]
        panels.mean_loss(self.axes, *runs)
        *means, gradient = self.lines()
        self.assert_same([line[1] for line in means], [run.ensemble["loss_mean"].values for run in runs])
        self.assert_same(gradient[1], runs[0].reference["loss"].values)
        self.assertEqual([text.get_text() for text in self.axes.get_legend().get_texts()], [*LAMBDAS, "gradient"])
        for run, line, band in zip(runs, means, self.axes.collections, strict=True):
            self.assert_band(band, *line, np.sqrt(run.ensemble["loss_variance"].values / REPLICAS))

    def test_mean_loss_has_the_gradient_of_every_start(self):
        panels.mean_loss(self.axes, self.open("fig1"), self.open("s1"))
        self.assertEqual(len(self.lines()), 4)

    def test_delta(self):
        runs = [self.open(f"fig2-lambda-{value}") for value in (0.1, 1, 10)]
        panels.delta(self.axes, *runs, log=True)
        for run, line, drawn, label in zip(runs, self.lines(), self.axes.get_lines(), LAMBDAS, strict=True):
            values = run.correspondence["delta"].values
            self.assertEqual(values[0], 0)
            self.assert_same(line[1][1:], values[1:])
            self.assertTrue(np.isnan(line[1][0]))  # no place on a logarithmic axis
            self.assert_same(line[0], run.correspondence["time"].values)
            self.assertEqual(drawn.get_label(), label)
        self.assertEqual(self.axes.get_yscale(), "log")
        self.assertEqual(len({to_rgb(line.get_color()) for line in self.axes.get_lines()}), 3)

    def test_delta_by_replicas_has_the_line_of_independent_noise(self):
        run = self.open("fig6-lambda-1")
        panels.delta_by_replicas(self.axes, run, log=True)
        measured, independent = self.lines()
        averaged = run.correspondence["replicas_averaged"].values
        self.assert_same(measured, [averaged, run.correspondence["delta_by_replicas"].values])
        np.testing.assert_allclose(independent[1], measured[1][0] / averaged, rtol=1e-15)
        self.assertEqual((self.axes.get_xscale(), self.axes.get_yscale()), ("log", "log"))

    def test_network_functions_have_the_losses_of_the_file(self):
        run = self.open("fig3-lambda-1")
        for time, record in ((None, -1), (0.01, RECORDS // 2)):
            axes = Figure().add_subplot()
            panels.network_function(axes, run, time)
            target, replica, mean, gradient = self.lines(axes)
            self.assert_same(target, [run.root["input"].values[:, 0], run.root["target"].values[:, 0]])
            for line, loss in (
                (replica, run.ensemble["replica_loss"].values[record, 0]),
                (mean, run.ensemble["loss_of_mean"].values[record]),
                (gradient, run.reference["loss"].values[record]),
            ):
                self.assertAlmostEqual(((line[1] - target[1]) ** 2).mean() / loss, 1, places=10)
        self.assertFalse((mean == gradient).all())

    def test_resets_tell_runs_apart(self):
        panels.delta(self.axes, self.open("s4-reset-never"), self.open("s4-reset-every-1"))
        labels = [text.get_text() for text in self.axes.get_legend().get_texts()]
        self.assertEqual(labels, ["no resets", "reset every $t = 1$"])

    def test_little_span_has_decimals_on_a_logarithmic_axis(self):
        figure = Figure()
        axes = figure.add_subplot()
        axes.plot([0, 1], [0.2, 0.5])
        panels._axes.scale_values(axes, [np.array([0.2, 0.5])], log=True)
        figure.draw_without_rendering()
        labels = {text.get_text() for text in axes.get_yticklabels(which="both")}
        self.assertLessEqual({"0.2", "0.3", "0.4"}, labels)


class Regimes(WithRuns):
    runs = [f"regimes-lambda-{value}" for value in ("0.1", "1", "10", "100", "1e3", "1e4")]

    def test_are_told_apart(self):
        found = [panels.regime_of(self.open(name)) for name in self.runs]
        places = [panels.REGIMES.index(name) for name in found]
        self.assertEqual(places, sorted(places))
        self.assertLessEqual(places[0], 1)
        self.assertEqual(places[-1], 3)

    def test_are_drawn(self):
        runs = [self.open(name) for name in self.runs]
        lambdas = [0.1, 1, 10, 100, 1000, 10000]
        panels.regimes(self.axes, *reversed(runs))
        mean, gradient = self.lines()
        losses = [run.ensemble["loss_mean"].values for run in runs]
        self.assert_same(mean, [lambdas, [loss[-1] / loss[0] for loss in losses]])
        self.assert_same(gradient[0], lambdas[:-1])
        self.assertEqual(self.axes.get_xscale(), "log")
        names = [text.get_text().replace("\n", " ") for text in self.axes.texts]
        self.assertEqual(names, [name for name in panels.REGIMES if name in map(panels.regime_of, runs)])

        axes = Figure().add_subplot()
        panels.regimes(axes, *runs, shows="distance")
        of_one = np.array(axes.get_lines()[0].get_data())
        states = runs[0].reference["state"].values
        way = np.mean((states[-1] - states[0]) ** 2)
        replicas = runs[0].ensemble["trace_parameter"].values[-1]
        # all replicas are traced: the mean of their squared distances, up to the n - 1 of the variance
        spread = replicas.var(axis=0, ddof=1).mean()
        expected = np.mean((replicas - states[-1]) ** 2) - replicas.var(axis=0).mean() + spread * (1 - 1 / len(replicas))
        np.testing.assert_allclose(of_one[1, 0], expected / way, rtol=1e-9)

        axes = Figure().add_subplot()
        panels.regimes(axes, *runs, shows="acceptance")
        accepted = [np.nanmean(run.ensemble["accepted_fraction"].values) for run in runs]
        self.assert_same(axes.get_lines()[0].get_data(), [lambdas, accepted])
        with self.assertRaisesRegex(ValueError, "not 'speed'"):
            panels.regimes(axes, *runs, shows="speed")


class PaperFigures(WithRuns):
    """Each figure has the panels of the paper."""

    def drawn(self, name):
        figure = figures.FIGURES[name]
        return figures.draw(figure, [self.open(run) for run in figure.runs]).axes

    def assert_panels(self, name, *expected):
        """(label below, label beside, letter, title) of every panel, row by row."""
        found = [
            (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left"), axes.get_title())
            for axes in self.drawn(name)
        ]
        self.assertEqual(found, list(expected))

    time, rank, theta = "time $t$", "rank of the weight under the gradient", r"input $\theta$"
    weights, loss, function = "weights $x_i$", "loss $U$", r"output $f_x(\theta)$"

    def test_names(self):
        self.assertEqual(list(figures.FIGURES), NAMES)
        files = {run + ".nc" for figure in figures.FIGURES.values() for run in figure.runs}
        self.assertEqual(files, set(os.listdir(runs_directory)))

    def test_fig1_and_s1(self):
        for name in ("fig1", "s1"):
            row = (
                (self.time, self.weights, "a", ""),
                (self.rank, self.weights, "b", ""),
                (self.time, self.loss, "c", ""),
            )
            self.assert_panels(name, *row)
            self.assertEqual([axes.get_yscale() for axes in self.drawn(name)], ["linear", "linear", "log"])

    def test_fig2(self):
        for name in ("fig2", "fig2-other-net"):
            self.assert_panels(
                name,
                (self.time, self.weights, "a", LAMBDAS[0]),
                *((self.time, "", "", title) for title in LAMBDAS[1:]),
                (self.time, r"$\Delta$", "b", ""),
                (self.time, "mean loss $U$", "c", ""),
                ("replicas averaged $n$ (dotted: $1/n$)", r"$\Delta$ at the last time", "d", ""),
            )
            drawn = self.drawn(name)
            for axes, run in zip(drawn[:3], figures.FIGURES[name].runs, strict=True):
                self.assertEqual(axes.get_ylim(), drawn[0].get_ylim())
                self.assertEqual(len(axes.texts), 1)
                path = self.open(run).reference["state"].values
                self.assertEqual(int(axes.texts[0].get_text()), min(np.argsort(abs(path[-1] - path[0]))[-4:]))
            self.assertNotEqual(drawn[3].get_ylim(), drawn[5].get_ylim())

    def test_fig2_without_a_run(self):
        runs = [self.open(run) for run in figures.FIGURES["fig2"].runs[1:]]
        drawn = figures.draw(figures.FIGURES["fig2"], runs).axes
        self.assertEqual([axes.get_title(loc="left") for axes in drawn], ["a", "", "b", "c", "d"])

    def test_s2(self):
        panel = (self.time, "", "")
        self.assert_panels("s2", (self.time, self.loss, "a", LAMBDAS[0]), *((*panel, title) for title in LAMBDAS[1:]))
        self.assertEqual({axes.get_ylim() for axes in self.drawn("s2")}, {self.drawn("s2")[0].get_ylim()})

    def test_delta_and_loss_of_fig2_and_s4(self):
        for name, first in (("fig2", 3), ("fig2-other-net", 3), ("s4", 0)):
            count = len(figures.FIGURES[name].runs)
            delta, loss = self.drawn(name)[first : first + 2]
            self.assertEqual((delta.get_ylabel(), loss.get_ylabel()), (r"$\Delta$", "mean loss $U$"))
            self.assertEqual((len(delta.get_lines()), len(loss.get_lines())), (count, count + 1))
            self.assertEqual((delta.get_yscale(), loss.get_yscale()), ("log", "log"))
            self.assertEqual([text.get_text() for text in loss.get_legend().get_texts()], ["gradient"])

    def test_fig3(self):
        self.assert_panels(
            "fig3",
            (self.time, self.weights, "a", LAMBDAS[0]),
            (self.time, "", "", LAMBDAS[1]),
            (self.time, self.loss, "b", ""),
            (self.time, "", "", ""),
        )
        drawn = self.drawn("fig3")
        self.assertEqual([axes.get_yscale() for axes in drawn], ["linear", "linear", "log", "log"])
        self.assertEqual(drawn[2].get_ylim(), drawn[3].get_ylim())
        self.assertEqual([axes.get_legend() is not None for axes in drawn], [True, False, True, False])
        run = self.open("fig3-lambda-1")
        self.assert_same(self.lines(drawn[3])[-3][1], run.ensemble["loss_mean"].values)

    def test_fig4_and_fig5(self):
        for name, below, beside in (("fig4", self.rank, self.weights), ("fig5", self.theta, self.function)):
            rows = [
                [(below, beside, letter, title), *2 * [(below, "", "", title)]]
                for letter, title in zip("ab", LAMBDAS[:2])
            ]
            self.assert_panels(name, *rows[0], *rows[1])
            times = [axes.texts[0].get_text() for axes in self.drawn(name)]
            self.assertEqual(times, 2 * ["$t = 0.004$", "$t = 0.01$", "$t = 0.02$"])
        last = self.lines(self.drawn("fig4")[5])[-1]
        self.assert_same(last[1], np.sort(self.open("fig3-lambda-1").reference["state"].values[-1]))

    def test_fig6(self):
        below, beside = "replicas averaged $n$ (dotted: $1/n$)", r"$\Delta$ at the last time"
        self.assert_panels(
            "fig6",
            (self.time, self.weights, "a", LAMBDAS[0]),
            (self.time, "", "", LAMBDAS[1]),
            (self.time, self.loss, "b", ""),
            (self.time, "", "", ""),
            (below, beside, "c", ""),
            (below, "", "", ""),
        )
        drawn = self.drawn("fig6")
        self.assertEqual([len(axes.child_axes) for axes in drawn], [0, 0, 1, 1, 0, 0])
        self.assertEqual([axes.get_xscale() for axes in drawn[4:]], ["log", "log"])

    def test_s3(self):
        self.assert_panels("s3", (self.time, self.weights, "a", ""), (self.time, self.loss, "b", ""))


class Command(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(dir=scratch.name)

    def take(self, *names):
        for name in names:
            shutil.copyfile(os.path.join(runs_directory, name + ".nc"), os.path.join(self.directory, name + ".nc"))

    def test_draws_all(self):
        output = os.path.join(self.directory, "not", "there", "yet")
        for kind, start in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
            done = call_figures(runs_directory, "-o", output, "--format", kind)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            paths = [os.path.join(output, f"{name}.{kind}") for name in NAMES]
            self.assertEqual(done.stdout.splitlines(), paths)
            for path in paths:
                self.assertEqual(Path(path).read_bytes()[:4], start)
        self.assertEqual(len(os.listdir(output)), 2 * len(NAMES))

    def test_the_examples_of_the_page_run(self):
        page = (packages.PACKAGE.parent / "docs" / "figures.md").read_text()
        examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        self.assertEqual(len(examples), 2)
        os.mkdir(os.path.join(self.directory, "runs"))
        shutil.copy(os.path.join(runs_directory, "fig1.nc"), os.path.join(self.directory, "runs"))
        code = "\n".join(["import matplotlib", "matplotlib.use('agg')", *examples, "print(output.shape)"])
        environment = dict(os.environ, PYTHONPATH=str(packages.PACKAGE))
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, "(64, 1)\n"), done.stderr)
        self.assertTrue(os.path.exists(os.path.join(self.directory, "mine.pdf")))

    def test_says_what_is_left_out(self):
        self.take("fig1", "fig2-lambda-1")
        done = call_figures(self.directory, "--format", "svg")
        self.assertEqual(done.returncode, 0)
        drawn = [os.path.join(self.directory, f"{name}.svg") for name in ("fig1", "fig2", "s2")]
        self.assertEqual(done.stdout.splitlines(), drawn)
        said = done.stderr.splitlines()
        self.assertEqual(len(said), len(NAMES) - 1)
        path = os.path.join(self.directory, "fig2")
        makes = f"make the runs with langevo reproduce fig2 -o {self.directory}"
        self.assertEqual(
            said[0],
            f"langevo: fig2 is not whole: '{path}-lambda-0.1.nc' and '{path}-lambda-10.nc' are missing; {makes}",
        )
        presets = dict(zip(NAMES[2:], "fig3 fig3 fig3 fig6 s1 fig2 s3 s4 s2 regimes".split(), strict=True))
        del presets["s2"]
        self.assertRegex(said[6], "^langevo: s2 is not whole: ")
        for line, (name, preset) in zip(said[1:6] + said[7:], presets.items(), strict=True):
            self.assertRegex(
                line, rf"^langevo: {name} is left out: .*/{preset}.*\.nc' (is|are) missing; .* reproduce {preset} -o"
            )

    def test_says_why_a_run_cannot_be_drawn(self):
        self.take("s1")
        run_preset(self.directory, "fig1", "--record-parameters", "none", "--trace", "0")
        Path(self.directory, "s3.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
        done = call_figures(self.directory)
        self.assertEqual(done.stdout.splitlines(), [os.path.join(self.directory, "s1.png")])
        self.assertRegex(done.stderr, "fig1 is left out: .* stores no parameters; run with --record-parameters mean")
        self.assertRegex(done.stderr, "s3 is left out: .* cannot be read")
        os.unlink(os.path.join(self.directory, "s1.nc"))
        self.assertEqual(call_figures(self.directory).returncode, 2)

    def test_says_what_is_wrong_in_one_sentence(self):
        self.take("fig1")
        empty = tempfile.mkdtemp(dir=scratch.name)
        file = os.path.join(self.directory, "fig1.nc")
        cases = [
            ([empty], "holds no run of the paper's experiments under its name, e.g. fig1.nc"),
            ([os.path.join(empty, "none")], "is no directory"),
            ([self.directory, "-o", os.path.join(file, "below")], "cannot be made"),
            ([self.directory, "--format", "jpeg"], "jpeg"),
            ([], "DIR"),
        ]
        for arguments, part in cases:
            with self.subTest(arguments=arguments):
                refused = call_figures(*arguments)
                self.assertEqual((refused.returncode, refused.stdout), (2, ""))
                self.assertIn(part, refused.stderr)
                self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)


class Networks(unittest.TestCase):
    def test_hand_numbers(self):
        """tanh 1 = 0.7615941559557649; weights row by row, then biases; the last layer linear."""
        network = NetworkFunction((1, 2, 1), "tanh", True)
        self.assertEqual(network.parameter_count, 7)
        output = network([1, -2, 0.5, 0, 3, -1, 0.25], [[0.5]])
        self.assertAlmostEqual(output[0, 0], 4 * 0.7615941559557649 + 0.25, places=15)

        network = NetworkFunction((2, 2, 2), "relu", False)
        self.assertEqual(network.parameter_count, 10)
        parameters = [1, 2, 3, 4, 1, -1, 5, 6, 7, 8]
        np.testing.assert_array_equal(network(parameters, [[2, -1], [1, -1]]), [[11, 15], [0, 0]])

        regression = NetworkFunction((2, 1), "tanh", True)
        np.testing.assert_array_equal(regression([2, 3, -1], [[10, 100]]), [[319]])

    def test_activations(self):
        values = {
            "tanh": (0.7615941559557649, -0.7615941559557649),
            "relu": (1, 0),
            "sigmoid": (0.7310585786300049, 0.2689414213699951),
            "identity": (1, -1),
            "softplus": (1.3132616875182228, 0.3132616875182228),
            "gelu": (0.8413447460685429, -0.15865525393145707),
        }
        listed = (packages.PACKAGE.parent / "include" / "langevo" / "network.hpp").read_text()
        self.assertEqual(set(re.findall(r'entry\(\w+, "(.+?)", ', listed)), set(langevo.network_function.ACTIVATIONS))
        self.assertEqual(set(values), set(langevo.network_function.ACTIVATIONS))
        for activation, expected in values.items():
            network = NetworkFunction((1, 1, 1), activation, False)
            found = network([1, 0, 1], [[1], [-1]])[:, 0]
            np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-16, err_msg=activation)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.assertTrue(np.isfinite(network([1, 0, 1], [[800], [-800]])).all(), activation)

    def test_wrong_sizes_are_refused(self):
        network = NetworkFunction((2, 3, 1), "tanh", True)
        for parameters, inputs in ((np.zeros(12), [[1, 2]]), (np.zeros(13), [[1]]), (np.zeros(13), [1, 2])):
            with self.assertRaises(ValueError):
                network(parameters, inputs)

    def test_functions_have_the_losses_of_the_file_for_every_activation(self):
        directory = tempfile.mkdtemp(dir=scratch.name)
        for activation in langevo.network_function.ACTIVATIONS:
            for bias in ("true", "false"):
                path = os.path.join(directory, f"{activation}-{bias}.nc")
                said = f"--widths 1,4,3,1 --activation {activation} --output-bias {bias} --points 20 --init-std 1"
                said += f" --alpha 1e-3 --lambda 1 --steps 10 --records 1 --replicas 2 --quiet -o {path}"
                subprocess.run([PROGRAM, "run", *said.split()], check=True, capture_output=True, timeout=60)
                with langevo.open_run(path) as run:
                    network = NetworkFunction.of_run(run)
                    output = network(run.ensemble["parameter_mean"].values[-1], run.root["input"].values)
                    loss = ((output - run.root["target"].values) ** 2).mean()
                    self.assertAlmostEqual(loss / float(run.ensemble["loss_of_mean"][-1]), 1, places=11, msg=path)


if __name__ == "__main__":
    unittest.main()
