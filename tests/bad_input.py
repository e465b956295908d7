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

FAILING_CALLS = os.environ.get("LANGEVO_FAILING_CALLS", "")

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
    "no layers of a width": (["run", "-o", "out.nc", "--widths", "1,3x0,1"], {}, 2, ["1,3x0,1"]),
    "time below a step": (["run", "-o", "out.nc", "--alpha", "0.1", "--lambda", "0.1", "--time", "0.001"], {}, 2,
                          ["--time 0.001", "0.01"]),
    "initial weights too large to move": (TINY + ["--init-std", "1e100"], {}, 2, ["change no parameter"]),
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
    "record of a text file": (TINY + ["--init", "s.txt", "--init-at", "last"], {"s.txt": NINE}, 2, ["no run file"]),
    "missing sigma file": (STATE + ["--sigma-file", "none.txt"], {}, 2, ["none.txt"]),
    "sigma file with a zero": (STATE + ["--sigma-file", "s.txt"], {"s.txt": NINE[4:] + b"0\n"}, 2,
                               ["sigma 0", "parameter 8"]),
    # presets and configuration files
    "quick without a preset": (TINY + ["--quick"], {}, 2, ["preset"]),
    "override of what a preset varies": (["run", "--preset", "fig2", "--lambda", "1", "-o", "out.nc"], {}, 2,
                                         ["--lambda", "fig2"]),
    "empty configuration": (TINY + ["--config", "c.toml"], {"c.toml": b"# nothing\n"}, 2, ["c.toml", "says nothing"]),
    "configuration without a name": (TINY + ["--config", ""], {}, 2, ["--config"]),
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
    "nothing is finite from the start": (["run", "-o", "out.nc", "--quiet", "--widths", "1,1,1", "--output-bias", "false",
                                          "--steps", "3", "--data", "d.csv", "--reference", "none"],
                                         {"d.csv": b"1,1e200\n"}, 1, ["nothing was recorded"]),
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
                self.assertEqual("out.nc.partial" in done.stderr, "out.nc.partial" in left, done.stderr)
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
            resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))

        arguments = ["run", "-o", "out.nc", "--quiet", "--replicas", "500", "--steps", "5", "--trace", "500"]
        done = run(arguments, self.directory, preexec_fn=limit_files)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assert_one_sentence(done.stderr)
        self.assertIn("ulimit -f", done.stderr)
        self.assertEqual(os.listdir(self.directory), [])

    def test_limits_about_the_final_size(self):
        self.assertEqual(run(TINY, self.directory).returncode, 0)
        size = Path(self.directory, "out.nc").stat().st_size
        for limit in (size - 1, size - 500, size - 5000, size // 2, size // 10, size + 100_000):
            with self.subTest(size=size, limit=limit), tempfile.TemporaryDirectory() as scratch:
                done = run(TINY, scratch,
                           preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
                self.assertEqual(done.returncode == 0, limit > size, done.stderr)
                self.assertEqual("out.nc" in os.listdir(scratch), limit > size)

    def test_a_write_beyond_the_limit(self):
        """The limit comes when the run is under way."""
        process = subprocess.Popen([PROGRAM, *Interrupt.LONG], cwd=self.directory, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        while not Path(self.directory, "out.nc.partial").exists():
            time.sleep(0.02)
        time.sleep(0.5)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
        process.send_signal(signal.SIGXFSZ)  # as a write beyond the limit would
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 130)

    @unittest.skipUnless(FAILING_CALLS, "needs the library failing_calls")
    def test_failures_of_closing_and_syncing_are_errors(self):
        for call, turns in (("nc_close", (1, 2, 3)), ("fsync", (1,))):
            for turn in turns:
                with self.subTest(call=call, turn=turn), tempfile.TemporaryDirectory() as scratch:
                    environment = dict(os.environ, LD_PRELOAD=FAILING_CALLS, LANGEVO_FAILING_CALL=call,
                                       LANGEVO_FAILING_TURN=str(turn))
                    done = run(TINY, scratch, env=environment)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assert_one_sentence(done.stderr)
                    # The first close is that of a file without records.
                    kept = [] if (call, turn) == ("nc_close", 1) else ["out.nc.partial"]
                    self.assertEqual(os.listdir(scratch), kept)

    def test_earlier_results_survive_a_failure(self):
        Path(self.directory, "out.nc").write_bytes(b"precious")
        self.assertEqual(run(TINY + ["--trace", "5"], self.directory).returncode, 2)
        self.assertEqual(Path(self.directory, "out.nc").read_bytes(), b"precious")


class StandardOutput(ProgramTest):
    """What cannot be said is an error, whatever the command."""

    COMMANDS = [["--help"], ["--version"], ["run", "--help"], ["presets"], ["presets", "fig1"], ["devices"],
                ["run", "--preset", "fig1", "--print-config"], ["run", *TINY[3:], "--dry-run"], ["show", "base.nc"],
                ["moments", "--widths", "1,3,1", "--points", "8", "--replicas", "100"], ["moments", "--help"]]

    def test_a_full_device_is_an_error(self):
        self.assertEqual(run(["run", "-o", "base.nc", *TINY[3:]], self.directory).returncode, 0)
        for arguments in self.COMMANDS:
            with self.subTest(arguments), open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *arguments], cwd=self.directory, stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assert_one_sentence(done.stderr)
                self.assertIn("No space left on device", done.stderr)

    def test_a_run_is_whole_all_the_same(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, *TINY], cwd=self.directory, stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assert_one_sentence(done.stderr)
        self.assertIn("the run is whole in out.nc", done.stderr)
        self.assertEqual(run(["show", "out.nc"], self.directory).returncode, 0)


class Output(ProgramTest):
    """One file, one run: what is there already is kept."""

    TINY_TO = ["run", "--quiet", "--widths", "1,3,1", "--points", "8", "--replicas", "4", "--steps", "5", "--alpha",
               "0.01", "-o"]

    def refused(self, arguments, *words, **options):
        done = run(arguments, self.directory, **options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assert_one_sentence(done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def accepted(self, arguments):
        done = run(arguments, self.directory)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_two_runs_cannot_write_one_file(self):
        """Nor under another name of it; when the first is killed the second may, and says what is left there."""
        slow = [PROGRAM, *Interrupt.LONG, "--seed", "1"]
        first = subprocess.Popen(slow, cwd=self.directory, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(first.communicate)
        self.addCleanup(first.kill)
        deadline = time.monotonic() + 30
        while not Path(self.directory, "out.nc.partial").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        Path(self.directory, "link.nc").symlink_to("out.nc")
        os.mkdir(Path(self.directory, "folder"))
        for name in ("out.nc", "./out.nc", "folder/../out.nc", "link.nc", str(self.directory / "out.nc")):
            for more in ([], ["--overwrite"]):
                self.refused([*self.TINY_TO, name, *more], f"process {first.pid} on ", "is being written")
        self.accepted([*self.TINY_TO, "other.nc"])
        first.kill()
        first.wait()
        self.refused([*self.TINY_TO, "out.nc"], "out.nc.partial", "stopped")
        self.accepted([*self.TINY_TO, "out.nc", "--overwrite"])
        self.assertEqual(sorted(os.listdir(self.directory)), ["folder", "link.nc", "other.nc", "out.nc"])

    def test_a_file_that_another_run_replaced_is_not_extended(self):
        """As on a file system without locks."""
        process = subprocess.Popen([PROGRAM, *Interrupt.LONG], cwd=self.directory, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        partial = Path(self.directory, "out.nc.partial")
        deadline = time.monotonic() + 30
        while not partial.exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        other = Path(self.directory, "other.nc")
        other.write_bytes(partial.read_bytes())
        while run(["show", "other.nc"], self.directory).returncode != 0:  # read while it was written
            other.write_bytes(partial.read_bytes())
        content = other.read_bytes()
        other.rename(partial)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        self.assertIn(process.wait(timeout=30), (1, 130))
        self.assertEqual(partial.read_bytes(), content)

    def test_a_finished_run_is_replaced_only_on_request(self):
        self.accepted([*self.TINY_TO, "out.nc"])
        path = Path(self.directory, "out.nc")
        path.chmod(0o444)
        before = path.read_bytes()
        self.refused([*self.TINY_TO, "out.nc"], "out.nc", "--overwrite")
        self.assertEqual(path.read_bytes(), before)
        self.accepted([*self.TINY_TO, "out.nc", "--overwrite", "--seed", "2"])
        self.assertNotEqual(path.read_bytes(), before)

    def test_a_preset_of_several_runs_looks_at_all_its_files_first(self):
        path = Path(self.directory, "out-lambda-10.nc")
        path.write_bytes(b"precious")
        self.refused(["run", "--preset", "fig2", "--quick", "-o", "out.nc"], "out-lambda-10.nc")
        self.assertEqual(os.listdir(self.directory), [path.name])

    def test_links_lead_to_the_file(self):
        os.mkdir(Path(self.directory, "far"))
        for name, target in (("dangling.nc", "far/new.nc"), ("chain.nc", "dangling.nc")):
            Path(self.directory, name).symlink_to(target)
        self.accepted([*self.TINY_TO, "chain.nc"])
        for name in ("dangling.nc", "chain.nc"):
            self.assertTrue(Path(self.directory, name).is_symlink())
        self.assertEqual(os.listdir(Path(self.directory, "far")), ["new.nc"])
        self.assertEqual(run(["show", "chain.nc"], self.directory).returncode, 0)

    def test_what_a_run_reads_is_never_its_output(self):
        self.accepted([*self.TINY_TO, "base.nc", "--output-bias", "false"])
        files = {"d.csv": b"".join(b"%d,%d\n" % (i, i) for i in range(8)), "s.txt": NINE, "c.toml": b"seed = 3\n",
                 "base.nc": Path(self.directory, "base.nc").read_bytes()}
        os.mkdir(Path(self.directory, "folder"))
        head = ["run", "--quiet", "--widths", "1,3,1", "--output-bias", "false", "--replicas", "4", "--steps", "5"]
        for option, name in (("--data", "d.csv"), ("--sigma-file", "s.txt"), ("--config", "c.toml"), ("--init", "base.nc")):
            for file, content in files.items():
                Path(self.directory, file).write_bytes(content)
            Path(self.directory, "folder", name).symlink_to("../" + name)
            for output in (name, "./" + name, "folder/" + name, "folder/../" + name, str(self.directory / name)):
                self.refused([*head, option, name, "-o", output, "--overwrite"], option, name, "another name")
                self.assertEqual(Path(self.directory, name).read_bytes(), files[name])
            os.rename(Path(self.directory, name), Path(self.directory, "out.nc.partial"))
            self.refused([*head, option, "out.nc.partial", "-o", "out.nc", "--overwrite"], option, "out.nc.partial")
            os.unlink(Path(self.directory, "out.nc.partial"))

    def test_a_file_in_the_place_of_the_lock_is_kept(self):
        Path(self.directory, ".out.nc.lock").write_bytes(b"precious")
        self.refused([*self.TINY_TO, "out.nc"], ".out.nc.lock")
        self.assertEqual(Path(self.directory, ".out.nc.lock").read_bytes(), b"precious")


class Moments(ProgramTest):
    SMALL = ["moments", "--widths", "1,3,1", "--points", "8", "--replicas", "100", "--output-bias", "false"]

    def test_the_first_replica_counts(self):
        """100 proposals are the mean of the first and the second 50 of them."""
        def accepted(*more):
            done = run([*self.SMALL, "--a", "1", *more], self.directory)
            self.assertEqual(done.returncode, 0, done.stderr)
            (row,) = [line for line in done.stdout.splitlines() if " acceptance " in line]
            return float(row.split()[2])

        self.SMALL[self.SMALL.index("--replicas") + 1] = "50"
        first, second = accepted(), accepted("--first-replica", "50")
        self.SMALL[self.SMALL.index("--replicas") + 1] = "100"
        self.assertNotEqual(first, second)
        self.assertAlmostEqual(accepted(), (first + second) / 2, places=6)

    def test_five_standard_errors_fail(self):
        """At a kink of the loss, which no derivative knows."""
        Path(self.directory, "s.txt").write_text("1\n1e-9\n1\n")
        Path(self.directory, "d.csv").write_text("0,1\n")
        arguments = ["moments", "--widths", "1,1,1", "--activation", "relu", "--output-bias", "false", "--init", "s.txt",
                     "--data", "d.csv", "--replicas", "10000", "--a", "1"]
        done = run(arguments, self.directory)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assert_one_sentence(done.stderr)
        self.assertIn("standard errors off", done.stderr)


class Interrupt(ProgramTest):
    LONG = ["run", "-o", "out.nc", "--quiet", "--widths", "1,30,1", "--replicas", "64", "--alpha", "1e-3", "--records",
            "1000", "--time", "10000", "--reference", "none"]

    def start(self, arguments):
        """The program, its streams closed at the end."""
        # Shells start background jobs with SIGINT ignored, which would be inherited.
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.directory, stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
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
        will_stop, _, stopped = text.rpartition("langevo: ")
        self.assertIn("out.nc.partial", stopped)
        if number in (signal.SIGINT, signal.SIGTERM):
            self.assert_one_sentence(will_stop)
            self.assertIn("will stop after the steps under way", will_stop)
        else:
            self.assertEqual(will_stop, "")
        self.assertEqual(os.listdir(self.directory), ["out.nc.partial"])
        shown = run(["show", "out.nc.partial"], self.directory)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_ctrl_c_stops_cleanly(self):
        self.check_clean_stop(signal.SIGINT)

    def test_termination_stops_cleanly(self):
        self.check_clean_stop(signal.SIGTERM)

    def test_a_terminal_that_is_gone_stops_cleanly(self):
        self.check_clean_stop(signal.SIGHUP)

    def test_a_broken_pipe_stops_cleanly(self):
        self.check_clean_stop(signal.SIGPIPE)

    def test_a_log_that_is_gone_leaves_the_records(self):
        process = self.start([word for word in self.LONG if word != "--quiet"])
        while "replicas of" not in process.stderr.readline():
            self.assertIsNone(process.poll())
        process.stderr.close()
        time.sleep(1)
        process.send_signal(signal.SIGPIPE)  # as the next line of the log would
        self.assertEqual(process.wait(timeout=60), 130)
        self.assertEqual(os.listdir(self.directory), ["out.nc.partial"])
        self.assertEqual(run(["show", "out.nc.partial"], self.directory).returncode, 0)

    def test_ctrl_c_is_answered_at_once(self):
        """While one step takes seconds."""
        process = self.start(["run", "-o", "out.nc", "--quiet", "--widths", "1,300,300,1", "--replicas", "300", "--reference",
                              "none", "--threads", "1", "--steps", "1000", "--acceptance", "exact"])
        while not Path(self.directory, ".out.nc.lock").exists():
            time.sleep(0.02)
        time.sleep(2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        self.assertIn("will stop", process.stderr.readline())
        self.assertLess(time.monotonic() - begin, 0.5)

    def test_ctrl_c_during_the_reference_leaves_nothing(self):
        process = self.start(["run", "-o", "out.nc", "--quiet", "--replicas", "1", "--alpha", "1e-9", "--lambda", "100"])
        time.sleep(2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, text)
        self.assertIn("will stop", text)
        self.assertIn("nothing was written", text)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    unittest.main()
