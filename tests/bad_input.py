#!/usr/bin/env python3
"""What the program does with input it cannot use, and with Ctrl-C. LANGEVO_PROGRAM names the program."""

import os
import resource
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = os.environ.get("LANGEVO_PROGRAM", "build/release/langevo")

# A run that takes no time, should one of the rows below be accepted after all.
TINY = ["run", "-o", "out.nc", "--quiet", "--widths", "1,3,1", "--output-bias", "false", "--points", "8", "--replicas",
        "4", "--steps", "5", "--alpha", "0.01"]
# The same without the option that the row is about.
DATA = ["run", "-o", "out.nc", "--quiet", "--widths", "2,3,1", "--replicas", "4", "--steps", "5", "--data"]
STATE = ["run", "-o", "out.nc", "--quiet", "--widths", "1,3,1", "--output-bias", "false", "--replicas", "4", "--steps",
         "5"]

NINE = b"0.1\n" * 9
CSV = b"x,y,target\n1,2,3\n4,5,6\n"
CDF_HEADER = b"CDF\x01" + b"\0" * 4 + b"\0\0\0\x0a\0\0\0\x01"

# name: (arguments, {file: content}, exit code, words that the message contains)
ROWS = {
    # the program itself
    "no command": ([], {}, 2, ["command", "run"]),
    "unknown command": (["rnu"], {}, 2, ["'rnu'", "'run'"]),
    "unknown option before the command": (["--versoin"], {}, 2, ["--versoin", "--version"]),
    "show without a file": (["show"], {}, 2, ["RUN.nc"]),
    "show a missing file": (["show", "none.nc"], {}, 2, ["'none.nc'", "No such file"]),
    "show a text file": (["show", "a.txt"], {"a.txt": NINE}, 2, ["'a.txt'"]),
    "unknown preset to print": (["presets", "fig9"], {}, 2, ["'fig9'", "did you mean"]),
    "one word too many": (TINY + ["more"], {}, 2, ["'more'"]),
    # unknown and misspelt words
    "unknown option": (TINY + ["--lamda", "1"], {}, 2, ["--lamda", "--lambda"]),
    "unknown option with =": (TINY + ["--replica=3"], {}, 2, ["--replica;", "--replicas"]),
    "unknown short option": (TINY + ["-q"], {}, 2, ["-q"]),
    "misspelt preset": (["run", "--preset", "fgi1", "-o", "out.nc"], {}, 2, ["'fgi1'", "'fig1'"]),
    "misspelt dynamics": (TINY + ["--dynamics", "metroplis"], {}, 2, ["'metroplis'", "'metropolis'"]),
    "misspelt activation": (TINY + ["--activation", "tahn"], {}, 2, ["'tahn'", "'tanh'"]),
    "misspelt loss": (TINY + ["--loss", "cross-entopy"], {}, 2, ["'cross-entopy'", "'cross-entropy'"]),
    "misspelt data": (STATE + ["--data", "sin-unti"], {}, 2, ["'sin-unti'", "'sin-unit'"]),
    "misspelt init": (TINY + ["--init", "gausian"], {}, 2, ["'gausian'", "'gaussian'"]),
    "misspelt boolean": (DATA[:-1] + ["--output-bias", "yes"], {}, 2, ["--output-bias", "'yes'"]),
    "misspelt precision": (TINY + ["--precision", "duoble"], {}, 2, ["'duoble'", "'double'"]),
    "misspelt backend": (TINY + ["--backend", "cpuu"], {}, 2, ["'cpuu'", "'cpu'"]),
    "unknown instruction set": (TINY + ["--instruction-set", "avx1024"], {}, 2, ["avx1024"]),
    "misspelt acceptance": (TINY + ["--acceptance", "screend"], {}, 2, ["'screend'", "'screened'"]),
    # values
    "missing value": (TINY + ["--beta"], {}, 2, ["--beta", "no value"]),
    "missing value before an option": (TINY + ["--beta", "--lambda", "1"], {}, 2, ["--beta", "--lambda"]),
    "option given twice": (TINY + ["--seed", "1", "--seed", "2"], {}, 2, ["--seed", "more than once"]),
    "flag with a value": (TINY + ["--no-replica-loss=false"], {}, 2, ["--no-replica-loss", "no value"]),
    "not a number": (TINY + ["--lambda", "tenth"], {}, 2, ["--lambda", "'tenth'"]),
    "number and more": (TINY + ["--lambda", "0.1s"], {}, 2, ["--lambda", "'0.1s'"]),
    "empty value": (TINY + ["--lambda", ""], {}, 2, ["--lambda", "empty"]),
    "fraction of a replica": (STATE + ["--first-replica", "1.5"], {}, 2, ["--first-replica", "'1.5'"]),
    "negative seed": (TINY + ["--seed", "-1"], {}, 2, ["--seed", "'-1'"]),
    "seed beyond 64 bits": (TINY + ["--seed", "18446744073709551616"], {}, 2, ["--seed"]),
    "alpha zero": (STATE + ["--alpha", "0"], {}, 2, ["--alpha is 0"]),
    "alpha infinite": (STATE + ["--alpha", "inf"], {}, 2, ["--alpha is inf"]),
    "beta zero": (TINY + ["--beta", "0"], {}, 2, ["--beta is 0"]),
    "beta negative": (TINY + ["--beta", "-2"], {}, 2, ["--beta is -2"]),
    "beta not a number": (TINY + ["--beta", "nan"], {}, 2, ["--beta", "'nan'"]),
    "lambda zero": (TINY + ["--lambda", "0"], {}, 2, ["--lambda is 0"]),
    "sigma zero": (TINY + ["--sigma", "0"], {}, 2, ["--sigma is 0"]),
    "sigma negative": (TINY + ["--sigma", "-0.5"], {}, 2, ["--sigma is -0.5"]),
    "sigma too small to compute with": (TINY + ["--sigma", "1e-200"], {}, 2, ["1e-200"]),
    "lambda and sigma": (TINY + ["--lambda", "1", "--sigma", "1"], {}, 2, ["--lambda 1", "--sigma 1"]),
    "lambda and sigma file": (TINY + ["--lambda", "1", "--sigma-file", "s.txt"], {"s.txt": NINE}, 2,
                              ["--lambda", "--sigma-file"]),
    "stride without langevin": (TINY + ["--stride", "2"], {}, 2, ["--stride", "langevin"]),
    # schedule
    "time and steps": (TINY + ["--time", "1"], {}, 2, ["--time", "--steps"]),
    "time zero": (["run", "-o", "out.nc", "--time", "0"], {}, 2, ["--time is 0"]),
    "absurd time": (["run", "-o", "out.nc", "--time", "1e300"], {}, 2, ["--time 1e+300", "2^53"]),
    "absurd steps": (["run", "-o", "out.nc", "--steps", "72057594037927936"], {}, 2, ["--steps", "2^56"]),
    "no steps": (["run", "-o", "out.nc", "--steps", "0"], {}, 2, ["--steps is 0"]),
    "more records than steps": (TINY + ["--records", "6"], {}, 2, ["--records is 6", "5 step"]),
    "records twice": (TINY + ["--records", "2", "--record-every", "1"], {}, 2, ["--records", "--record-every"]),
    "record time below a step": (TINY + ["--record-every", "1e-9"], {}, 2, ["--record-every 1e-09"]),
    "reset beyond the end": (TINY + ["--reset-every", "5"], {}, 2, ["--reset-every 5"]),
    "reset without a reference": (TINY + ["--reset-every", "0.002", "--reference", "none"], {}, 2,
                                  ["--reset-every", "--reference is none"]),
    # ensemble and sizes
    "no replicas": (["run", "-o", "out.nc", "--replicas", "0"], {}, 2, ["--replicas is 0"]),
    "replica beyond 32 bits": (TINY + ["--first-replica", "4294967295"], {}, 2, ["4294967295", "2^32 - 1"]),
    "more traced than there are": (TINY + ["--trace", "5"], {}, 2, ["--trace is 5", "4 replicas"]),
    "memory for replicas": (["run", "-o", "out.nc", "--replicas", "4e9", "--widths", "1,256,1"], {}, 2, ["memory"]),
    "memory for a huge network": (["run", "-o", "out.nc", "--widths", "1,2147483647,2147483647,1"], {}, 2, ["memory"]),
    "memory for points": (["run", "-o", "out.nc", "--points", "1e15"], {}, 2, ["memory", "points"]),
    "threads": (TINY + ["--threads", "-1"], {}, 2, ["--threads", "'-1'"]),
    "cuda where there is none": (TINY + ["--backend", "cuda", "--device", "77"], {}, 2, ["cuda"]),
    "init std zero": (TINY + ["--init-std", "0"], {}, 2, ["--init-std is 0"]),
    # widths
    "one width": (["run", "-o", "out.nc", "--widths", "3"], {}, 2, ["idth"]),
    "width zero": (["run", "-o", "out.nc", "--widths", "1,0,1"], {}, 2, ["idth"]),
    "width not a number": (["run", "-o", "out.nc", "--widths", "1,x,1"], {}, 2, ["--widths", "'1,x,1'"]),
    "widths that do not fit built-in data": (["run", "-o", "out.nc", "--widths", "2,30,1"], {}, 2,
                                             ["--widths", "2 and 1"]),
    "widths that do not fit a file": (DATA[:4] + ["--widths", "1,3,1", "--data", "d.csv"], {"d.csv": CSV}, 2,
                                      ["d.csv", "3 column"]),
    # data files
    "missing data": (DATA + ["none.csv"], {}, 2, ["'none.csv'"]),
    "data is a directory": (DATA + ["."], {}, 2, ["directory"]),
    "points of a data file": (DATA + ["d.csv", "--points", "2"], {"d.csv": CSV}, 2, ["--points 2"]),
    "empty data": (DATA + ["d.csv"], {"d.csv": b""}, 2, ["d.csv", "empty"]),
    "header without data": (DATA + ["d.csv"], {"d.csv": b"x,y,target\n"}, 2, ["d.csv", "no data"]),
    "ragged data": (DATA + ["d.csv"], {"d.csv": b"1,2,3\n4,5\n"}, 2, ["line 2", "2 column"]),
    "word in data": (DATA + ["d.csv"], {"d.csv": b"1,2,3\n4,five,6\n"}, 2, ["line 2", "'five'"]),
    "NaN in data": (DATA + ["d.csv"], {"d.csv": b"1,2,3\n4,nan,6\n"}, 2, ["line 2", "'nan'"]),
    "infinity in data": (DATA + ["d.csv"], {"d.csv": b"1,2,3\n4,5,inf\n"}, 2, ["line 2", "'inf'"]),
    "truncated classic netCDF": (DATA + ["d.nc"], {"d.nc": CDF_HEADER}, 2, ["d.nc"]),
    "truncated netCDF-4": (DATA + ["d.nc"], {"d.nc": b"\x89HDF\r\n\x1a\n" + b"\0" * 50}, 2, ["d.nc"]),
    "targets that are no classes": (DATA + ["d.csv", "--loss", "cross-entropy"], {"d.csv": b"1,2,-3\n"}, 2,
                                    ["cross-entropy", "--widths ends with 1"]),
    "header of no file": (TINY + ["--header", "yes"], {}, 2, ["--header", "sin-unit"]),
    "misspelt header": (DATA + ["d.csv", "--header", "ys"], {"d.csv": CSV}, 2, ["'ys'", "'yes'"]),
    # state and sigma files
    "missing initial state": (TINY + ["--init", "none.txt"], {}, 2, ["'none.txt'"]),
    "short initial state": (TINY + ["--init", "s.txt"], {"s.txt": b"1\n2\n"}, 2, ["s.txt", "2 number", "9"]),
    "word in an initial state": (TINY + ["--init", "s.txt"], {"s.txt": NINE[4:] + b"x\n"}, 2, ["s.txt", "'x'"]),
    "initial state for each from a file": (TINY + ["--init", "s.txt", "--init-per-replica"], {"s.txt": NINE}, 2,
                                           ["--init-per-replica"]),
    "missing sigma file": (STATE + ["--sigma-file", "none.txt"], {}, 2, ["none.txt"]),
    "sigma file with a zero": (STATE + ["--sigma-file", "s.txt"], {"s.txt": NINE[4:] + b"0\n"}, 2,
                               ["sigma 0", "parameter 8"]),
    # presets and configuration files
    "quick without a preset": (TINY + ["--quick"], {}, 2, ["preset"]),
    "override of what a preset varies": (["run", "--preset", "fig2", "--lambda", "1", "-o", "out.nc"], {}, 2,
                                         ["--lambda", "fig2"]),
    "missing configuration": (TINY + ["--config", "none.toml"], {}, 2, ["none.toml"]),
    "unknown name in a configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"replica = 3\n"}, 2,
                                        ["'replica'", "'replicas'"]),
    "section in a configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"[run]\nseed = 3\n"}, 2,
                                   ["line 1", "[run]"]),
    "name twice in a configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"seed = 3\nseed = 4\n"}, 2,
                                      ["line 2", "'seed'"]),
    "bad value in a configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"beta = cold\n"}, 2,
                                     ["c.toml", "beta", "'cold'"]),
    "open bracket in a configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"widths = [1, 2\n"}, 2,
                                        ["line 1", "not closed"]),
    "misspelt preset in a configuration": (["run", "--config", "c.toml"], {"c.toml": b"preset = 'fig11'\n"}, 2,
                                           ["'fig11'", "'fig1'"]),
    # output
    "no output": (["run", "--steps", "1"], {}, 2, ["-o"]),
    "output in a missing directory": (["run", "-o", "none/out.nc"], {}, 2, ["none/out.nc", "No such file"]),
    "output is a directory": (["run", "-o", "."], {}, 2, ["directory"]),
    "output below a file": (["run", "-o", "s.txt/out.nc"], {"s.txt": NINE}, 2, ["s.txt/out.nc"]),
    "output is a device": (["run", "-o", "/dev/null"], {}, 2, ["/dev/null", "regular file"]),
    "output where nothing can be written": (["run", "-o", "/proc/out.nc"], {}, 2, ["/proc/out.nc"]),
    # valid, but fails on the way
    "gradient that runs away": (["run", "-o", "out.nc", "--quiet", "--dynamics", "gradient", "--activation", "relu",
                                 "--alpha", "1e9", "--steps", "1000", "--widths", "1,9,1", "--init", "pytorch"], {},
                                1, ["step", "--alpha"]),
}


