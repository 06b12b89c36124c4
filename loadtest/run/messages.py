"""The messages between master and workers, over Locust's own channel.

======== ========= ================ ==========================================================
name     from      data             meaning
======== ========= ================ ==========================================================
JOIN     worker    a                it is ready: may it join? See `admission`
                   `FleetIdentity`
REFUSED  master    why              it may not: it quits
ROLL     master    –                a run is about to begin: who are you?
HERE     worker    an `Answer`      see `roll_call`
PLAN     master    a `Plan`         a run begins; sent before Locust's own spawn message
TOKENS   master    a list           fresh tokens of the rooms' owners, before the old ones expire
STORM    master    –                all viewers lose their connections, at once
RATE     master    a number         publishers go on at another rate
CLOCK    worker    see `clock_sync` what time is it?
TIME     master    see `clock_sync` the answer; it also says which triggers should be known by now,
                                    and until when all of them are (`complete_ns`)
REPORT   worker    a `WorkerReport` one second of measurements
INTERIM  worker    an `Interim`     what it counted so far, where somebody looks
TRIGGERS master    see              what publishers sent, and when broadcasts were made, numbered;
                   `trigger_feed`   see `relay`
WANT     worker    a number         rows of triggers are missing from that one on
DRAIN    master    –                publishers end; all answers are waited for
DRAINED  worker    –                they are here, and so are the reports that carry them
AWAIT    master    seconds          how many deliveries are still expected? One that nobody has received
                                    counts as expected for this long
WAITING  worker    two numbers      deliveries still expected, and rows known; repeated until SETTLE
SETTLE   master    how many rows    everybody knows all triggers: count
TOTALS   worker    `Totals`         the counts
======== ========= ================ ==========================================================

From PLAN on, every message carries the run's id, so that a late one of an earlier run is told apart.
"""

from __future__ import annotations

from typing import Final

JOIN: Final = "loadtest.join"
REFUSED: Final = "loadtest.refused"
ROLL: Final = "loadtest.roll"
HERE: Final = "loadtest.here"
PLAN: Final = "loadtest.plan"
TOKENS: Final = "loadtest.tokens"
STORM: Final = "loadtest.storm"
RATE: Final = "loadtest.rate"
CLOCK: Final = "loadtest.clock"
TIME: Final = "loadtest.time"
REPORT: Final = "loadtest.report"
INTERIM: Final = "loadtest.interim"
TRIGGERS: Final = "loadtest.triggers"
WANT: Final = "loadtest.want"
DRAIN: Final = "loadtest.drain"
DRAINED: Final = "loadtest.drained"
AWAIT: Final = "loadtest.await"
WAITING: Final = "loadtest.waiting"
SETTLE: Final = "loadtest.settle"
TOTALS: Final = "loadtest.totals"
