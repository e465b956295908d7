"""``langevo.run`` against the command line, and what importing the package costs. Needs LANGEVO_PROGRAM."""

import ast
import importlib.util
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import langevo
import netCDF4
import numpy as np
import pytest

PROGRAM = os.environ["LANGEVO_PROGRAM"]
SOURCE = Path(__file__).resolve().parents[2] / "python"
SMALL = {"widths": [1, 6, 1], "points": 30, "replicas": 8, "steps": 400, "alpha": 1e-3, "backend": "cpu"}
#: What differs between any two runs.
OF_ITS_OWN = {"created", "wall_seconds"}


def contents(path):
    """Every variable and attribute of a run file, as bytes."""

    def walk(group, name):
        for key in group.ncattrs():
            if key not in OF_ITS_OWN:
                yield f"{name}@{key}", str(group.getncattr(key)).encode()
        for key, variable in group.variables.items():
            variable.set_auto_maskandscale(False)
            values = np.asarray(variable[:])
            raw = repr(values.tolist()).encode() if values.dtype == object else values.tobytes()
            yield f"{name}/{key}{list(variable.shape)}", raw
        for key, inner in group.groups.items():
            yield from walk(inner, f"{name}/{key}")

    with netCDF4.Dataset(path) as file:
        return dict(walk(file, ""))


def command_line(output, *words):
    subprocess.run([PROGRAM, "run", *words, "--quiet", "-o", output], check=True, stdout=subprocess.DEVNULL)


def words_of(settings):
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if value is True and name == "init_per_replica":
            yield flag
        else:
            yield flag
            yield {True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, list) else ",".join(
                map(str, value)
            )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"beta": 1e3, "lambda_": 0.5, "trace": 2, "output_bias": False},
        {"dynamics": "langevin", "beta": np.float64(1e4), "record_parameters": "mean"},
        {"dynamics": "gradient", "activation": "sigmoid", "seed": np.int64(7)},
        {"init": "pytorch", "init_per_replica": True, "loss": "huber", "acceptance": "exact"},
    ],
)
def test_a_run_has_the_bits_of_the_command_line(tmp_path, settings):
    settings = {name.rstrip("_"): value for name, value in {**SMALL, **settings}.items()}
    command_line(tmp_path / "program.nc", *words_of(settings))
    with langevo.run(output=tmp_path / "python.nc", **settings) as run:
        assert run.ensemble.sizes["replica"] == 8
    expected, actual = contents(tmp_path / "program.nc"), contents(tmp_path / "python.nc")
    assert actual.keys() == expected.keys()
    for name, values in expected.items():
        assert actual[name] == values, name
    assert any(name.startswith("/ensemble/loss_mean[") for name in expected)


def test_presets_and_configuration_files(tmp_path):
    few = {"replicas": 4, "time": 1e-3, "records": 2, "backend": "cpu"}
    runs = langevo.run(output=tmp_path / "p.nc", preset="fig2", quick=True, **few)
    command_line(tmp_path / "c.nc", "--preset", "fig2", "--quick", *words_of(few))
    assert len(runs) == 3
    for run in runs:
        run.close()
        name = Path(run.path).name
        assert contents(run.path) == contents(tmp_path / name.replace("p-", "c-"))
    (tmp_path / "small.toml").write_text('widths = [1, 6, 1]\npoints = 30\nreplicas = 5\nsteps = 40\nbackend = "cpu"\n')
    with langevo.run(output=tmp_path / "f.nc", config=tmp_path / "small.toml", replicas=3) as run:
        assert run.ensemble.sizes["replica"] == 3 and run.root.sizes["parameter"] == 19


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replica": 3}, "'replica'; did you mean 'replicas'?"),
        ({"beta": -1}, "--beta is -1"),
        ({"beta": "warm"}, "--beta"),
        ({"replicas": 2.5}, "--replicas"),
        ({"widths": [1, 5, 2]}, "--widths"),
        ({"data": {}}, "data is {}"),
        ({"dynamics": "gradient", "beta": 3}, "--beta 3 would change nothing"),
        ({"preset": "fig99"}, "fig99"),
        ({"config": "absent.toml"}, "absent.toml"),
    ],
)
def test_errors_are_those_of_the_command_line(tmp_path, settings, words):
    with pytest.raises(ValueError) as error:
        langevo.run(output=tmp_path / "r.nc", **settings)
    assert words in str(error.value) and re.fullmatch(r"[^\n]+; [^\n]+", str(error.value))
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_kept(tmp_path):
    with langevo.run(output=tmp_path / "r.nc", **SMALL):
        pass
    before = (tmp_path / "r.nc").read_bytes()
    with pytest.raises(ValueError, match="overwrite"):
        langevo.run(output=tmp_path / "r.nc", **SMALL)
    assert (tmp_path / "r.nc").read_bytes() == before
    with langevo.run(output=tmp_path / "r.nc", overwrite=True, **SMALL):
        pass


