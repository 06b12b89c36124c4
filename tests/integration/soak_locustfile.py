"""A few who stay and many who come and go, in between two times of quiet; each process says what it holds."""

from __future__ import annotations

import gc
import json
import os
import time
from pathlib import Path
from typing import Any

import gevent
import greenlet
import psutil
from locust import events, task
from locust.exception import StopUser

from loadtest.run import hooks
from loadtest.tasks.context import RunContext, context_of
from loadtest.transport.shared import shared
from loadtest.users.publisher import Publisher
from loadtest.users.socketio_user import SocketIOUser
from loadtest.users.viewer import Viewer

_PROBES = Path(os.environ["SOAK_PROBES"])
_QUIET_S = float(os.environ["SOAK_QUIET_S"])
_CHURN_S = float(os.environ["SOAK_CHURN_S"])
_PROBE_S = 2.0
_STAY_S = 0.5

hooks.install()
__all__ = ["Publisher", "Viewer", "Visitor"]


class Visitor(SocketIOUser):
    """Connects, joins, stays for a moment, and goes; again and again between the two times of quiet."""

    weight = 2

    @task
    def come_and_go(self) -> None:
        """One visit, or a part of the quiet."""
        context = self.run_context
        context.publishing.wait()
        if not _churns(context):
            over = context.over.wait(_STAY_S)
        else:
            room = context.plan.room_of(context.number("visit"))
            self.connect(context.plan.rooms[room].token)
            self.join(room)
            over = context.over.wait(_STAY_S)
            self.on_stop()
            self.client = None
        if over:
            raise StopUser


_begun_s: dict[int, float] = {}


def _churns(context: RunContext) -> bool:
    begun_s = (
        _begun_s.setdefault(id(context), time.monotonic()) if context.publishing.is_set() else time.monotonic()
    )
    return _QUIET_S < time.monotonic() - begun_s < _QUIET_S + _CHURN_S


@events.init.add_listener
def _on_init(environment: Any, **_: Any) -> None:
    gevent.spawn(_probe, environment)


def _probe(environment: Any) -> None:
    process = psutil.Process()
    with (_PROBES / f"{type(environment.runner).__name__}-{process.pid}.jsonl").open("w") as file:
        while True:
            gevent.sleep(_PROBE_S)
            context = context_of(environment)
            # What was there when the load began is out of the collector's sight.
            quiet = context is None or not _churns(context)
            if quiet:
                gc.unfreeze()
            greenlets = sum(isinstance(one, greenlet.greenlet) and not one.dead for one in gc.get_objects())
            if quiet and context is not None and context.publishing.is_set():
                gc.freeze()
            held = {
                "at_s": time.monotonic(),
                "rss_mb": process.memory_info().rss / 1e6,
                "descriptors": process.num_fds(),
                "greenlets": greenlets,
                "watched": len(shared().poller._channels),
                "accounts": 0 if context is None else len(context.meter.accounts),
            }
            file.write(json.dumps(held) + "\n")
            file.flush()
