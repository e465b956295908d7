"""bench/gpu_acceptance beside programs that pass, fail, hang, crash or print and then hang: nothing is lost of what they
printed, the time is kept, and the exit code tells. Needs neither CUDA nor anything built."""
import dataclasses
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "bench" / "gpu_acceptance"

FAKE_PROGRAM = r'''
import json, os, signal, sys, time
name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
how = json.load(open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "how.json"))).get(name, "")
open(sys.argv[0] + ".pid", "w").write(str(os.getpid()))
device = {"device": "Fake", "capability": "9.0", "memory_bytes": 1, "usable": how != "unusable", "why_not": ""}
if name == "backend_rates" and arguments[1] == "device":
    device["why_not"] = "" if device["usable"] else "its driver is too old"
    print(json.dumps(device))
    sys.exit(0 if device["usable"] else 1)
def row(**more):
    print(json.dumps(more), flush=True)
rate = dict(proposals_per_second=1e7, least=9e6, most=1.1e7, decided_in_double=0.001, replicas=1000)
if name.startswith("test_"):
    print("[ RUN      ] All/BackendTest.OneTileOfPoints/cuda\n[       OK ] All/BackendTest.OneTileOfPoints/cuda (1 ms)")
    if how == "fail":
        print("[  FAILED  ] All/BackendTest.OneTileOfPoints/cuda (1 ms)")
        sys.exit(1)
    if how == "skip":
        print("[  SKIPPED ] All/BackendTest.LossesAndGradients/cuda (0 ms)")
elif name == "backend_agreement":
    if how == "error":
        row(net="1,9,1", acceptance="exact", error="no cuBLAS")
    row(net="1,30,1", acceptance="exact", proposals=32768, accepted=16000, replicas=2048,
        different_replicas=3 if how == "differ" else 0, statistics_difference=1e-15)
elif arguments[1] == "fig1":
    row(replicas=1000, time=0.1, proposals=1e8, seconds=1, proposals_per_second=1e8, by_model=0.999, replays=2)
else:
    row(net="1,30,1", rule="float", **rate)
    row(net="1,30,1", rule="screened", **dict(rate, replicas=16384))
time.sleep(0.3)  # for the watch over the clocks
if how == "hang":
    print('{"net": "1,256,1", "acce', end="", flush=True)
    time.sleep(600)
if how == "crash":
    print("about to go", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
if how in ("differ", "error"):
    sys.exit(1)
if how == "lost":
    print("the CUDA device was lost where langevo tried to finish its work", file=sys.stderr)
    sys.exit(1)
'''
FAKE_SMI = r'''
import sys, time
known = {"name": "NVIDIA H100 Fake", "driver_version": "580.1", "clocks.max.sm": "1980", "clocks.sm": "1755",
         "power.draw": "300", "temperature.gpu": "40", "clocks_event_reasons.active": "0x4"}
fields = next(a for a in sys.argv if a.startswith("--query-gpu=")).split("=")[1].split(",")
while True:
    print(", ".join(known.get(field, "1") for field in fields), flush=True)
    if "-l" not in sys.argv: break
    time.sleep(0.05)
'''


def load_script():
    loader = importlib.machinery.SourceFileLoader("gpu_acceptance", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_acceptance", loader))
    loader.exec_module(module)
    return module


SUBJECT = load_script()
import acceptance_run  # noqa: E402  (the script has put bench/ on the path)
import ceilings  # noqa: E402


def executable(path, text):
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)


