"""The run file from outside: names, numbers and figures, by h5py, xarray and the langevo package.

Needs the environment variable LANGEVO_PROGRAM, the path of the langevo program. Exits with 77, "skipped", where the
Python packages are missing.
"""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

import packages

with packages.needed():
    import h5py
    import matplotlib.figure
    import matplotlib.image
    import netCDF4
    import numpy as np
    import xarray

    import langevo
    import langevo.plot
    from langevo import panels

PROGRAM = os.environ["LANGEVO_PROGRAM"]
POINTS, REPLICAS, STEPS, INTERVALS, TRACE, N = 20, 8, 40, 4, 3, 90
ALPHA, LAMBDA = 1e-2, 0.1
T = INTERVALS + 1

# The names of DESIGN.md section 7 with their dimensions.
VARIABLES = {
    "/": {
        "parameter_name": ("parameter",),
        "initial_parameter": ("parameter",),
        "input": ("point", "input_dim"),
        "target": ("point", "output_dim"),
    },
    "ensemble": {
        "time": ("time",),
        "step": ("time",),
        "parameter_mean": ("time", "parameter"),
        "parameter_variance": ("time", "parameter"),
        "loss_mean": ("time",),
        "loss_variance": ("time",),
        "loss_min": ("time",),
        "loss_max": ("time",),
        "quantile": ("quantile",),
        "loss_quantile": ("time", "quantile"),
        "loss_of_mean": ("time",),
        "accepted_fraction": ("time",),
        "replica_loss": ("time", "replica"),
        "trace_parameter": ("time", "trace", "parameter"),
    },
    "reference": {
        "time": ("time",),
        "step": ("time",),
        "state": ("time", "parameter"),
        "loss": ("time",),
        "gradient_norm": ("time",),
    },
    "correspondence": {
        "time": ("time",),
        "delta": ("time",),
        "replicas_averaged": ("m",),
        "delta_by_replicas": ("m",),
    },
}
SIZES = {
    "parameter": N,
    "point": POINTS,
    "input_dim": 1,
    "output_dim": 1,
    "time": T,
    "quantile": 5,
    "replica": REPLICAS,
    "trace": TRACE,
}
ATTRIBUTES = (
    "title Conventions langevo_version format_version configuration seed backend device created wall_seconds proposals"
    " decided_exactly decided_by_model decided_on_nodes decided_by_float decided_by_double decided_by_value not_finite audits audit_failures"
    " model_anchors model_replays model_audits model_failures spans repeated_spans"
).split()


def run_langevo(directory, *options, trace=TRACE, name="run.nc", intervals=INTERVALS):
    """A tiny run; its path."""
    path = os.path.join(directory, name)
    said = {"output-bias": "false", "points": POINTS, "replicas": REPLICAS, "steps": STEPS, "records": intervals}
    said |= {"alpha": ALPHA, "lambda": LAMBDA, "trace": trace}
    words = [word for name, value in said.items() if "--" + name not in options for word in (f"--{name}", str(value))]
    words += [*options, "-o", path, "--quiet"]
    subprocess.run([PROGRAM, "run", *words], check=True, timeout=300)
    return path


def plot(*arguments):
    """python3 -m langevo plot ..., as a user calls it."""
    return packages.call_langevo("plot", *arguments)


class WithRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="langevo_python_")
        cls.directory = cls.temporary.name
        cls.path = run_langevo(cls.directory)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()


