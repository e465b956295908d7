"""Runs one command after the other under limits, keeps what each printed, and ends in time whatever happens."""
import json
import os
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field

from acceptance_machine import reasons_in_words


class Interrupted(Exception):
    """SIGTERM or Ctrl-C: what there is goes into the report."""


def heed_signals():
    def stop(number, _frame):
        raise Interrupted(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


@dataclass
class Finished:
    """What a command left behind."""

    text: str
    returncode: int
    seconds: float
    limit: float
    stopped: bool = False  # at its limit
    interrupted: str = ""  # or by this signal to us
    rows: list = field(default_factory=list)

    @property
    def device_lost(self):
        return "was lost" in self.text

    def ending(self):
        """How it ended, in words."""
        if self.interrupted:
            return f"interrupted by {self.interrupted}"
        if self.stopped:
            return f"stopped at its limit of {self.limit:.0f} s"
        if self.returncode < 0:
            try:
                return f"ended by {signal.Signals(-self.returncode).name}"
            except ValueError:
                return f"ended by signal {-self.returncode}"
        return f"exit code {self.returncode}"

    def last_lines(self, count=3):
        """That are neither results nor of tests that went well."""
        lines = [line.strip() for line in self.text.splitlines()
                 if line.strip() and not line.startswith(("{", "[ RUN  ", "[       OK", "[---", "[==="))]
        return " / ".join(lines[-count:])[-600:]


def json_rows(text):
    """The JSON objects among the lines; a line that was cut off is none."""
    rows = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                rows.append(json.loads(line))
            except ValueError:
                pass
    return rows


class LoadWatch:
    """Clock, power and throttling of the GPU while a step runs, every second."""

    FIELDS = ["clocks.sm", "power.draw", "temperature.gpu"]

    def __init__(self, throttling):
        fields = self.FIELDS + ([throttling] if throttling else [])
        self.samples = []
        try:
            self.process = subprocess.Popen(
                ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", "-i", "0", "-l", "1"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        except OSError:
            self.process = None
            return
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.samples.append([part.strip() for part in line.split(",")])

    def end(self):
        """{clock in Hz, words}, or None."""
        if self.process is None:
            return None
        self.process.kill()
        self.process.wait()
        self.thread.join(2)
        self.process.stdout.close()
        values = []
        reasons = 0
        for sample in self.samples[1:]:  # the first one is from before
            try:
                values.append([float(part) for part in sample[:3]])
                reasons |= int(sample[3], 0) if len(sample) > 3 else 0
            except ValueError:
                continue
        if not values:
            return None
        clock, power, temperature = (statistics.median(column) for column in zip(*values))
        words = f"{clock:.0f} MHz, {power:.0f} W, {temperature:.0f} degrees, lower clocks for: "
        return {"clock": clock * 1e6, "words": words + reasons_in_words(str(reasons))}


def kill(process):
    """It and all that it started; one that hangs in the driver may outlive this, and is left."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass


class Runner:
    """All commands print into one log, each from where the one before it ended."""

    RESERVE = 2  # seconds for the report

    def __init__(self, log, budget, environment):
        self.log_path = log
        self.log = open(log, "ab")
        self.deadline = time.monotonic() + budget - self.RESERVE
        self.environment = environment  # of our programs, beside what there is

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.log.close()

    def left(self):
        return self.deadline - time.monotonic()

    def text_from(self, offset):
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def run(self, name, command, limit, ours=True):
        """Whatever it does, it has ended, or been given up, when this returns."""
        command = [str(part) for part in command]
        self.log.write(f"\n==== {name}: {' '.join(command)}\n".encode())
        self.log.flush()
        offset = os.path.getsize(self.log_path)
        begin = time.monotonic()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                       env={**os.environ, **(self.environment if ours else {})},
                                       start_new_session=True)
        except OSError as error:
            return Finished(f"{error}", 127, 0, limit)
        stopped, interrupted = False, ""
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            stopped = True
            kill(process)
        except Interrupted as signal_name:
            interrupted = str(signal_name)
            kill(process)
        code = process.returncode if process.returncode is not None else -signal.SIGKILL
        finished = Finished(self.text_from(offset), code, time.monotonic() - begin, limit, stopped, interrupted)
        finished.rows = json_rows(finished.text)
        self.log.write(f"\n==== {name}: {finished.ending()} after {finished.seconds:.1f} s\n".encode())
        self.log.flush()
        return finished
