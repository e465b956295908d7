"""What a machine has: its GPU in the words of nvidia-smi and of the driver, cuBLAS, compute-sanitizer, Pythons."""
import glob
import os
import shutil
import subprocess
import sys

from ceilings import Card

TOOLKITS = ["/usr/local/cuda", "/opt/cuda", *sorted(glob.glob("/usr/local/cuda-*"), reverse=True)]
SMI_FIELDS = ["name", "driver_version", "memory.total", "clocks.max.sm", "clocks.max.mem", "clocks.sm",
              "temperature.gpu", "power.draw", "power.limit", "persistence_mode", "ecc.mode.current", "mig.mode.current"]
# Newer drivers say event where older ones said throttle.
THROTTLING = ["clocks_event_reasons.active", "clocks_throttle_reasons.active"]
REASONS = {0x1: "idle", 0x2: "clocks set by an application", 0x4: "power cap", 0x8: "hardware slowdown",
           0x10: "sync boost", 0x20: "thermal limit, software",
           0x40: "thermal limit, hardware", 0x80: "power brake", 0x100: "display clocks"}
KNOWN_CARDS = [("H200", 132, "9.0"), ("H100 PCIe", 114, "9.0"), ("H100", 132, "9.0"), ("A100", 108, "8.0")]
ASK_DRIVER = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
device, value = ctypes.c_int(), ctypes.c_int()
code = cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0)
if code: raise SystemExit(f"cuInit: error {code}")
for attribute in (16, 75, 76, 13):
    cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
    print(value.value)
cuda.cuDriverGetVersion(ctypes.byref(value))
print(value.value)
"""


def ask(command, timeout=15):
    """(whether it succeeded, standard output, what it complained of) of a short command."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.SubprocessError) as error:
        return False, "", str(error)
    return done.returncode == 0, done.stdout.strip(), (done.stderr or done.stdout).strip()


def nvidia_smi(fields):
    """Values of the first GPU, by field; or the tool's own words where it fails."""
    good, output, words = ask(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"])
    if not good or not output:
        return None, words or "nvidia-smi printed nothing"
    return dict(zip(fields, [value.strip() for value in output.splitlines()[0].split(",")])), ""


def throttling_field():
    """The name that this driver has for the reasons of lower clocks, or None."""
    return next((field for field in THROTTLING if nvidia_smi([field])[0]), None)


def reasons_in_words(mask):
    try:
        bits = int(mask, 0)
    except ValueError:
        return mask
    return ", ".join(word for bit, word in REASONS.items() if bits & bit) or "none"


class Machine:
    """Found out once, at the start."""

    def __init__(self):
        self.gpu, self.smi_words = nvidia_smi(SMI_FIELDS)
        if self.gpu is None and "not a valid field" in self.smi_words:
            self.gpu, self.smi_words = nvidia_smi(SMI_FIELDS[:4])
        self.throttling = throttling_field() if self.gpu else None
        good, output, self.driver_words = ask([sys.executable, "-c", ASK_DRIVER])
        numbers = [int(word) for word in output.split()] if good else []
        self.multiprocessors, self.capability, self.clock, self.driver_cuda = None, "", None, None
        if len(numbers) == 5:
            self.multiprocessors, major, minor, kilohertz, version = numbers
            self.capability, self.clock = f"{major}.{minor}", kilohertz * 1e3
            self.driver_cuda = f"{version // 1000}.{version % 1000 // 10}"
        elif self.gpu:
            self.driver_words = (self.driver_words.splitlines() or ["it said nothing"])[-1]
            for name, count, capability in KNOWN_CARDS:
                if name in self.gpu["name"]:
                    self.multiprocessors, self.capability = count, capability
                    self.driver_words += ", so that its name tells"
                    break
        if self.gpu:
            try:
                self.clock = float(self.gpu["clocks.max.sm"]) * 1e6
            except ValueError:
                pass

    def card(self, clock=None):
        """What the ceilings need, at the clock in Hz that was seen, else at the highest; None where it is not known."""
        clock = clock or self.clock
        return Card(self.multiprocessors, clock, self.capability) if self.multiprocessors and clock else None

    def in_words(self):
        """Lines for the report."""
        if self.gpu is None:
            return [f"nvidia-smi finds no GPU: {self.smi_words}"]
        lines = [f"{self.gpu['name']}, driver {self.gpu['driver_version']}"
                 + (f" (CUDA {self.driver_cuda})" if self.driver_cuda else "")
                 + (f", {self.multiprocessors} multiprocessors, compute capability {self.capability}"
                    if self.multiprocessors else "")
                 + (f"; the driver's library did not tell its multiprocessors ({self.driver_words})"
                    if self.driver_cuda is None else "")]
        lines.append("nvidia-smi at the start: " + ", ".join(f"{key} {value}" for key, value in self.gpu.items()
                                                             if key not in ("name", "driver_version")))
        lines.append("throttling at the start: " + self.throttled())
        return lines

    def throttled(self):
        if not self.throttling:
            return "nvidia-smi does not tell"
        found, words = nvidia_smi([self.throttling])
        return reasons_in_words(found[self.throttling]) if found else words


class Libraries:
    """Where cuBLAS is, which the programs open by name, and the environment in which they find it."""

    def __init__(self, major):
        """`major`: the version that the programs were built for, or None where that is not known."""
        self.folder = None
        name = f"libcublas.so.{major or '[0-9]*'}"
        if major and ask([sys.executable, "-c", f"import ctypes; ctypes.CDLL('{name}')"])[0]:
            self.words = f"{name} is where the system looks for libraries"
            return
        folders = cublas_folders()
        for folder in folders:
            found = [path for path in glob.glob(f"{folder}/{name}") if path.rsplit(".", 1)[1].isdigit()]
            if found:
                self.folder, self.words = folder, f"{found[0]}"
                return
        others = sorted(path for folder in folders for path in glob.glob(f"{folder}/libcublas.so.*"))
        self.words = (f"{name} was NOT found (beside {', '.join(others) or 'no other version'}): nets that go layer "
                      "by layer cannot run")

    def environment(self):
        if self.folder is None:
            return {}
        return {"LD_LIBRARY_PATH": ":".join(filter(None, [self.folder, os.environ.get("LD_LIBRARY_PATH")]))}


def cublas_folders():
    folders = [folder for toolkit in TOOLKITS for folder in (f"{toolkit}/lib64", f"{toolkit}/targets/x86_64-linux/lib")]
    folders += ["/usr/lib/x86_64-linux-gnu", "/usr/lib64"]
    for python in pythons():
        good, output, _ = ask([python, "-c", "import site, sys; print(*sys.path, *site.getsitepackages(), sep='\\n')"])
        for path in output.splitlines() if good else []:
            folders += sorted(glob.glob(f"{path}/nvidia/*/lib"))
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def find_sanitizer():
    """compute-sanitizer, or None."""
    found = shutil.which("compute-sanitizer")
    for toolkit in [] if found else TOOLKITS:
        for path in (f"{toolkit}/bin/compute-sanitizer", f"{toolkit}/compute-sanitizer/compute-sanitizer"):
            if os.access(path, os.X_OK):
                return path
    return found


def pythons():
    return list(dict.fromkeys(filter(None, [sys.executable, shutil.which("python3"), "/usr/bin/python3"])))


def python_with(*modules):
    """An interpreter that has them all, or None; nothing is imported."""
    test = f"import importlib.util as u, sys; sys.exit(not all(u.find_spec(m) for m in {modules!r}))"
    return next((python for python in pythons() if ask([python, "-c", test])[0]), None)
