"""The messages between master and workers, over Locust's own channel.

======== ========= ================ ==========================================================
name     from      data             meaning
======== ========= ================ ==========================================================
ROLL     master    –                a run is about to begin: who are you?
HERE     worker    an `Answer`      see `roll_call`
PLAN     master    a `Plan`         a run begins; sent before Locust's own spawn message
REPORT   worker    a `WorkerReport` one second of measurements
TRIGGERS master    triggers         what other workers' publishers sent
DRAIN    master    –                publishers end; all answers are waited for
DRAINED  worker    –                they are here, and so are the reports that carry them
SETTLE   master    –                everybody knows all triggers: count
TOTALS   worker    `Totals`         the counts
======== ========= ================ ==========================================================

Every message from a worker carries the run's id, so that a late one of an earlier run is told apart.
"""

from __future__ import annotations

from typing import Final

ROLL: Final = "loadtest.roll"
HERE: Final = "loadtest.here"
PLAN: Final = "loadtest.plan"
REPORT: Final = "loadtest.report"
TRIGGERS: Final = "loadtest.triggers"
DRAIN: Final = "loadtest.drain"
DRAINED: Final = "loadtest.drained"
SETTLE: Final = "loadtest.settle"
TOTALS: Final = "loadtest.totals"
