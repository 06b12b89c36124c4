"""Users that find no run to take part in: one line says why, and the test ends with a failure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary, WeakSet

import gevent
from locust.runners import WorkerRunner

from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode

if TYPE_CHECKING:
    from locust.env import Environment

logger = logging.getLogger("loadtest")

_INSTALL: Final = "write `from loadtest import install` at its top and `install()` at its end"
NOT_INSTALLED: Final = Fault(
    Owner.LOCUSTFILE,
    "expected a locustfile that installs the load test, got one that does not: nothing would be measured",
    f"In the locustfile {_INSTALL}. (In a file named locustfile.py, `from locustfile import *` imports that "
    "file itself.)",
)
NOT_INSTALLED_ON_MASTER: Final = Fault(
    Owner.LOCUSTFILE,
    "expected the run's plan from the master, got users to start without one: the master's locustfile does not "
    "install the load test, and nothing would be measured",
    f"Start the master with this worker's locustfile, or in the master's {_INSTALL}.",
)
_FAILED_WORKER: Final = 1
"""With more than that, Locust's `--processes` prints a line of its own."""

_reasons: WeakKeyDictionary[Environment, Fault | None] = WeakKeyDictionary()
_ending: WeakSet[Environment] = WeakSet()


def explain(environment: Environment, fault: Fault | None) -> None:
    """Note that the load test is installed in this process, and why a user may find no run.

    :param fault: None where another line says so, if there is none.
    """
    _reasons[environment] = fault


def end_test(environment: Environment) -> None:
    """Say once why there is no run, and end the test; where only this process takes no part, do neither."""
    fault = _reasons.get(environment, NOT_INSTALLED)
    if fault is None or environment in _ending:
        return
    _ending.add(environment)
    logger.error("%s", fault)
    # Locust counts it as an exception of a user, and a worker tells its master.
    environment.events.user_error.fire(user_instance=None, exception=fault, tb=None)
    is_worker = isinstance(environment.runner, WorkerRunner)
    environment.process_exit_code = _FAILED_WORKER if is_worker else ExitCode.SETUP_FAILED
    gevent.spawn(_end, environment)


def _end(environment: Environment) -> None:
    runner, options = environment.runner, environment.parsed_options
    try:
        if runner is None:
            return
        if isinstance(runner, WorkerRunner) or (options is not None and options.headless):
            runner.quit()
        else:
            runner.stop()
    finally:
        _ending.discard(environment)