class Acceptance(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        folder = pathlib.Path(self.scratch.name)
        self.programs, self.tools, self.out = folder / "programs", folder / "tools", folder / "out"
        self.programs.mkdir()
        self.tools.mkdir()
        for name in ("test_backends", "test_cuda_plan", "test_cuda_error", "test_device_random", "backend_agreement",
                     "backend_rates"):
            executable(self.programs / name, FAKE_PROGRAM)
        self.behave()

    def behave(self, **how):
        (self.programs / "how.json").write_text(json.dumps(how))

    def give_gpu(self):
        executable(self.tools / "nvidia-smi", FAKE_SMI)
        executable(self.tools / "compute-sanitizer", "import os, sys\nos.execv(sys.argv[5], sys.argv[5:])\n")

    def environment(self):
        return {**os.environ, "PATH": f"{self.tools}:/usr/bin:/bin"}

    def command(self, *more):
        return [sys.executable, str(SCRIPT), "--programs", str(self.programs), "-o", str(self.out), *more]

    def run_script(self, *more):
        done = subprocess.run(self.command(*more), capture_output=True, text=True, env=self.environment(), timeout=100)
        return done.returncode, done.stdout + done.stderr

    def run_with_limits(self, seconds, *more, only=()):
        """In this process, every step, or only some by name, limited to so many seconds."""
        steps = [dataclasses.replace(step, limits=(seconds,) * 3, least=0.1) for step in SUBJECT.STEPS
                 if step.name in only or not (only or step.optional)]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            with mock.patch.object(SUBJECT, "STEPS", steps), mock.patch.object(sys, "argv", self.command(*more)[1:]), \
                    mock.patch.dict(os.environ, self.environment()), open(os.devnull, "w") as nothing, \
                    mock.patch.object(sys, "stdout", nothing):
                return SUBJECT.main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def report(self):
        return (self.out / "results.md").read_text()

    def line_of(self, step):
        return next(line for line in self.report().splitlines() if line.startswith(f"| {step} |"))

    def test_all_is_well_on_a_card(self):
        self.give_gpu()
        code, said = self.run_script()
        self.assertEqual(code, 0, said)
        report = self.report()
        self.assertIn("Every check passed.", report)
        self.assertIn("NVIDIA H100 Fake, driver 580.1", report)
        self.assertIn("power cap", report)
        self.assertIn("5.0% of 2e+09", report)  # of Fig. 1's goal
        self.assertIn("23.1% of 4.3e+07", report)  # of the ceiling, at the clock that was seen
        self.assertIn("1755 MHz, 300 W", self.line_of("rates of all nets"))
        for tool in ("initcheck", "memcheck", "racecheck"):
            self.assertIn("| passed |", self.line_of(tool))
        self.assertEqual(json.loads((self.out / "rows.json").read_text())["Fig. 1"]["rows"][0]["replicas"], 1000)
        self.assertIn("==== one small test", (self.out / "steps.log").read_text())

    def test_a_rehearsal_says_so(self):
        (self.programs / "backend_rates").chmod(0o644)  # as after a careless copy
        code, said = self.run_script("--rehearse", "--quick")
        self.assertEqual(code, 0, said)
        self.assertIn("REHEARSAL, no GPU was used and rates mean nothing", self.report().splitlines()[0])
        self.assertIn("tiny", (self.out / "steps.log").read_text())

    def test_without_a_gpu(self):
        self.behave(backend_rates="unusable")
        code, said = self.run_script()
        self.assertEqual(code, 77, said)
        self.assertIn("There is no GPU here", said)
        self.assertIn("its driver is too old", said)

    def test_a_gpu_that_cannot_be_used_is_a_failure(self):
        self.give_gpu()
        self.behave(backend_rates="unusable")
        code, said = self.run_script()
        self.assertEqual(code, 1, said)
        self.assertIn("its driver is too old", self.report())

    def test_without_programs(self):
        for path in self.programs.iterdir():
            path.unlink()
        for more, sentence in (((), "--pack DIR"), (("--rehearse",), "--programs FOLDER")):
            code, said = self.run_script(*more)
            self.assertNotEqual(code, 0)
            self.assertIn(sentence, said)

    def test_failures_are_named_and_the_rest_goes_on(self):
        self.give_gpu()
        for name, how, step, words in (
                ("test_device_random", "fail", "device random numbers", "OneTileOfPoints/cuda failed"),
                ("test_backends", "skip", "one small test", "left out"),
                ("test_cuda_plan", "crash", "launch plans", "SIGSEGV; about to go"),
                ("backend_agreement", "differ", "short agreement with the CPU", "not as on the CPU"),
                ("backend_agreement", "error", "short agreement with the CPU", "1,9,1 exact: no cuBLAS"),
                ("backend_agreement", "lost", "short agreement with the CPU", "the device was lost")):
            with self.subTest(name=name, how=how):
                self.behave(**{name: how})
                code = self.run_with_limits(20, only=(step, "scaling in replicas"))
                self.assertEqual(code, 1)
                self.assertIn("**failed**", self.line_of(step))
                self.assertIn(words, self.line_of(step))
                self.assertIn("| done |", self.line_of("scaling in replicas"))
                self.assertIn(f"{step} (failed)", self.report())

    def test_what_was_printed_before_a_limit_counts(self):
        self.give_gpu()
        self.behave(backend_agreement="hang", backend_rates="hang")
        code = self.run_with_limits(1, only=("short agreement with the CPU", "rates of all nets"))
        self.assertEqual(code, 1)
        self.assertIn("stopped at its limit of 1 s after 1 rows", self.line_of("short agreement with the CPU"))
        self.assertIn("**stopped**", self.line_of("short agreement with the CPU"))
        self.assertIn("| stopped |", self.line_of("rates of all nets"))  # measured: no failure
        self.assertIn("| short | 1,30,1 | exact | 3.28e+04 | 48.8% | 0 of 2048 | 1.0e-15 |", self.report())
        self.assertIn("1e+07 (9e+06 .. 1.1e+07)", self.report())

    def test_the_budget_is_kept(self):
        self.give_gpu()
        self.behave(test_device_random="hang")
        begin = time.monotonic()
        code = self.run_with_limits(60, "--budget", "8")
        self.assertLess(time.monotonic() - begin, 12)
        self.assertEqual(code, 1)
        self.assertIn("stopped at its limit", self.line_of("device random numbers"))
        self.assertIn("out of time", self.line_of("memcheck"))

    def hanging(self):
        """The script in its second step, which hangs."""
        self.give_gpu()
        self.behave(test_device_random="hang")
        process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=self.environment())
        pid = self.programs / "test_device_random.pid"
        for _ in range(600):
            if pid.exists() and pid.read_text():
                break
            time.sleep(0.05)
        return process, int(pid.read_text())

    def test_a_signal_ends_it_with_a_report(self):
        process, child = self.hanging()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 1)
        self.assertIn("Interrupted by SIGTERM", self.report())
        self.assertIn("interrupted by SIGTERM", self.line_of("device random numbers"))
        self.assertFalse(pathlib.Path(f"/proc/{child}").exists())

    def test_a_machine_that_goes_away_leaves_a_report(self):
        process, child = self.hanging()
        process.kill()
        process.wait()
        os.kill(child, signal.SIGKILL)
        self.assertIn("| passed |", self.line_of("one small test"))
        self.assertIn("It has not come to its end yet.", self.report())


