"""SIGTERM while Locust does not listen for it: as it waits for workers, and as long as a shape goes on."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Final

import gevent
import greenlet
from gevent.event import Event
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment
    from locust.runners import Runner

logger = logging.getLogger("loadtest")

TERMINATED: Final = 128 + signal.SIGTERM


def until_locust_listens(environment: Environment, runner: Runner) -> Callable[[], None]:
    """End as on a later SIGTERM: workers are let go, and a run that is under way leaves its record.

    Without it the process is killed, or, being process 1 of a container, is not. And where no run has begun, it
    ends with 143: with Locust's 0 it would have passed.

    :returns: to be called when Locust quits.
    """
    main = greenlet.getcurrent()
    quitting = Event()

    def leave() -> None:
        # What is quitting already ends with the code that it has, and would show a traceback.
        if not quitting.is_set():
            main.throw(SystemExit(TERMINATED))

    def on_sigterm() -> None:
        loop = gevent.get_hub().loop
        if runner.state == STATE_INIT:
            logger.info("SIGTERM: there is no run yet, and there will be none")
            environment.process_exit_code = TERMINATED
            runner.quit()
            loop.run_callback(leave)
        elif environment.shape_class is not None and runner.state in {STATE_SPAWNING, STATE_RUNNING}:
            logger.info("SIGTERM: the run ends before its time")
            # Locust expects it of Ctrl-C there, and ends the run as it does then.
            loop.run_callback(main.throw, KeyboardInterrupt)

    gevent.signal_handler(signal.SIGTERM, on_sigterm)
    return quitting.set
