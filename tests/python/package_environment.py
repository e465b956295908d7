"""A virtual environment with the langevo package over the built library, and tests in it.

    package_environment.py make     makes it in ENVIRONMENT, or brings it up to date
    package_environment.py FILE     runs pytest on a file of this folder in it

Needs the environment variables LANGEVO_BUILD (CMake's build folder), LANGEVO_SOURCE and LANGEVO_ENVIRONMENT (the folder
to make); LANGEVO_CXX is the compiler. Exits with 77, "skipped", where PyPI cannot be reached.
"""

import importlib.metadata
import os
import subprocess
import sys
import venv
from pathlib import Path

SOURCE = Path(os.environ["LANGEVO_SOURCE"])
ENVIRONMENT = Path(os.environ["LANGEVO_ENVIRONMENT"])
PYTHON = ENVIRONMENT / "venv/bin/python"
READY = ENVIRONMENT / "ready"
TOOLS = ("nanobind", "scikit-build-core", "pytest", "tqdm", "scikit-learn", "arviz-stats[xarray]")
SKIPPED = 77


def fixed_numpy():
    """Debian's packages want the NumPy that they were built with."""
    try:
        return f"numpy=={importlib.metadata.version('numpy')}"
    except importlib.metadata.PackageNotFoundError:
        return "numpy"


def pip(*arguments):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def make():
    READY.unlink(missing_ok=True)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT / "venv", system_site_packages=True, with_pip=True)
    if pip("--retries", "1", *TOOLS, fixed_numpy()) != 0:
        print("skipped: PyPI cannot be reached, from which the tools to build the Python package come")
        return SKIPPED
    prefix = ENVIRONMENT / "prefix"
    subprocess.run(["cmake", "--install", os.environ["LANGEVO_BUILD"], "--prefix", prefix], check=True, stdout=2)
    settings = {
        "build-dir": ENVIRONMENT / "build",
        "cmake.define.CMAKE_PREFIX_PATH": prefix,
        "cmake.define.CMAKE_CXX_COMPILER": os.environ.get("LANGEVO_CXX", "c++"),
        "cmake.define.LANGEVO_PYTHON_INSTALLED_ONLY": "ON",
    }
    options = [f"--config-settings={name}={value}" for name, value in settings.items()]
    failed = pip("--no-build-isolation", "--force-reinstall", "--no-deps", *options, str(SOURCE / "python"))
    failed = failed or pip(fixed_numpy(), "matplotlib", "netCDF4", "xarray")
    if not failed:
        READY.touch()
    return failed


def test(file):
    if not READY.exists():
        print("skipped: there is no environment with the Python package, see the test python_package_environment")
        return SKIPPED
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [PYTHON, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(Path(__file__).with_name(file))]
    return subprocess.run(command, env=environment, cwd=ENVIRONMENT, check=False).returncode


if __name__ == "__main__":
    sys.exit(make() if sys.argv[1] == "make" else test(sys.argv[1]))
