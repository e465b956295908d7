"""The steps of gpu_acceptance, in the order of their worth: what each runs, for how long, and what its output says."""
import pathlib
import re
from dataclasses import dataclass
from typing import Callable, Optional

REAL, REHEARSAL, QUICK = range(3)  # which column of the numbers below

SMALL = ["OneTileOfPoints", "LossesAndGradients", "NotFiniteGradientNamesStepAndReplica", "SnapshotIsTheEnsembleAsItWas"]
LAYERS = "WholeLayersDoAsTheCpu"
PEER_SIZES = {"shallow": "1024,4096,16384,65536", "wide": "256,1024,4096,16384", "deep": "256,1024,4096"}


@dataclass
class Context:
    """Where things are, and how much of everything is run."""

    programs: pathlib.Path
    peers: pathlib.Path
    backend: str = "cuda"
    mode: int = REAL
    sanitizer: Optional[str] = None
    python_with: Callable = lambda *modules: None

    def of(self, choices):
        return choices[self.mode]

    def tiny(self):
        return [] if self.mode == REAL else ["tiny"]


class CannotRun(Exception):
    """A step lacks something; the text says what."""


@dataclass
class Step:
    name: str
    section: str  # of the report: acceptance_report.py knows how its rows read
    limits: tuple  # seconds: on a card, in a rehearsal, in a quick one; None: left out there
    command: Callable  # of the context; raises CannotRun
    judge: Callable  # of what it printed and the context: what is wrong, or None
    least: float = 5  # seconds below which it is not worth its start
    check: bool = True  # right or wrong, so that it must run to its end; else a measurement
    optional: bool = False  # of others, whose failure is none of langevo's
    load: bool = False  # the clocks are watched meanwhile


def program(context, name):
    path = context.programs / name
    if not path.exists():
        raise CannotRun(f"{path} is missing")
    return path


# Tests

def tests(name, *chosen):
    """`chosen`: tests of test_backends by name, all backends' without any."""

    def command(context):
        found = [program(context, name)]
        if name == "test_backends":
            names = chosen or ["*"]
            found.append("--gtest_filter=" + ":".join([f"All/BackendTest.{test}/{context.backend}" for test in names]
                                                      + ([] if chosen else ["Backends.*"])))
        return found

    return command


def all_backend_tests(context):
    """In a rehearsal those that do little: an emulated device takes hours for the others."""
    few = SMALL + ["SeveralBackendsTakeTurns"]
    return tests("test_backends", *context.of(([], few, few[:2])))(context)


def judge_tests(finished, context):
    """Every test that was chosen passed, and none was left out for want of a device."""
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w./]+)", finished.text, re.MULTILINE)))
    passed = len(re.findall(r"^\[       OK \]", finished.text, re.MULTILINE))
    skipped = sorted(set(re.findall(r"^\[  SKIPPED \] ([\w/]+\.[\w./]+)", finished.text, re.MULTILINE)))
    if failed:
        return f"{', '.join(failed)} failed, {passed} passed"
    missing = [test for test in skipped if "/cuda" in test or "DeviceRandom" in test or "Cublas" in test]
    if missing and context.backend == "cuda":
        return f"{', '.join(missing)} left out: no usable device or library"
    if finished.returncode == 0 and not passed and not skipped:
        return "no test was run"
    return None


def count_tests(finished):
    """In words, for the table of results."""
    passed = len(re.findall(r"^\[       OK \]", finished.text, re.MULTILINE))
    running = re.findall(r"^\[ RUN      \] ([\w./]+)", finished.text, re.MULTILINE)
    unfinished = f", last begun: {running[-1]}" if finished.stopped and running else ""
    skipped = len(set(re.findall(r"^\[  SKIPPED \] ([\w/]+\.[\w./]+)", finished.text, re.MULTILINE)))
    left_out = f", {skipped} left out" if skipped else ""
    return f"{passed} tests passed{left_out}{unfinished}" if running else ""


# Checkers of memory

def checked(tool, names):
    def command(context):
        line = tests("test_backends", *context.of((names, SMALL, SMALL[:1])))(context)
        if context.mode != REAL:
            return line  # in place of the tool: it knows no emulated device
        if context.sanitizer is None:
            raise CannotRun("compute-sanitizer was not found on the PATH or in the toolkit's folders")
        return [context.sanitizer, "--tool", tool, "--error-exitcode", "1", *line]

    return command