class Pieces(unittest.TestCase):
    def test_a_line_that_was_cut_off_is_no_row(self):
        self.assertEqual(acceptance_run.json_rows('{"a": 1}\nwords\n{"b": 2'), [{"a": 1}])

    def test_steps_come_by_worth_and_fit_the_budget(self):
        names = [step.name for step in SUBJECT.STEPS]
        order = ["one small test", "device random numbers", "short agreement with the CPU", "Fig. 1", "rates of all nets",
                 "all tests of the backends", "full agreement with the CPU", "initcheck", "memcheck", "racecheck",
                 "scaling in replicas", "jax shallow float64"]
        self.assertEqual([name for name in names if name in order], order)
        self.assertEqual(len(set(names)), len(names))
        worth_most = names.index("rates of all nets") + 1
        self.assertLess(sum(step.limits[0] for step in SUBJECT.STEPS[:worth_most]), SUBJECT.BUDGET[0])

    def test_ceilings(self):
        card = ceilings.Card(132, 1.98e9, "9.0")
        shallow = ceilings.operations("1,30,1", "float")
        forward, change = 1000 * (30 + 30 + 17 * 30), 1000 * (2 * 30 + 3 * 30 + 43 * 30)
        self.assertAlmostEqual(shallow.instructions, forward + 0.08 * change)
        most = 132 * 1.98e9 * 128 / shallow.instructions
        self.assertAlmostEqual(ceilings.ceiling("1,30,1", "float", card), most, delta=1)
        deep = ceilings.operations("1,32x8,1", "float")
        weights = 7 * 32 * 32 + 32
        self.assertAlmostEqual(deep.multiply_adds, 1001 * (1.02 * 32 + 1.03 * weights))
        self.assertGreater(ceilings.ceiling("1,256,1", "float", card), ceilings.ceiling("1,256,1", "double", card))
        self.assertIsNone(ceilings.ceiling("1,30,1", "screened", card))
        self.assertEqual(ceilings.goal("1,30,1", "screened", 1000), 2e9)
        self.assertIsNone(ceilings.goal("1,30,1", "screened", 77))

    def test_what_travels_is_all_that_is_imported(self):
        import acceptance_pack

        for name in acceptance_pack.SCRIPTS:
            text = (ROOT / "bench" / name).read_text()
            for module in ("acceptance_machine", "acceptance_report", "acceptance_run", "acceptance_steps", "ceilings",
                           "paper_nets"):
                if f"from {module} import" in text or f"import {module}\n" in text:
                    self.assertTrue(any(travels.endswith(f"{module}.py") for travels in acceptance_pack.SCRIPTS), module)


if __name__ == "__main__":
    unittest.main()