def run(arguments, directory, **options):
    return subprocess.run([PROGRAM, *arguments], cwd=directory, capture_output=True, text=True, timeout=60, **options)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="langevo_bad_input_")
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)

    def assert_one_sentence(self, text):
        self.assertTrue(text.startswith("langevo: "), text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.endswith("\n"), text)
        self.assertNotIn("terminate called", text)


class BadInput(ProgramTest):
    def test_table(self):
        self.assertGreaterEqual(len(ROWS), 45)
        for name, (arguments, files, code, words) in ROWS.items():
            with self.subTest(name), tempfile.TemporaryDirectory(dir=self.directory) as scratch:
                for file, content in files.items():
                    Path(scratch, file).write_bytes(content)
                done = run(arguments, scratch)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assert_one_sentence(done.stderr)
                for word in words:
                    self.assertIn(word, done.stderr)
                left = set(os.listdir(scratch)) - set(files)
                if code == 2:
                    self.assertEqual(left, set())
                self.assertNotIn("out.nc", left)

    def test_says_what_it_read(self):
        rows = {
            "names": (CSV, [], "2 points, header line: yes"),
            "none": (CSV[11:], [], "2 points, header line: no"),
            "numbers for names": (CSV[11:], ["--header", "yes"], "1 points, header line: yes"),
            "labels": (b"1,2,0\n4,5,1\n", ["--widths", "2,3,2", "--loss", "cross-entropy"],
                       "2 points, header line: no, one column of class labels 0 to 1"),
        }
        for name, (content, options, words) in rows.items():
            with self.subTest(name):
                Path(self.directory, "d.csv").write_bytes(content)
                Path(self.directory, "out.nc").unlink(missing_ok=True)
                widths = [] if "--widths" in options else ["--widths", "2,3,1"]
                done = run(["run", "-o", "out.nc", "--replicas", "2", "--steps", "2", "--reference", "none", "--data",
                            "d.csv", *widths, *options], self.directory)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"langevo: data file 'd.csv': {words}\n", done.stderr)

    def test_truncated_run_files(self):
        self.assertEqual(run(TINY, self.directory).returncode, 0)
        whole = Path(self.directory, "out.nc").read_bytes()
        Path(self.directory, "out.nc").unlink()
        for length in (100, len(whole) // 2, len(whole) - 100):
            Path(self.directory, "half.nc").write_bytes(whole[:length])
            for arguments in (["show", "half.nc"], TINY + ["--init", "half.nc"],
                              DATA[:4] + ["--widths", "1,3,1", "--data", "half.nc"]):
                with self.subTest(length=length, arguments=arguments):
                    done = run(arguments, self.directory)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assert_one_sentence(done.stderr)
                    self.assertIn("half.nc", done.stderr)
                    self.assertEqual(os.listdir(self.directory), ["half.nc"])

    def test_full_disk(self):
        def limit_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))

        arguments = ["run", "-o", "out.nc", "--quiet", "--replicas", "500", "--steps", "5", "--trace", "500"]
        done = run(arguments, self.directory, preexec_fn=limit_files)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assert_one_sentence(done.stderr)
        self.assertNotIn("out.nc", os.listdir(self.directory))

    def test_earlier_results_survive_a_failure(self):
        Path(self.directory, "out.nc").write_bytes(b"precious")
        self.assertEqual(run(TINY + ["--trace", "5"], self.directory).returncode, 2)
        self.assertEqual(Path(self.directory, "out.nc").read_bytes(), b"precious")