def judge_checker(finished, context):
    if "Device not supported" in finished.text:
        raise CannotRun("compute-sanitizer does not support this device here")
    found = re.findall(r"^=+ +(.*)", finished.text, re.MULTILINE)
    signs = ("Invalid", "Uninitialized", "Misaligned", "Race", "hazard", "Error:", "Warning:", "Program hit")
    errors = [line for line in found if line.startswith(signs)]
    if finished.returncode > 0 and errors:
        return f"{len(errors)} reports, the first: {errors[0].strip()}"
    return judge_tests(finished, context)


# Agreement with the CPU, rates

def agreement(seconds, proposals):
    def command(context):
        return [program(context, "backend_agreement"), context.backend, context.of(seconds), context.of(proposals),
                *context.tiny()]

    return command


def differs(row):
    return "error" in row or row["different_replicas"] > 0 or row["statistics_difference"] > 1e-12


def judge_agreement(finished, _context):
    wrong = [f"{row['net']} {row['acceptance']}: {row.get('error', 'not as on the CPU')}" for row in finished.rows
             if differs(row)]
    if wrong:
        return "; ".join(wrong)
    return None if finished.rows or finished.stopped else "it printed no result"


def rates(what, seconds):
    def command(context):
        return [program(context, "backend_rates"), context.backend, what, context.of(seconds), *context.tiny()]

    return command


def judge_rates(finished, _context):
    wrong = [f"{row.get('net')} {row.get('rule')}: {row['error']}" for row in finished.rows if "error" in row]
    if wrong:
        return "; ".join(wrong)
    return None if finished.rows else "it printed no result"


# Peers

def peer(library, net, dtype):
    def command(context):
        python = context.python_with(library, "numpy")
        if python is None:
            raise CannotRun(f"no python3 here has {library} and numpy")
        script = context.peers / f"{library}_peer.py"
        if not script.exists():
            raise CannotRun(f"{script} is missing")
        return [python, script, "--net", net, "--dtype", dtype, "--device", "cuda" if context.mode == REAL else "cpu",
                "--replicas", context.of((PEER_SIZES[net], "1,2", "1")), "--steps", context.of((50, 2, 2)),
                "--decisions", context.of((0, 100, 0))]

    return command


def peer_steps():
    """JAX in float64 first: the goals are told against it."""
    steps = []
    for library, dtype in (("jax", "float64"), ("jax", "float32"), ("torch", "float64"), ("torch", "float32")):
        for net in PEER_SIZES:
            quick = 15 if net == "shallow" and dtype == "float64" else None
            steps.append(Step(f"{library} {net} {dtype}", "peers", (40 if dtype == "float64" else 25, 60, quick),
                              peer(library, net, dtype), judge_rates, check=False, optional=True, least=8))
    return steps


STEPS = [
    Step("one small test", "tests", (45, 60, 20), tests("test_backends", SMALL[0]), judge_tests, least=3),
    Step("device random numbers", "tests", (30, 60, 20), tests("test_device_random"), judge_tests, least=3),
    Step("short agreement with the CPU", "agreement", (60, 90, 20), agreement((2, 0.5, 0.05), ("2e5", "200", "20")),
         judge_agreement, least=10),
    Step("Fig. 1", "fig1", (50, 40, 15), rates("fig1", (25, 5, 0.5)), judge_rates, check=False, load=True, least=10),
    Step("rates of all nets", "nets", (90, 90, 20), rates("nets", (1, 0.05, 0.01)), judge_rates, check=False, load=True,
         least=10),
    Step("errors in words", "tests", (10, 20, 10), tests("test_cuda_error"), judge_tests, least=3),
    Step("launch plans", "tests", (10, 20, 10), tests("test_cuda_plan"), judge_tests, least=3),
    Step("all tests of the backends", "tests", (120, 90, 20), all_backend_tests, judge_tests, least=10),
    Step("full agreement with the CPU", "agreement", (90, 60, None), agreement((6, 1, 0), ("1e7", "1000", "0")),
         judge_agreement, least=20),
    Step("initcheck", "tests", (45, 60, None), checked("initcheck", SMALL), judge_checker, least=10),
    Step("memcheck", "tests", (60, 60, 15), checked("memcheck", SMALL + [LAYERS]), judge_checker, least=10),
    Step("racecheck", "tests", (60, 60, None), checked("racecheck", SMALL), judge_checker, least=10),
    Step("scaling in replicas", "scaling", (50, 60, 15), rates("scaling", (1, 0.05, 0.01)), judge_rates, check=False,
         load=True, least=10),
    *peer_steps(),
]
