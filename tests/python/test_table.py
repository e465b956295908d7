"""The table of what runs end with.

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
    import langevo
    from langevo.correspondence import delta_parts
    from langevo.table import COLUMNS, in_digits, in_time, row

PROGRAM = os.environ["LANGEVO_PROGRAM"]


class Words(unittest.TestCase):
    def test_numbers_have_the_digits_that_their_errors_leave(self):
        for value, error, words in (
            (0.123456, None, "0.1235"),
            (0.123456, float("nan"), "0.1235"),
            (0.123456, 0.0004, "0.1235(4)"),
            (0.123456, 0.0123, "0.12(1)"),
            (12.3456, 2.0, "12(2)"),
            (5.3e-5, 2.9e-6, "5.30e-05 +- 3e-06"),
            (0.004, 0.02, "0.00(2)"),
        ):
            self.assertEqual(in_digits(value, error), words)

    def test_times(self):
        self.assertEqual((in_time(4.24), in_time(59.96), in_time(757.2)), ("4.2 s", "1 min 0 s", "12 min 37 s"))


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="langevo_table_")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        for name, more in (("full", ["--trace", "6"]), ("bare", ["--trace", "0"]), ("alone", ["--reference", "none"])):
            said = ["--widths", "1,4,1", "--points", "20", "--replicas", "6", "--time", "0.2", "--alpha", "1e-3", "--quiet"]
            subprocess.run([PROGRAM, "run", *said, *more, "-o", str(cls.folder / f"{name}.nc")], check=True, timeout=300,
                           stdout=subprocess.DEVNULL)

    def cells(self, name):
        with langevo.open_run(self.folder / f"{name}.nc") as run:
            return row(name, run)

    def test_rows_have_the_numbers_of_the_files(self):
        with langevo.open_run(self.folder / "full.nc") as run:
            cells = row("full", run)
            parts = delta_parts(run)
            self.assertEqual(cells["loss of the mean"], f"{float(run.ensemble['loss_of_mean'][-1]):.4g}")
            self.assertEqual(cells["loss of the gradient"], f"{float(run.reference['loss'][-1]):.4g}")
            self.assertEqual(cells["Delta"], f"{float(run.correspondence['delta'][-1]):.4g}")
            self.assertEqual(cells["a/n"], f"{parts.spread / 6:.4g}")
            self.assertEqual(cells["bias"], in_digits(parts.bias, parts.bias_error))
            error = (float(run.ensemble["loss_variance"][-1]) / 6) ** 0.5
            self.assertEqual(cells["mean loss"], in_digits(float(run.ensemble["loss_mean"][-1]), error))
        self.assertEqual((cells["run"], cells["replicas"]), ("full", "6"))
        self.assertNotEqual(cells["wall"], "-")

    def test_what_a_run_does_not_hold_is_left_open(self):
        bare = self.cells("bare")
        full = self.cells("full")
        self.assertEqual(bare["Delta"], full["Delta"])
        self.assertEqual(bare["bias"], "-")
        alone = self.cells("alone")
        self.assertEqual([alone[column] for column in ("loss of the gradient", "Delta", "a/n", "bias")], ["-"] * 4)

    def test_is_printed(self):
        done = packages.call_langevo("table", *(self.folder / f"{name}.nc" for name in ("full", "bare")))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        head, rule, *rows = done.stdout.splitlines()
        self.assertEqual(head, "| " + " | ".join(COLUMNS) + " |")
        self.assertEqual(rule.count("---"), len(COLUMNS))
        full = self.cells("full")
        self.assertEqual(rows[0], "| " + " | ".join(full[column] for column in COLUMNS) + " |")
        self.assertTrue(rows[1].startswith("| bare | 6 |"))


if __name__ == "__main__":
    unittest.main()