LONG = SMALL | {"steps": 10**9, "records": 10**6, "reference": "none", "acceptance": "exact"}


def test_a_callback_stops_a_run_and_its_records_stay(tmp_path):
    heard = []

    def listen(record):
        heard.append(record)
        return len(heard) == 5

    with langevo.run(output=tmp_path / "r.nc", callback=listen, **LONG) as run:
        assert run.path.endswith(".partial")
        assert run.ensemble.sizes["time"] >= 5
        np.testing.assert_array_equal(run.ensemble["loss_mean"][:5], [record.loss_mean for record in heard[:5]])
        np.testing.assert_array_equal(run.ensemble["parameter_mean"][4], heard[4].mean)
    assert not (tmp_path / "r.nc").exists()


def test_an_interrupted_run_keeps_its_records(tmp_path):
    timer = threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as interrupt:
        langevo.run(output=tmp_path / "r.nc", **LONG)
    timer.join()
    assert "the records so far are in" in "".join(interrupt.value.__notes__)
    with langevo.open_run(tmp_path / "r.nc.partial") as run:
        assert run.ensemble.sizes["time"] > 1
        assert np.isfinite(run.ensemble["loss_mean"]).all()


def test_what_a_callback_raises_comes_out_and_records_stay(tmp_path):
    def fail(record):
        if record.step > 3000:
            raise LookupError("not found")

    with pytest.raises(LookupError, match="not found"):
        langevo.run(output=tmp_path / "r.nc", callback=fail, **LONG)
    with langevo.open_run(tmp_path / "r.nc.partial") as run:
        assert run.ensemble["step"][-1] > 3000


def test_sentences_go_to_the_log(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="langevo")
    langevo.run(output=tmp_path / "r.nc", **SMALL).close()
    assert any("8 replicas of 19 parameters" in message for message in caplog.messages)


def run_python(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def test_importing_is_quick_and_lazy():
    code = "import time; a = time.perf_counter(); import langevo; b = time.perf_counter(); print(b - a)"
    assert min(float(run_python(code).stdout) for _ in range(5)) < 0.3
    heavy = "print(sorted({'numpy', 'xarray', 'matplotlib', 'netCDF4', 'torch', 'tqdm'} & set(sys.modules)))"
    assert run_python(f"import sys, langevo; {heavy}").stdout == "[]\n"
    assert run_python(f"import sys, langevo; langevo.Network([1, 1]); {heavy}").stdout == "[]\n"


def test_every_name_is_there():
    for name in langevo.__all__:
        assert getattr(langevo, name).__doc__
    assert set(langevo.__all__) <= set(dir(langevo))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = langevo.nonsense


def test_run_files_are_read_and_drawn_from_the_sources_without_the_extension(tmp_path):
    langevo.run(output=tmp_path / "r.nc", **SMALL).close()
    figure = tmp_path / "r.png"
    command = [sys.executable, "-m", "langevo", "plot", str(tmp_path / "r.nc"), "-o", str(figure)]
    subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE)})
    assert figure.stat().st_size > 1000
    code = "import langevo; print(langevo.__file__, langevo.open_run); langevo.Network([1, 1])"
    result = run_python(code, PYTHONPATH=str(SOURCE))
    assert result.stdout.startswith(str(SOURCE))
    assert "ImportError: langevo.Network needs the extension module" in result.stderr


def test_the_package_is_typed():
    package = Path(importlib.util.find_spec("langevo").origin).parent
    assert (package / "py.typed").exists()
    stub = ast.parse((package / "_core.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    assert {"Network", "Problem", "Ensemble", "Metropolis", "Record"} <= classes.keys()
    methods = {node.name: node for node in classes["Ensemble"].body if isinstance(node, ast.FunctionDef)}
    for name in ("advance", "losses", "gradient", "set_parameters", "parameters", "counters"):
        assert methods[name].returns is not None and ast.get_docstring(methods[name])