class Interrupt(ProgramTest):
    LONG = ["run", "-o", "out.nc", "--quiet", "--widths", "1,30,1", "--replicas", "64", "--alpha", "1e-3", "--records",
            "1000", "--time", "10000", "--reference", "none"]

    def start(self, arguments):
        # Shells start background jobs with SIGINT ignored, which would be inherited.
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.directory, stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def check_clean_stop(self, number):
        process = self.start(self.LONG)
        deadline = time.monotonic() + 30
        while not Path(self.directory, "out.nc.partial").exists():
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(number)
        _, text = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, text)
        self.assert_one_sentence(text)
        self.assertIn("out.nc.partial", text)
        self.assertEqual(os.listdir(self.directory), ["out.nc.partial"])
        shown = run(["show", "out.nc.partial"], self.directory)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_ctrl_c_stops_cleanly(self):
        self.check_clean_stop(signal.SIGINT)

    def test_termination_stops_cleanly(self):
        self.check_clean_stop(signal.SIGTERM)

    def test_ctrl_c_during_the_reference_leaves_nothing(self):
        process = self.start(["run", "-o", "out.nc", "--quiet", "--replicas", "1", "--alpha", "1e-9", "--lambda", "100"])
        time.sleep(2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, text)
        self.assert_one_sentence(text)
        self.assertIn("nothing was written", text)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    unittest.main()
