#!/usr/bin/env python3
"""Fuzzes one reader: run.py FUZZER READER [SECONDS].

LANGEVO_PROGRAM names the program, which makes files to begin with. What is found is left in the current directory, as
crash-..., and makes the exit code 1.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = os.environ["LANGEVO_PROGRAM"]
RUN = "run --widths 1,1,2 --replicas 2 --trace 1 --alpha 0.01 --backend cpu --quiet --reference none --data".split()
ASAN_OPTIONS = "detect_leaks=0:allocator_may_return_null=1"
CSV = [
    b"1,0,1\n2,1,0\n",
    b'"x, m",y,z # names\n\n1e-3,+2,-.5\n"1" , "2",3\r\n',
    b"x,class\n0.5,1\n0.25,0\n",
    b"1;5,2\n",
]


def classic_files(directory):
    """Small classic netCDF, packed and not; none where Python's netCDF4 is missing."""
    try:
        import netCDF4
    except ModuleNotFoundError:
        return
    for number, kind in enumerate(("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA")):
        with netCDF4.Dataset(directory / f"classic-{number}", "w", format=kind) as file:
            file.createDimension("point", None if number == 1 else 2)
            for name, width, stored in (("input", 1, "f8"), ("target", 2, "i2")):
                file.createDimension(name + "_dim", width)
                variable = file.createVariable(name, stored, ("point", name + "_dim"))
                variable.set_auto_maskandscale(False)
                variable.valid_range = [0, 9] if stored == "i2" else [0.0, 9.0]
                if stored == "i2":
                    variable.scale_factor = 0.5
                variable[:] = [[1] * width] * 2
            if number < 2:
                file.createVariable("weight", "f4", ("point",))[:] = [1, 3]


def seeds(reader, directory):
    if reader == "csv":
        for number, content in enumerate(CSV):
            (directory / f"csv-{number}").write_bytes(content)
        return
    (directory / "d.csv").write_bytes(CSV[0])
    run = [PROGRAM, *RUN, str(directory / "d.csv")]
    if reader == "toml":
        text = subprocess.run([*run, "--steps", "2", "--print-config"], check=True, capture_output=True).stdout
        (directory / "all").write_bytes(text)
        (directory / "few").write_bytes(b"widths = [1,\n 2, 1]  # three\nbeta = inf\nquick = true\ndata = 'a#b'\n")
        (directory / "d.csv").unlink()
        return
    subprocess.run([*run, "--steps", "2", "-o", str(directory / "run")], check=True, capture_output=True)
    (directory / "d.csv").unlink()
    if reader == "netcdf":
        (directory / "run").unlink()
        classic_files(directory)


def main():
    fuzzer, reader, *rest = sys.argv[1:]
    seconds = rest[0] if rest else "20"
    with tempfile.TemporaryDirectory(prefix="langevo_fuzz_") as scratch:
        seeds(reader, Path(scratch))
        environment = dict(os.environ, LANGEVO_FUZZ_READER=reader, ASAN_OPTIONS=ASAN_OPTIONS)
        limits = ["-seed=1", f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4000", "-malloc_limit_mb=1000000"]
        others = ["-verbosity=0", "-print_final_stats=1", "-max_len=100000"]
        done = subprocess.run([fuzzer, *limits, *others, scratch], env=environment)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
