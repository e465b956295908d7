"""The Python programs of docs/examples, which end with 1 where what they show does not hold; and docs/python.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("*.py"))


def test_there_are_some():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example, tmp_path):
    command = [sys.executable, str(example)]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    image = matplotlib.image.imread(tmp_path / f"{example.stem}.png")
    assert image.shape[0] > 100 and image.std() > 0.01, "the figure is more than a blank page"


def test_the_code_of_the_page(tmp_path):
    code = re.findall(r"^```python\n(.*?)^```", (DOCS / "python.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(code) >= 3
    command = [sys.executable, "-c", "".join(code)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run.nc").exists()
