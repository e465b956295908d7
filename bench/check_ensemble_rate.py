"""Test: ensemble_rate PROGRAM ACCEPTANCE prints a line of JSON, makes proposals and no wrong decision."""
import json
import subprocess
import sys

program, acceptance = sys.argv[1:]
command = [program, "--seconds", "0.2", "--acceptance", acceptance]
result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
assert result["proposals_per_second"] > 0, result
assert result["wrong_decision_fraction"] == 0, result
if acceptance == "screened":
    assert result["by_model"] > 0, result
