#!/usr/bin/env python3
"""What the program says of CUDA devices, on emulated ones. LANGEVO_ON_EMULATED_DEVICE names the program that has such a
device, LANGEVO_PROGRAM the one of this machine."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

EMULATED = os.environ.get("LANGEVO_ON_EMULATED_DEVICE", "build/release/tests/emulated_cuda/langevo")
PROGRAM = os.environ.get("LANGEVO_PROGRAM", "build/release/langevo")
LONG = ["run", "-o", "out.nc", "--overwrite", "--widths", "1,5,1", "--points", "70", "--replicas", "3", "--sigma", "1e-4", "--reference",
        "none"]
RUN = LONG + ["--steps", "40"]
FAULTS = {
    "old-driver": "the NVIDIA driver is for CUDA 12.4 and this langevo needs",
    "no-permission": "the system does not let this user use the NVIDIA driver",
    "taken": "it serves one process at a time and another one has it",
    "no-code": "this langevo has no code for it",
}


class Devices(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="langevo_devices_")
        self.addCleanup(scratch.cleanup)
        self.directory = Path(scratch.name)

    def run_program(self, *arguments, program=EMULATED, fault=None):
        environment = {**os.environ, **({"EMULATED_CUDA_FAULT": fault} if fault else {})}
        return subprocess.run([program, *arguments], cwd=self.directory, env=environment, capture_output=True, text=True,
                              timeout=300)

    def lines_that_name_a_device(self, done):
        return [line for line in done.stderr.splitlines() if "(cuda)" in line or "no CUDA" in line]

    def test_auto_takes_a_device_that_works(self):
        done = self.run_program(*RUN, "--backend", "auto")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("on Emulated H100 (cuda)", done.stderr)
        shown = self.run_program("show", "out.nc")
        self.assertIn("Emulated H100", shown.stdout)

    def test_auto_says_why_not_in_one_line_and_takes_the_cpu(self):
        for fault, reason in FAULTS.items():
            with self.subTest(fault):
                done = self.run_program(*RUN, "--backend", "auto", fault=fault)
                self.assertEqual(done.returncode, 0, done.stderr)
                lines = self.lines_that_name_a_device(done)
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertIn("(no CUDA: " + reason, lines[0])
                self.assertIn("thread", lines[0])

    def test_cuda_ends_with_one_sentence(self):
        for fault, reason in FAULTS.items():
            with self.subTest(fault):
                done = self.run_program(*RUN, "--backend", "cuda", fault=fault)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertTrue(done.stderr.startswith("langevo: --backend cuda --device 0 "), done.stderr)
                self.assertIn(reason, done.stderr)
                self.assertEqual(os.listdir(self.directory), [])

    def test_a_device_lost_on_the_way_leaves_the_records(self):
        done = self.run_program(*LONG, "--backend", "cuda", "--steps", "400", "--records", "40", fault="lost")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("the CUDA device was lost", done.stderr)
        self.assertIn("the records so far are in out.nc.partial", done.stderr)
        shown = self.run_program("show", "out.nc.partial", program=PROGRAM)
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_devices_are_listed_with_what_is_wrong(self):
        self.assertIn("Emulated H100, 9.0", self.run_program("devices").stdout)
        self.assertIn("(not usable: the NVIDIA driver is for CUDA 12.4",
                      self.run_program("devices", fault="old-driver").stdout)

    def test_the_program_of_this_machine_says_where_it_goes(self):
        done = self.run_program(*RUN, "--backend", "auto", program=PROGRAM)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.lines_that_name_a_device(done)), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
