"""Test: PROGRAM, which is ensemble_rate, makes proposals and no wrong decision, and prints a line of JSON.

With nodes, it writes those that it uses, and every replica begins again at the end of its run."""
import json
import subprocess
import sys
import tempfile

program, acceptance = sys.argv[1:]
folder = tempfile.TemporaryDirectory()
command = [program, "--seconds", "0.2", "--decisions", "8000"]
if acceptance == "nodes":
    command += ["--acceptance", "auto", "--quadrature", "24", "--write-nodes", f"{folder.name}/nodes", "--run-time", "1e-3"]
else:
    command += ["--acceptance", acceptance]
result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
assert result["proposals_per_second"] > 0, result
assert result["wrong_decision_fraction"] == 0, result
if acceptance == "screened":
    assert result["by_model"] > 0, result
if acceptance == "nodes":
    assert result["nodes"] == 24 and result["by_nodes"] > 0, result
    with open(f"{folder.name}/nodes") as file:
        table = [(int(node), float(weight)) for node, weight in map(str.split, file)]
    assert len(table) == 24 and all(0 <= node < 1000 for node, _ in table), table
    # a change that is the same at all points is nearly the mean of its values at the nodes
    assert abs(sum(weight for _, weight in table) - 1) < 1e-2, table