class Names(WithRun):
    def test_h5py_sees_every_variable_with_its_dimensions(self):
        with h5py.File(self.path) as file:
            self.assertEqual({k for k, v in file.items() if isinstance(v, h5py.Group)}, set(VARIABLES) - {"/"})
            for group, variables in VARIABLES.items():
                for name, dimensions in variables.items():
                    dataset = file[group][name]
                    # A coordinate is its own scale; others point to theirs.
                    found = tuple(
                        name if h5py.h5ds.is_scale(dataset.id) else os.path.basename(dataset.dims[i][0].name)
                        for i in range(dataset.ndim)
                    )
                    self.assertEqual(found, dimensions, f"{group}/{name}")
                    for size, dimension in zip(dataset.shape, dimensions, strict=True):
                        if dimension != "m":
                            self.assertEqual(size, SIZES[dimension], f"{group}/{name}")
            self.assertIsNone(file["ensemble/time"].maxshape[0])
            self.assertEqual(file["ensemble"]["replica"].shape, (REPLICAS,))

    def test_h5py_sees_nothing_else(self):
        """But for the dimensions that have no coordinate, which netCDF keeps as data sets of their own."""
        pure = {"/": {"parameter", "point", "input_dim", "output_dim"}, "ensemble": {"replica", "trace"}}
        pure |= {"reference": set(), "correspondence": {"m"}}
        with h5py.File(self.path) as file:
            for group, variables in VARIABLES.items():
                found = {k for k, v in file[group].items() if isinstance(v, h5py.Dataset)}
                self.assertEqual(found, set(variables) | pure[group], group)

    def test_every_variable_has_long_name_and_units(self):
        with h5py.File(self.path) as file:
            for group, variables in VARIABLES.items():
                for name in variables:
                    attributes = file[group][name].attrs
                    self.assertGreater(len(attributes["long_name"]), 3, f"{group}/{name}")
                    self.assertEqual(attributes["units"], b"1", f"{group}/{name}")

    def test_xarray_sees_every_variable_with_its_dimensions(self):
        with langevo.open_run(self.path) as run:
            datasets = {"/": run.root, "ensemble": run.ensemble, "reference": run.reference}
            datasets["correspondence"] = run.correspondence
            for group, variables in VARIABLES.items():
                for name, dimensions in variables.items():
                    variable = datasets[group][name]
                    self.assertEqual(variable.dims, dimensions, f"{group}/{name}")
                    self.assertEqual(variable.attrs["units"], "1", f"{group}/{name}")
            np.testing.assert_array_equal(run.ensemble.indexes["quantile"], [0.05, 0.25, 0.5, 0.75, 0.95])

    def test_nodes_of_a_quadrature_have_a_group(self):
        with langevo.open_run(self.path) as run:
            self.assertIsNone(run.quadrature)
        path = run_langevo(self.directory, "--quadrature", "4", name="nodes.nc")
        with langevo.open_run(path) as run:
            points = run.quadrature["point"].values
            self.assertEqual(run.quadrature["weight"].dims, ("node",))
            self.assertEqual(len(set(points)), 4)
            self.assertTrue(all(0 <= point < run.root.sizes["point"] for point in points))
            self.assertGreater(run.quadrature.attrs["gradient_error"], 0)

    def test_xarray_opens_every_group_as_it_is(self):
        for path in (self.path, run_langevo(self.directory, "--quadrature", "4", name="whole.nc")):
            for group, variables in VARIABLES.items():
                with xarray.open_dataset(path, group=group) as dataset:
                    self.assertEqual(set(dataset.variables), set(variables))

    @unittest.skipUnless(hasattr(xarray, "open_datatree"), "xarray before 2024.10 has no trees")
    def test_xarray_opens_the_file_as_a_tree(self):
        path = run_langevo(self.directory, "--quadrature", "4", name="tree.nc")
        with xarray.open_datatree(path) as tree:
            self.assertEqual(set(tree.children), {"ensemble", "quadrature", "reference", "correspondence"})
            self.assertEqual(tree["reference/state"].shape, (T, N))

    def test_root_attributes(self):
        with xarray.open_dataset(self.path) as root:
            self.assertEqual(set(root.attrs), set(ATTRIBUTES))
            self.assertEqual(root.attrs["Conventions"], "CF-1.10")
            self.assertEqual(root.attrs["format_version"], 2)
            self.assertRegex(root.attrs["langevo_version"], r"^\d+\.\d+\.\d+")
            self.assertRegex(root.attrs["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertGreater(len(root.attrs["device"]), 0)
            self.assertIn(root.attrs["backend"], ("cpu", "cuda"))
            self.assertGreater(root.attrs["wall_seconds"], 0)
            self.assertEqual(root.attrs["proposals"], REPLICAS * STEPS)
            decided = [root.attrs[f"decided_by_{rung}"] for rung in ("float", "double", "value")]
            self.assertEqual(sum(decided) + root.attrs["not_finite"], root.attrs["decided_exactly"])
            self.assertEqual(root.attrs["decided_exactly"] + root.attrs["decided_by_model"] + root.attrs["decided_on_nodes"], REPLICAS * STEPS)
            self.assertGreater(len(tomllib.loads(root.attrs["configuration"])), 0)
        with h5py.File(self.path) as file:
            self.assertEqual(file.attrs["seed"], root.attrs["seed"])

    def test_parameter_names_are_pytorchs(self):
        with xarray.open_dataset(self.path) as root:
            names = list(root["parameter_name"].values)
        self.assertEqual(names[:2], ["layers.0.weight[0,0]", "layers.0.weight[1,0]"])
        self.assertEqual(names[30], "layers.0.bias[0]")
        self.assertEqual(names[89], "layers.1.weight[0,29]")


class Versions(WithRun):
    """Files of the format's version 1 have the states of the reference under another name."""

    def changed(self, name, change):
        path = os.path.join(self.directory, name)
        shutil.copyfile(self.path, path)
        with netCDF4.Dataset(path, "a") as file:
            change(file)
        return path

    def test_version_1_reads_as_2(self):
        def make_old(file):
            file.delncattr("format_version")
            file["reference"].renameVariable("state", "parameter")

        with langevo.open_run(self.changed("old.nc", make_old)) as old, langevo.open_run(self.path) as new:
            self.assertEqual(set(old.reference.variables), set(new.reference.variables))
            np.testing.assert_array_equal(old.reference["state"].values, new.reference["state"].values)
            self.assertEqual(old.reference["state"].attrs, new.reference["state"].attrs)
            self.assertEqual(old.reference["state"].dims, new.reference["state"].dims)

    def test_a_later_version_is_refused(self):
        path = self.changed("late.nc", lambda file: file.setncattr("format_version", 3))
        sentence = "'{}' is a run file of version 3, but this langevo knows versions up to 2;".format(re.escape(path))
        with self.assertRaisesRegex(langevo.RunFileError, sentence):
            langevo.open_run(path)
        shown = subprocess.run([PROGRAM, "show", path], capture_output=True, text=True, timeout=60)
        self.assertEqual(shown.returncode, 2)
        self.assertRegex(shown.stderr, sentence)


class Numbers(WithRun):
    def setUp(self):
        self.run_ = langevo.open_run(self.path)
        self.addCleanup(self.run_.close)

    def get(self, name, group="ensemble"):
        return getattr(self.run_, group)[name].values

    def test_data(self):
        theta = np.arange(POINTS) / POINTS
        np.testing.assert_array_equal(self.get("input", "root")[:, 0], theta)
        np.testing.assert_allclose(self.get("target", "root")[:, 0], np.sin(2 * np.pi * theta), atol=1e-15)

    def test_schedule(self):
        steps = np.arange(T) * STEPS // INTERVALS
        np.testing.assert_array_equal(self.get("step"), steps)
        np.testing.assert_allclose(self.get("time"), ALPHA * LAMBDA * steps, rtol=1e-12)
        np.testing.assert_allclose(self.get("time", "reference"), self.get("time"), rtol=1e-12)
        np.testing.assert_array_equal(self.get("step", "reference"), np.arange(T))
        np.testing.assert_array_equal(self.get("time", "correspondence"), self.get("time"))

    def test_losses_are_those_of_the_replicas(self):
        losses = self.get("replica_loss")
        np.testing.assert_allclose(self.get("loss_mean"), losses.mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(self.get("loss_variance"), losses.var(axis=1, ddof=1), rtol=1e-8, atol=1e-28)
        np.testing.assert_array_equal(self.get("loss_min"), losses.min(axis=1))
        np.testing.assert_array_equal(self.get("loss_max"), losses.max(axis=1))
        quantiles = np.quantile(losses, self.get("quantile"), axis=1).T
        np.testing.assert_allclose(self.get("loss_quantile"), quantiles, rtol=1e-12)
        self.assertGreater(self.get("loss_variance")[-1], 0)

    def test_starts_from_the_initial_parameters(self):
        initial = self.get("initial_parameter", "root")
        np.testing.assert_array_equal(self.get("trace_parameter")[0], np.tile(initial, (TRACE, 1)))
        np.testing.assert_allclose(self.get("parameter_mean")[0], initial, rtol=1e-15)
        np.testing.assert_allclose(self.get("parameter_variance")[0], 0, atol=1e-30)
        np.testing.assert_array_equal(self.get("state", "reference")[0], initial)

    def test_parameters_move_apart(self):
        self.assertTrue((self.get("parameter_variance")[-1] > 0).all())
        self.assertFalse((self.get("trace_parameter")[-1, 0] == self.get("trace_parameter")[-1, 1]).any())

    def test_accepted_fraction(self):
        accepted = self.get("accepted_fraction")
        self.assertTrue(np.isnan(accepted[0]), "nothing was proposed yet")
        self.assertTrue(((accepted[1:] >= 0) & (accepted[1:] <= 1)).all())
        counts = accepted[1:] * REPLICAS * STEPS / INTERVALS
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)
        self.assertGreater(counts.sum(), 0)

    def test_delta_is_the_distance_of_the_mean_from_the_reference(self):
        difference = self.get("parameter_mean") - self.get("state", "reference")
        delta = (difference**2).mean(axis=1)
        np.testing.assert_allclose(self.get("delta", "correspondence"), delta, rtol=1e-9, atol=1e-30)
        self.assertGreater(delta[-1], 0)

    def test_delta_by_replicas_ends_at_all_of_them(self):
        averaged = self.get("replicas_averaged", "correspondence").astype(int)
        self.assertTrue((np.diff(averaged) > 0).all())
        self.assertEqual(averaged[0], 1)
        self.assertEqual(averaged[-1], REPLICAS)
        by_replicas = self.get("delta_by_replicas", "correspondence")
        self.assertAlmostEqual(by_replicas[-1] / self.get("delta", "correspondence")[-1], 1, places=9)
        first = self.get("trace_parameter")[-1, 0] - self.get("state", "reference")[-1]
        self.assertAlmostEqual(by_replicas[0] / (first**2).mean(), 1, places=9)

    def test_lambda_is_read_from_the_configuration(self):
        self.assertAlmostEqual(self.run_.lambda_, LAMBDA)


class Drawn(WithRun):
    """The numbers that figures draw."""

    def setUp(self):
        self.run_ = langevo.open_run(self.path)
        self.addCleanup(self.run_.close)
        self.axes = matplotlib.figure.Figure().add_subplot()

    def test_the_band_is_from_5_to_95_percent(self):
        panels.loss(self.axes, self.run_)
        band = self.axes.collections[0]
        quantiles = self.run_.ensemble["loss_quantile"].values
        drawn = band.get_paths()[0].vertices
        for time, low, high in zip(self.run_.ensemble["time"].values, quantiles[:, 0], quantiles[:, 4], strict=True):
            heights = drawn[drawn[:, 0] == time, 1]
            self.assertEqual((heights.min(), heights.max()), (low, high))

    def test_lines_of_weights_are_those_of_the_parameters(self):
        chosen = [0, 30, 89]
        panels.weights(self.axes, self.run_, chosen)
        lines = [line.get_ydata() for line in self.axes.lines]
        self.assertEqual(len(lines), len(chosen) * (TRACE + 2))
        for number, index in enumerate(chosen):
            *replicas, mean, gradient = lines[number * (TRACE + 2) : (number + 1) * (TRACE + 2)]
            np.testing.assert_array_equal(np.transpose(replicas), self.run_.ensemble["trace_parameter"].values[:, :, index])
            np.testing.assert_array_equal(mean, self.run_.ensemble["parameter_mean"].values[:, index])
            np.testing.assert_array_equal(gradient, self.run_.reference["state"].values[:, index])


class StartsFromARun(unittest.TestCase):
    """--init RUN.nc, --init-at and --init-per-replica, to the last bit."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="langevo_python_")
        cls.directory = cls.temporary.name
        cls.base = run_langevo(cls.directory, "--first-replica", "100", trace=REPLICAS - 1, name="base.nc")
        cls.addClassCleanup(cls.temporary.cleanup)
        with langevo.open_run(cls.base) as run:
            cls.time = run.ensemble["time"].values
            cls.mean = run.ensemble["parameter_mean"].values
            cls.trace = run.ensemble["trace_parameter"].values
            cls.initial = run.root["initial_parameter"].values

    def start(self, *options):
        """Initial parameters and the traced states at time 0."""
        path = run_langevo(self.directory, "--init", self.base, *options, "--overwrite", name="next.nc")
        with langevo.open_run(path) as run:
            self.assertEqual(run.ensemble["time"].values[0], 0)
            return run.root["initial_parameter"].values, run.ensemble["trace_parameter"].values[0]

    def refused(self, *options):
        command = [PROGRAM, "run", "--output-bias", "false", "--init", self.base, "--steps", "2", *options, "-o", os.path.join(self.directory, "no.nc")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_begins_where_the_run_began(self):
        np.testing.assert_array_equal(self.start()[0], self.initial)

    def test_begins_with_the_mean_of_a_record(self):
        for option, record in (("last", -1), (str(self.time[2]), 2), ("0.03", 3)):
            initial, states = self.start("--init-at", option)
            np.testing.assert_array_equal(initial, self.mean[record])
            np.testing.assert_array_equal(states, np.tile(initial, (TRACE, 1)))

    def test_begins_with_each_replicas_own_state(self):
        for first in (100, 103):
            options = ("--init-per-replica", "--init-at", "last", "--first-replica", str(first), "--replicas", "4")
            initial, states = self.start(*options)
            np.testing.assert_array_equal(states, self.trace[-1, first - 100 : first - 100 + TRACE])
            np.testing.assert_array_equal(initial, states[0])

    def test_says_what_is_missing(self):
        self.assertIn("the nearest is at --init-at 0.02", self.refused("--init-at", "0.021"))
        words = ("--init-per-replica", "--init-at", "last", "--replicas", "8")
        self.assertIn("none for replica 0", self.refused(*words))
        self.assertIn("none for replica 107", self.refused(*words, "--first-replica", "100"))
        self.assertIn("this one has 180;", self.refused("--init-at", "last", "--widths", "1,60,1"))
        self.assertIn("--init-at", self.refused("--init-per-replica"))


class SmallFiles(unittest.TestCase):
    def test_one_replica_has_no_variance(self):
        with tempfile.TemporaryDirectory(prefix="langevo_python_") as directory:
            path = run_langevo(directory, "--replicas", "1", trace=1)
            with langevo.open_run(path) as run:
                self.assertTrue(np.isnan(run.ensemble["loss_variance"].values).all())
                self.assertTrue(np.isnan(run.ensemble["parameter_variance"].values).all())
            figure = os.path.join(directory, "figure.png")
            self.assertEqual(plot(path, "-o", figure).stderr, "")

    def test_the_reference_is_at_the_records_times(self):
        """Of ten records in one gradient step each is compared with a state of its own time."""
        with tempfile.TemporaryDirectory(prefix="langevo_python_") as directory:
            path = run_langevo(directory, trace=0, intervals=STEPS)
            with langevo.open_run(path) as run:
                np.testing.assert_allclose(run.reference["time"].values, run.ensemble["time"].values, rtol=1e-12)
                states = run.reference["state"].values
                np.testing.assert_allclose(states[5], (states[0] + states[10]) / 2, rtol=1e-12)
                self.assertTrue((states[4] != states[5]).any())
                np.testing.assert_array_equal(run.reference["step"].values, np.arange(STEPS + 1) // 10)

    def test_what_is_not_stored_is_not_there(self):
        with tempfile.TemporaryDirectory(prefix="langevo_python_") as directory:
            options = "--no-replica-loss --record-parameters none --reference none".split()
            path = run_langevo(directory, *options, trace=0)
            absent = {"parameter_mean", "parameter_variance", "replica_loss", "trace_parameter"}
            with langevo.open_run(path) as run:
                self.assertIsNone(run.reference)
                self.assertIsNone(run.correspondence)
                self.assertEqual(set(run.ensemble.variables), set(VARIABLES["ensemble"]) - absent)
            figure = os.path.join(directory, "figure.png")
            self.assertEqual(plot(path, "-o", figure).returncode, 0)
            self.assertTrue(os.path.exists(figure))
            refused = plot(path, "-o", figure, "--parameters", "1")
            self.assertEqual(refused.returncode, 2)
            self.assertIn("stores no parameters", refused.stderr)


class DrawnNumbers(unittest.TestCase):
    """What is in the figures, not only that there are figures."""

    def figure(self, *options, trace=1):
        scratch = tempfile.TemporaryDirectory(prefix="langevo_python_")
        self.addCleanup(scratch.cleanup)
        run = langevo.open_run(run_langevo(scratch.name, *options, trace=trace))
        self.addCleanup(run.close)
        figure = langevo.plot.draw([run], [30, 60])
        figure.canvas.draw()
        return run, figure

    def assert_readable(self, figure):
        for axes in figure.axes:
            drawn = [
                line
                for line in axes.get_lines()
                if np.isfinite(line.get_ydata()).sum() >= (1 if line.get_marker() not in (None, "None", "") else 2)
            ]
            self.assertTrue(drawn, f"nothing to see against {axes.get_xlabel()}")
            for axis in (axes.xaxis, axes.yaxis):
                low, high = sorted(axis.get_view_interval())
                labels = [
                    tick.label1.get_text()
                    for tick in axis.get_major_ticks() + axis.get_minor_ticks()
                    if low <= tick.get_loc() <= high and tick.label1.get_text()
                ]
                self.assertEqual(len(labels), len(set(labels)), labels)
                self.assertTrue(labels, axis.get_label_text())
                self.assertFalse([label for label in labels if "times" in label], labels)

    def test_two_records_can_be_read(self):
        for options in ([], ["--replicas", "1"], ["--replicas", "2", "--lambda", "1"]):
            with self.subTest(options):
                self.assert_readable(self.figure("--records", "1", *options)[1])

    def test_the_band_is_that_of_the_quantiles(self):
        run, figure = self.figure()
        band = figure.axes[1].collections[0]
        drawn = band.get_paths()[0].vertices[:, 1]
        quantiles = run.ensemble["loss_quantile"].values[-1]
        self.assertEqual(list(run.ensemble["quantile"].values), [0.05, 0.25, 0.5, 0.75, 0.95])
        self.assertIn(quantiles[0], drawn)
        self.assertIn(quantiles[-1], drawn)
        self.assertNotIn(quantiles[1], drawn)

    def test_each_gradient_line_is_that_of_its_weight(self):
        run, figure = self.figure()
        lines = [line for line in figure.axes[0].get_lines() if line.get_color() == "black"]
        self.assertEqual(len(lines), 2)
        for line, parameter in zip(lines, (30, 60), strict=True):
            expected = run.reference["state"].isel(parameter=parameter).values
            np.testing.assert_array_equal(line.get_ydata(), expected)


class Figures(WithRun):
    def test_draws_one_run(self):
        figure = os.path.join(self.directory, "one.png")
        done = plot(self.path, "-o", figure, "--parameters", "0,30,89")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        pixels = matplotlib.image.imread(figure)
        self.assertGreater(min(pixels.shape[:2]), 500)
        red, green, blue = (pixels[..., i] for i in range(3))
        self.assertGreater(((green > red + 0.3) & (green > blue + 0.3)).sum(), 500, "no green mean")
        self.assertGreater((pixels[..., :3].max(axis=2) < 0.2).sum(), 500, "no black gradient")
        self.assertEqual([f for f in os.listdir(self.directory) if f.endswith(".partial")], [])

    def test_draws_several_runs(self):
        other = run_langevo(self.directory, name="other.nc")
        one, two = (os.path.join(self.directory, name) for name in ("single.png", "several.png"))
        self.assertEqual(plot(self.path, "-o", one).returncode, 0)
        self.assertEqual(plot(self.path, other, "-o", two).returncode, 0)
        self.assertGreater(matplotlib.image.imread(two).shape[0], matplotlib.image.imread(one).shape[0])

    def test_draws_other_formats(self):
        figure = os.path.join(self.directory, "figure.pdf")
        self.assertEqual(plot(self.path, "-o", figure).returncode, 0)
        self.assertEqual(Path(figure).read_bytes()[:4], b"%PDF")

    def test_says_what_is_wrong_in_one_sentence(self):
        text = os.path.join(self.directory, "text.nc")
        Path(text).write_text("1,2\n")
        foreign = os.path.join(self.directory, "foreign.nc")
        with h5py.File(foreign, "w") as file:
            file["x"] = [1, 2]
        truncated = os.path.join(self.directory, "truncated.nc")
        whole = Path(self.path).read_bytes()
        Path(truncated).write_bytes(whole[: len(whole) // 2])
        figure = os.path.join(self.directory, "never.png")
        cases = [
            ([os.path.join(self.directory, "none.nc"), "-o", figure], "none.nc' does not exist"),
            ([self.directory, "-o", figure], "is a directory"),
            ([text, "-o", figure], "cannot be read"),
            ([truncated, "-o", figure], "cannot be read"),
            ([foreign, "-o", figure], "was not written by langevo"),
            ([self.path, "-o", figure, "--parameters", "90"], "parameter 90 is not in"),
            ([self.path, "-o", figure, "--parameters=-1"], "parameter -1 is not in"),
            ([self.path, "-o", figure, "--parameters", "a,b"], "'a,b' is not a list of indices"),
            ([self.path, "-o", figure[:-3] + "xyz"], "no format"),
            ([self.path, "-o", figure[:-4]], "no format"),
            ([self.path, "-o", os.path.join(self.directory, "none", "f.png")], "cannot be written"),
            ([self.path], "-o"),
            (["-o", figure], "RUN.nc"),
        ]
        for arguments, part in cases:
            with self.subTest(arguments=arguments):
                refused = plot(*arguments)
                self.assertEqual(refused.returncode, 2, refused.stderr)
                self.assertIn(part, refused.stderr)
                self.assertEqual(len(re.findall("\n", refused.stderr)), 1, refused.stderr)
                self.assertFalse(os.path.exists(figure))

    def test_refuses_different_networks_in_one_figure(self):
        other = run_langevo(self.directory, "--widths", "1,20,1", name="narrow.nc")
        refused = plot(self.path, other, "-o", os.path.join(self.directory, "never.png"))
        self.assertEqual(refused.returncode, 2)
        self.assertIn("different networks", refused.stderr)


class Program(WithRun):
    def test_shows_a_run(self):
        shown = subprocess.run([PROGRAM, "show", self.path], capture_output=True, text=True, check=True, timeout=60)
        self.assertIn("acceptance", shown.stdout)


if __name__ == "__main__":
    unittest.main()
