"""An ensemble along a schedule of records."""

import math
from collections.abc import Callable

from langevo._core import Ensemble, Record, _simulate
from langevo.progress import ProgressBar

MOST_STEPS = 2**53
MOST_RECORDS = 10**7
ROUNDING = 1e-9  # of a number of steps that is meant to be whole


class Simulation:
    """Evolves an ensemble and keeps a record of it now and then.

    ensemble: with its states set.
    time_per_step: time t of one step, unit 1; None: that of the ensemble's rule (``Ensemble.time_per_step``).
    traced: so many of the first replicas are recorded in full.
    """

    def __init__(self, ensemble: Ensemble, time_per_step: float | None = None, traced: int = 0) -> None:
        self.ensemble = ensemble
        self.time_per_step = ensemble.time_per_step if time_per_step is None else float(time_per_step)
        self.traced = traced
        #: All records that were taken, the last one at the end.
        self.records: list[Record] = []
        if not 0 < self.time_per_step < math.inf:
            raise ValueError(f"time_per_step is {self.time_per_step}; give a positive number")

    @property
    def time(self) -> float:
        """Time t of the ensemble, unit 1."""
        return self.ensemble.step * self.time_per_step

    def run(
        self,
        until: float | None = None,
        *,
        steps: int | None = None,
        records: int = 100,
        callback: Callable[[Record], object] | None = None,
        progress: bool | None = None,
    ) -> list[Record]:
        """Evolves the ensemble to the time `until`, or by so many steps, and returns the records of that.

        until: a time t, unit 1; a last step that it falls into is done whole.
        steps: instead of `until`.
        records: number of equal intervals between records; the state at the beginning is recorded, too, unless it was.
        callback: gets each record and ends the run where it returns something true. It is called while the next
            interval is under way, which then ends after some more steps; the ensemble cannot be used in it.
        progress: whether a bar is shown, where tqdm is installed; None: in a terminal or a notebook.

        Ctrl-C ends the run after the steps under way, with KeyboardInterrupt; what was recorded is in ``records``.
        Raises ValueError for a time that has passed and RuntimeError where a loss leaves the finite numbers.
        """
        record_steps = self._record_steps(self._last_step(until, steps), records)
        before = len(self.records)

        def take(record: Record) -> bool:
            self.records.append(record)
            return callback is not None and bool(callback(record))

        with ProgressBar(progress) as bar:
            _simulate(
                self.ensemble,
                record_steps,
                self.time_per_step,
                self.traced,
                take,
                lambda fraction: bar.show("steps", fraction),
            )
        return self.records[before:]

    def _last_step(self, until: float | None, steps: int | None) -> int:
        now = self.ensemble.step
        if (until is None) == (steps is None):
            raise ValueError("the run has no end, or two; give until or steps")
        if until is None:
            assert steps is not None
            last = now + steps
        else:
            if not until < MOST_STEPS * self.time_per_step:
                raise ValueError(f"until is {until}, more than 2^53 steps of {self.time_per_step}; give less")
            last = math.ceil(until / self.time_per_step * (1 - ROUNDING))
        if last <= now:
            asked = f"until is {until}" if until is not None else f"steps is {steps}"
            raise ValueError(f"{asked}, but the ensemble is at t = {self.time:.6g} already; give more")
        return last

    def _record_steps(self, last: int, records: int) -> list[int]:
        if not 1 <= records <= MOST_RECORDS:
            raise ValueError(f"records is {records}; give 1 to {MOST_RECORDS}")
        now = self.ensemble.step
        count = min(records, last - now)
        steps = [now + (last - now) * i // count for i in range(count + 1)]
        is_recorded = bool(self.records) and self.records[-1].step == now
        return steps[1:] if is_recorded else steps
