"""What the web page and Prometheus are shown: the run that goes on, or else how the last one came out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtest.backends import base
from loadtest.live import metrics, snapshot
from loadtest.live.curves import Curves
from loadtest.measurement.names import key_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from loadtest.run.master.master_run import Run

_FRESH_S: Final = 0.9
"""A snapshot is good for so long, however many look."""


class LiveView:
    """Implements `live.page.Source`.

    :param opts: Locust's parsed options.
    :param alive: the ids of the workers that are there now.
    """

    def __init__(self, opts: argparse.Namespace, alive: Callable[[], list[str]]) -> None:
        self._opts = opts
        self._alive = alive
        self._run: Run | None = None
        self._events = base.load(opts.backend).reader.events
        self._curves = Curves(self._events)
        self._shown = snapshot.idle()
        self._taken_s = 0.0
        self._histograms: dict[str, Any] = {}
        self._workers: list[dict[str, Any]] = []
        """As they were when the last run's load ended."""

    def preparing(self) -> None:
        """A run is prepared."""
        self._reset(snapshot.preparing())

    def begun(self, run: Run) -> None:
        """A run begins."""
        self._run = run
        self._taken_s = 0.0

    def failed(self, why: str) -> None:
        """A run could not begin."""
        self._reset(snapshot.failed(why))

    def ending(self, run: Run) -> None:
        """A run is about to be counted. Broadcasts are still on their way, so nothing else is looked at now."""
        self._workers = snapshot.worker_rows(run.fleet, self._alive(), time.monotonic())

    def ended(self, run: Run) -> None:
        """A run is over."""
        self._look(run)
        self._run = None
        if run.summary is None or run.outcome is None:
            self._shown = snapshot.failed("The run's record could not be written; the log says why.")
            return
        self._shown = snapshot.of_summary(run.summary, run.outcome, self._workers)
        where = f"./broadcast/records/{run.summary['run_id']}"
        self._shown["record"] = f"{where}/record.zip"
        if not self._opts.no_report:
            self._shown["report"] = f"{where}/report.html"

    def _reset(self, shown: dict[str, Any]) -> None:
        self._run = None
        self._curves = Curves(self._events)
        self._histograms = {}
        self._shown = shown

    def state(self, after_s: int) -> dict[str, Any]:
        """A snapshot, with the curves after a second."""
        return {**self.fresh(), "curves": self._curves.after(after_s)}

    def metrics(self) -> bytes:
        """The same for Prometheus."""
        return metrics.render(self.fresh(), self._histograms)

    def results_dir(self) -> Path:
        """Where the records are."""
        return Path(self._opts.results_dir).resolve()

    def fresh(self) -> dict[str, Any]:
        """A snapshot, without curves."""
        if self._run is not None and time.monotonic() - self._taken_s > _FRESH_S:
            self._look(self._run)
        return self._shown

    def _look(self, run: Run) -> None:
        alive = self._alive()
        self._curves.update(run.fleet, alive)
        self._shown = {**snapshot.of_course(run.course(alive)), "finishing": run.finishing}
        self._histograms = {event: run.fleet.latencies[key_of(event)] for event in self._events}
        self._taken_s = time.monotonic()
