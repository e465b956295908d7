"""Builds the folder that gpu_acceptance runs from on a machine that has a GPU and nothing to build with."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "gpu_acceptance"
NVCC = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
ARCHITECTURES = "80-real;90"  # and PTX for what comes after
PROGRAMS = {"tests": ["test_backends", "test_cuda_plan", "test_cuda_error", "test_device_random"],
            "bench": ["backend_agreement", "backend_rates"]}
SCRIPTS = ["gpu_acceptance", "acceptance_machine.py", "acceptance_report.py", "acceptance_run.py", "acceptance_steps.py",
           "ceilings.py", "peers/jax_peer.py", "peers/paper_nets.py", "peers/torch_peer.py"]
MOST_BYTES = 60_000_000
# What belongs to the system: the C library, which must be the machine's own for the driver and cuBLAS to be opened.
OF_THE_SYSTEM = ["linux-vdso", "ld-linux", "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so"]


def output_of(*command):
    """What a command prints, empty where it fails."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def googletest():
    """CMake's arguments: the distribution's static library, or its sources."""
    if list(pathlib.Path("/usr").glob("lib*/**/libgtest.a")):
        return []
    source = pathlib.Path("/usr/src/googletest/googletest")
    if (source / "CMakeLists.txt").exists():
        return ["-D", f"LANGEVO_GOOGLETEST_SOURCE={source}"]
    sys.exit("GoogleTest was found neither as libgtest.a nor in /usr/src/googletest; install the package libgtest-dev")


def compression():
    """The kernels' code shrinks to an eighth where nvcc, 12.4 or newer, can be told to."""
    return ["-D", "CMAKE_CUDA_FLAGS=--compress-mode=size"] if "--compress-mode" in output_of(NVCC, "--help") else []


def build():
    configure = ["cmake", "-S", ROOT, "-B", BUILD, "-D", "CMAKE_BUILD_TYPE=Release", "-D", "LANGEVO_BUILD_PROGRAM=OFF",
                 "-D", "LANGEVO_CUDA=ON", "-D", "LANGEVO_BUILD_TESTS=ON", "-D", "LANGEVO_BUILD_BENCH=ON",
                 "-D", "BUILD_SHARED_LIBS=OFF", "-D", f"CMAKE_CUDA_ARCHITECTURES={ARCHITECTURES}",
                 "-D", "CMAKE_EXE_LINKER_FLAGS=-static-libstdc++ -static-libgcc -s", *compression(), *googletest()]
    if shutil.which("ninja") and not (BUILD / "CMakeCache.txt").exists():
        configure += ["-G", "Ninja"]
    targets = PROGRAMS["tests"] + [f"bench_{name}" for name in PROGRAMS["bench"]]
    jobs = os.environ.get("JOBS") or len(os.sched_getaffinity(0))
    for command in (configure, ["cmake", "--build", BUILD, "-j", jobs, "--target", *targets]):
        if subprocess.run([str(part) for part in command], check=False).returncode:
            sys.exit("the pack could not be built; see above")


def needs(program):
    """(shared libraries that are not the system's, the newest glibc version that it asks for)."""
    shared = [line.split()[0] for line in output_of("ldd", program).splitlines() if line.split()]
    foreign = [name for name in shared if not any(part in name for part in OF_THE_SYSTEM)]
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", output_of("objdump", "-T", program))
    return foreign, max(((int(a), int(b)) for a, b in versions), default=(0, 0))


def description(glibc):
    """What the report says of the pack."""
    cuda = re.search(r"release ([\d.]+)", output_of(NVCC, "--version"))
    commit = output_of("git", "rev-parse", "HEAD").strip() or "unknown"
    changed = bool(output_of("git", "status", "--porcelain", "--untracked-files=no").strip())
    version = cuda.group(1) if cuda else "?"
    return {"commit": commit + (" with changes" if changed else ""), "cuda": version, "cublas": version.split(".")[0],
            "architectures": ARCHITECTURES, "glibc": ".".join(map(str, glibc)),
            "packed": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"}


def make_pack(folder):
    """0, or 1 where the pack is not what it should be."""
    build()
    folder.mkdir(parents=True, exist_ok=True)
    problems, glibc = [], (0, 0)
    for where, names in PROGRAMS.items():
        for name in names:
            shutil.copy2(BUILD / where / name, folder / name)
            foreign, version = needs(folder / name)
            glibc = max(glibc, version)
            problems += [f"{name} needs the shared library {library}" for library in foreign]
    for name in SCRIPTS:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(BENCH / name, folder / name)
    facts = description(glibc)
    (folder / "pack.json").write_text(json.dumps(facts, indent=1) + "\n")
    files = [path for path in folder.rglob("*") if path.is_file() and "acceptance_results" not in path.parts]
    size = sum(path.stat().st_size for path in files)
    if size >= MOST_BYTES:
        problems.append(f"it has {size / 1e6:.1f} MB, {MOST_BYTES / 1e6:.0f} are the most")
    print(f"{folder}: {size / 1e6:.1f} MB in {len(files)} files, commit {facts['commit']}, CUDA {facts['cuda']}, "
          f"{facts['architectures']}; needs glibc {facts['glibc']} or newer and a driver for CUDA "
          f"{facts['cuda'].split('.')[0]}. Run {folder / 'gpu_acceptance'} on the machine with the GPU.")
    for problem in problems:
        print(f"NOT as it should be: {problem}", file=sys.stderr)
    return 1 if problems else 0
