"""Rows of bench/compare for steps along the gradient: rates beside the distance from exact steps in double."""
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class GradientWorkload:
    """`steps` steps from `time` on the gradient path; followed ones to `tolerance`."""

    net: str
    lam: float
    time: float
    steps: int
    tolerance: float
    beta: str = "inf"
    replicas: int = 16  # langevo's
    tried: str = "4,16,64,256"  # JAX's

    def __str__(self):
        noise = f"lambda {self.lam:g}" if self.lam else "no noise"
        return f"{self.net}, {noise}, beta {self.beta}, {self.steps} steps from t = {self.time:g}"


# from where the prototypes of the method began, and a start of a large ensemble
WORKLOADS = [
    GradientWorkload("shallow", 0.1, 1, 20000, 1e-4),
    GradientWorkload("wide", 0.1, 5, 2000, 5e-5, "1e3"),
    GradientWorkload("deep", 0.1, 0.2, 400, 5e-4),
    GradientWorkload("shallow", 0, 1, 100000, 1e-6),
    GradientWorkload("shallow", 0.1, 1, 20, 1e-4, replicas=100000, tried="256,1024"),
]
WAYS = ["exact, float", "followed, all points", "followed, nodes"]
DTYPES = ["float32", "float64"]
COLUMNS = [f"langevo {way}" for way in WAYS] + [f"JAX {dtype}" for dtype in DTYPES]
RATIOS = ["exact / JAX float32", "exact / JAX float64", "followed, nodes / JAX float32"]


def lines_of(command):
    """The lines of JSON that it prints; what it complains of goes to the terminal."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.stderr and (done.returncode or "replicas:" in done.stderr):
        print(done.stderr, file=sys.stderr, end="")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def cell(result):
    if result is None:
        return "-"
    return f"{result['steps_per_second']:.2e} ({result['replicas']}; {result['distance']:.0e})"


def row(workload, bench, program, rates_program, python, quick):
    print(f"-- gradient steps: {workload}", file=sys.stderr, flush=True)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        state = f"{folder}/state"
        subprocess.run([str(rates_program), "--net", workload.net, "--time", str(workload.time), "--write-state", state],
                       check=True)
        common = ["--net", workload.net, "--lambda", workload.lam, "--beta", workload.beta, "--state", state,
                  "--steps", workload.steps]
        for result in lines_of([program, *common, "--json", "--tolerance", workload.tolerance, "--replicas",
                                workload.replicas]):
            results[f"langevo {result['way']}"] = result
        for dtype in DTYPES if python else []:
            found = lines_of([python, bench / "peers/jax_gradient_peer.py", *common, "--dtype", dtype, "--replicas",
                              workload.tried, "--seconds", 0.3 if quick else 1])
            results[f"JAX {dtype}"] = max(found, key=lambda result: result["steps_per_second"], default=None)
    rates = {name: result["steps_per_second"] for name, result in results.items() if result}

    def ratio(one, other):
        return f"{rates[one] / rates[other]:.3g}" if one in rates and other in rates else "-"

    ratios = [ratio("langevo exact, float", "JAX float32"), ratio("langevo exact, float", "JAX float64"),
              ratio("langevo followed, nodes", "JAX float32")]
    for name in COLUMNS:
        print(f"{name}: {cell(results.get(name))}", file=sys.stderr, flush=True)
    return f"| {workload} | " + " | ".join([cell(results.get(name)) for name in COLUMNS] + ratios) + " |"


def table(bench, rates_program, python, net, quick):
    """The rows of a net, or of all."""
    program = rates_program.parent / "gradient_steps"
    lines = ["| gradient steps | " + " | ".join(COLUMNS + RATIOS) + " |", "|" + "---|" * (1 + len(COLUMNS + RATIOS))]
    for workload in WORKLOADS:
        if net in (None, workload.net):
            lines.append(row(workload, bench, program, rates_program, python, quick))
    return lines
