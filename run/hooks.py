"""The one file that touches Locust's events and messages; everything behind it is ours."""

from __future__ import annotations

import atexit
import logging
from typing import TYPE_CHECKING, Any

import gevent
from locust import events
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from faults import Fault, Owner
from users.publisher import Publisher

from . import messages, options
from .exit_codes import ExitCode
from .master_side import MasterSide
from .worker_side import WorkerSide

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment

logger = logging.getLogger("loadtest")

_LOCAL = "local"
_DRAIN_WAIT_S = 3.0
_OVER_WAIT_S = 30.0


def install() -> None:
    """Hook the load test into Locust. Called by the locustfile."""
    events.init_command_line_parser.add_listener(options.add)
    events.init.add_listener(_on_init)


def _on_init(environment: Environment, **_kwargs: Any) -> None:
    runner = environment.runner
    opts = environment.parsed_options
    if runner is None or opts is None:
        return
    Publisher.fixed_count = opts.publishers
    if opts.publishers == 0 and Publisher in environment.user_classes:
        environment.user_classes.remove(Publisher)
    if isinstance(runner, MasterRunner):
        _hook_master(environment, runner)
    elif isinstance(runner, WorkerRunner):
        _hook_worker(environment, runner, runner.send_message)
    elif isinstance(runner, LocalRunner):
        _hook_worker(environment, runner, runner.send_message)
        _hook_master(environment, runner)


def _hook_worker(environment: Environment, runner: Any, send: Callable[..., None]) -> None:
    side = WorkerSide(environment, send)

    def listen(message: str, handler: Callable[[dict[str, Any]], None], *, concurrent: bool = False) -> None:
        def on_message(msg: Any, **_kwargs: Any) -> None:
            handler(msg.data)

        runner.register_message(message, on_message, concurrent=concurrent)

    listen(messages.PLAN, side.on_plan)
    listen(messages.TRIGGERS, side.on_triggers)
    # These two wait, and Locust's listener for messages must not: the triggers arrive there meanwhile.
    listen(messages.DRAIN, lambda data: _spawn(side.on_drain, data))
    listen(messages.SETTLE, lambda data: _spawn(side.on_settle, data))

    def on_spawning_complete(**_kwargs: Any) -> None:
        side.on_spawned()

    def on_quitting(**_kwargs: Any) -> None:
        """A worker that is interrupted together with its master stays until it has counted."""
        context = side.context
        if context is not None and isinstance(runner, WorkerRunner) and context.closing.wait(_DRAIN_WAIT_S):
            context.over.wait(_OVER_WAIT_S)

    environment.events.spawning_complete.add_listener(on_spawning_complete)
    environment.events.quitting.add_listener(on_quitting)


def _spawn(handler: Callable[[dict[str, Any]], None], data: dict[str, Any]) -> None:
    gevent.spawn(handler, data)


def _hook_master(environment: Environment, runner: Any) -> None:
    opts = environment.parsed_options
    assert opts is not None
    secret_options = {name: getattr(opts, name) for name in options.SECRETS}
    for name in options.SECRETS:
        setattr(opts, name, "")
    distributed = isinstance(runner, MasterRunner)

    def send(message: str, data: dict[str, Any], worker_id: str) -> None:
        runner.send_message(message, data, client_id=worker_id)

    def alive() -> list[str]:
        if not distributed:
            return [_LOCAL]
        return [client.id for client in runner.clients.all if client.state != "missing"]

    def user_counts() -> dict[str, int]:
        return dict(runner.target_user_classes_count or {})

    side = MasterSide(send, alive, user_counts, secret_options)

    def listen(message: str, handler: Callable[[str, dict[str, Any]], None]) -> None:
        def on_message(msg: Any, **_kwargs: Any) -> None:
            handler(msg.node_id, msg.data)

        runner.register_message(message, on_message)

    listen(messages.REPORT, side.on_report)
    listen(messages.DRAINED, side.on_drained)
    listen(messages.TOTALS, side.on_totals)

    def on_test_start(**_kwargs: Any) -> None:
        opts.host = environment.host or opts.host
        try:
            side.begin(opts)
        except Exception as error:
            if isinstance(error, Fault):
                logger.error("%s", error)  # noqa: TRY400 - a fault is one line, without a traceback
            else:
                logger.exception("the run could not be prepared (fault of %s)", Owner.OURS)
            environment.process_exit_code = ExitCode.SETUP_FAILED
            if opts.headless or opts.autostart:
                gevent.spawn(runner.quit)
            # Ends the greenlet that starts the run; Locust's own state is not changed yet.
            raise gevent.GreenletExit from error

    def on_test_stopping(**_kwargs: Any) -> None:
        cpu_warning = bool(runner.worker_cpu_warning_emitted)
        code = side.finish(interrupted=False, cpu_warning=cpu_warning)
        if code is not None:
            environment.process_exit_code = code

    def on_spawning_complete(**_kwargs: Any) -> None:
        side.spawned()

    def on_worker_connect(client_id: str, **_kwargs: Any) -> None:
        side.welcome(client_id)

    environment.events.test_start.add_listener(on_test_start)
    environment.events.test_stopping.add_listener(on_test_stopping)
    environment.events.spawning_complete.add_listener(on_spawning_complete)
    environment.events.worker_connect.add_listener(on_worker_connect)
    atexit.register(side.abandon)
    if opts.headless:
        gevent.spawn(side.watch)
