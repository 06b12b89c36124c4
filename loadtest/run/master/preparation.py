"""The preparation of a run, which every stop ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import gevent
from locust.runners import STATE_INIT, STATE_STOPPED, LocalRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.runners import Runner

_STOP: Final = "stop"


class Preparation:
    """Knows the greenlet that starts a run, and has `runner.stop()` end it.

    Locust's runners ignore a stop while no users run: a master always, one process from its second run on. They
    would begin the run once it is prepared, whoever stopped it: the page, a timer, or a signal.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._stop_users: Callable[..., None] = runner.stop
        self._preparing: gevent.Greenlet | None = None
        self._starting: gevent.Greenlet | None = None
        setattr(runner, _STOP, self._stop)

    @property
    def is_under_way(self) -> bool:
        """Whether a run is being prepared now."""
        return self._preparing is not None

    def begin(self) -> None:
        """Note that the current greenlet prepares a run; end the preparation of another one."""
        while self._preparing is not None:
            self._preparing.kill()
        self._preparing = self._starting = gevent.getcurrent()

    def end(self) -> None:
        """Note that the run is prepared, or will not be."""
        self._preparing = None

    def started(self) -> None:
        """Note that all users were started: the greenlet that did so may have other work now."""
        self._starting = None

    def give_up(self) -> bool:
        """End the preparation and wait until nothing of it is left.

        :returns: whether there was one.
        """
        if self._preparing is None:
            return False
        self._preparing.kill()
        return True

    def given_up(self) -> None:
        """Have a master's page say that it stopped. One process says so by itself, when it ends a shape, too."""
        if not isinstance(self._runner, LocalRunner) and self._runner.state == STATE_INIT:
            self._runner.update_state(STATE_STOPPED)

    def _stop(self, *arguments: Any, **more: Any) -> None:
        self.give_up()
        # Locust kills the one that starts users only where it did not start by itself.
        for starting in (self._starting, self._runner.spawning_greenlet):
            if starting is not None and not starting.dead and starting is not gevent.getcurrent():
                starting.kill()
        self._starting = None
        self._stop_users(*arguments, **more)
