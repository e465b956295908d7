"""Tables of `langevo moments` and their pictures.

Needs the environment variable LANGEVO_PROGRAM, the path of the langevo program. Exits with 77, "skipped", where the
Python packages are missing.
"""

import math
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import packages

with packages.needed():
    import numpy as np
    from matplotlib.figure import Figure

    from langevo import panels
    from langevo.moments import MomentsError, read_moments

PROGRAM = os.environ["LANGEVO_PROGRAM"]


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="langevo_moments_")
        cls.addClassCleanup(temporary.cleanup)
        cls.path = Path(temporary.name) / "shallow.txt"
        command = [PROGRAM, "moments", "--widths", "1,3,1", "--points", "20", "--replicas", "20000", "--a", "10,0.1,1,inf"]
        with open(cls.path, "w", encoding="utf-8") as file:
            subprocess.run(command, stdout=file, check=True, timeout=300)

    def test_rows_are_read_in_order(self):
        table = read_moments(self.path)
        self.assertIn("N = 10 parameters, 20 points", table.heading)
        np.testing.assert_array_equal(table.a, [0.1, 1, 10])
        # docs/theory.md: drift = -a E / 2 with E = exp(a^2 / 2) erfc(a / sqrt 2)
        drift = [-a / 2 * math.exp(a * a / 2) * math.erfc(a / math.sqrt(2)) for a in table.a]
        np.testing.assert_allclose(table.expected["drift along"], drift, atol=6e-8)
        for quantity, measured in table.measured.items():
            z = (measured - table.expected[quantity]) / table.error[quantity]
            self.assertLess(abs(z).max(), 5, quantity)
            self.assertGreater(abs(z).max(), 0, quantity)

    def test_are_drawn(self):
        table = read_moments(self.path)
        measured, expected = table.measured["drift along"], table.expected["drift along"]
        z = (measured - expected) / table.error["drift along"]
        for as_z, points, line in ((False, -measured, -expected), (True, z, [0, 0, 0])):
            axes = Figure().subplots()
            panels.moments(axes, [table], "drift along", ["shallow"], as_z)
            lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
            np.testing.assert_array_equal(lines["closed form"], line)
            (drawn,) = axes.containers
            np.testing.assert_array_equal(drawn.lines[0].get_ydata(), points)
            self.assertEqual(bool(drawn.has_yerr), not as_z)
            self.assertEqual(drawn.get_label(), "shallow")
        picture = self.path.with_suffix(".png")
        done = packages.call_langevo("moments", self.path, self.path, "-o", picture)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertGreater(picture.stat().st_size, 10000)

    def test_misuse_is_said_in_a_sentence(self):
        for text, words in (("", "has no row"), (None, "cannot be read")):
            path = self.path.with_name("other.txt")
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text, encoding="utf-8")
            with self.assertRaisesRegex(MomentsError, words):
                read_moments(path)
        cut = self.path.with_name("cut.txt")
        lines = self.path.read_text(encoding="utf-8").splitlines()
        row = next(k for k, line in enumerate(lines) if line.startswith("1 ") and "acceptance" in line)
        cut.write_text("\n".join(lines[: row + 2]), encoding="utf-8")
        with self.assertRaisesRegex(MomentsError, "is the table whole"):
            read_moments(cut)
        with self.assertRaisesRegex(MomentsError, "no moment 'third'"):
            panels.moments(Figure().subplots(), [read_moments(self.path)], "third", ["x"])


if __name__ == "__main__":
    unittest.main()
