"""langevo reproduce: all runs of an experiment, finished ones kept, stopped ones done again."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["LANGEVO_PROGRAM"]


def reproduce(folder, *arguments):
    return subprocess.run(
        [PROGRAM, "reproduce", *arguments, "--quick", "--threads", "1", "-o", str(folder)],
        capture_output=True, text=True, timeout=300, check=False)


class Reproduce(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name) / "paper"

    def test_finished_runs_are_kept_and_others_done_again(self):
        first = reproduce(self.folder, "s3", "fig1", "--replicas", "1")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(sorted(path.name for path in self.folder.glob("*.nc")), ["fig1.nc", "s3.nc"])
        self.assertIn("in all about", first.stderr)
        made = {name: (self.folder / name).stat().st_mtime_ns for name in ("fig1.nc", "s3.nc")}
        (self.folder / "fig1.nc").rename(self.folder / "fig1.nc.partial")  # as a run that was stopped leaves it
        second = reproduce(self.folder, "fig1", "s3", "--replicas", "1")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn("s3.nc is finished and kept", second.stderr)
        self.assertEqual((self.folder / "s3.nc").stat().st_mtime_ns, made["s3.nc"])
        self.assertGreater((self.folder / "fig1.nc").stat().st_mtime_ns, made["fig1.nc"])
        third = reproduce(self.folder, "all", "--replicas", "2")
        self.assertEqual(third.returncode, 2)
        self.assertIn("it says replicas = 1, this run replicas = 2", third.stderr)

    def test_stopped_between_the_runs_of_an_experiment(self):
        program = subprocess.Popen(
            [PROGRAM, "reproduce", "s4", "--quick", "--replicas", "1", "--threads", "1", "-o", str(self.folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(program.kill)
        whole = self.folder / "s4-reset-never.nc"
        while not whole.exists() and program.poll() is None:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(60), 130)
        made = whole.stat().st_mtime_ns
        again = reproduce(self.folder, "s4", "--replicas", "1")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(whole.stat().st_mtime_ns, made)
        self.assertTrue((self.folder / "s4-reset-every-1.nc").exists())

    def test_misuse_is_said_in_a_sentence(self):
        for arguments, words in ((["figg1"], "did you mean 'fig1'"), (["--lambda", "1"], "no option --lambda")):
            refused = reproduce(self.folder, *arguments)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(words, refused.stderr)
        self.assertFalse(self.folder.exists())


if __name__ == "__main__":
    unittest.main()
