"""The one file that touches Locust's events and messages; everything behind it is ours."""

from __future__ import annotations

import atexit
import inspect
import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import gevent
import greenlet
from locust import events
from locust.exception import RPCError
from locust.runners import STATE_MISSING, WORKER_REPORT_INTERVAL, LocalRunner, MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

from backend import adapter
from exit_codes import ExitCode
from faults import Fault, Owner

from . import casting, messages, metrics_server, option_checks, options, otel, process_title, termination, web_page
from .limits import raise_file_limit
from .live_view import LiveView
from .master_side import MasterSide
from .worker_side import WorkerSide

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import TracebackType

    from locust.env import Environment

logger = logging.getLogger("loadtest")

_LOCAL = "local"
_LOCUST_S_CODE_ON_ERROR = 1
"""By default: then a run's failures are for its objectives to judge."""
_CSV_MARGIN_S = 0.5
_DRAIN_WAIT_S = 3.0
_OVER_WAIT_S = 30.0
_WRITING_S = 120.0


def install() -> None:
    """Hook the load test into Locust. Called by the locustfile."""
    process_title.hide(sys.argv, options.SECRETS_AS_GIVEN)
    sys.excepthook = _one_line_for_a_busy_port
    events.init_command_line_parser.add_listener(options.add)
    events.init.add_listener(_on_init)


def _on_init(environment: Environment, **_kwargs: Any) -> None:
    runner = environment.runner
    opts = environment.parsed_options
    if runner is None or opts is None:
        return
    _interrupt_main_only()
    if isinstance(runner, MasterRunner | LocalRunner):
        try:
            adapter.load(opts.backend)
            option_checks.check_times(opts)
            casting.choose(environment.user_classes, opts)
        except Fault as fault:
            option_checks.refuse(fault)
    if isinstance(runner, WorkerRunner | LocalRunner):
        raise_file_limit()
        WorkerHooks(environment, runner)
    if isinstance(runner, MasterRunner | LocalRunner):
        MasterHooks(environment, runner, opts)
    if opts.headless and not isinstance(runner, WorkerRunner):
        quits = termination.until_locust_listens(environment, runner)
        # Who is added last hears of it first: while others still bring the run to its end, that it quits is known.
        environment.events.quitting.add_listener(lambda **_: quits())
    # The run's time is counted from when the loop last looked at its clock, which was before all imports.
    gevent.get_hub().loop.update_now()


def _interrupt_main_only() -> None:
    """Let Ctrl-C reach Locust's main greenlet, where it is expected, and no other.

    Python raises KeyboardInterrupt in whatever runs: that may be the greenlet that hears the master.
    """
    main = greenlet.getcurrent()
    gevent.signal_handler(signal.SIGINT, lambda: gevent.get_hub().loop.run_callback(main.throw, KeyboardInterrupt))


def _one_line_for_a_busy_port(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Locust knows only one wording of this failure and shows a traceback for the others."""
    if isinstance(error, RPCError) and "Address already in use" in str(error):
        sys.stderr.write(
            f"locust: error: the master's port is busy: {error}. Another master may be running: end it, or choose "
            "another --master-bind-port.\n"
        )
    else:
        sys.__excepthook__(kind, error, trace)


class WorkerHooks:
    """Connects a worker's half with Locust."""

    def __init__(self, environment: Environment, runner: WorkerRunner | LocalRunner) -> None:
        self._runner = runner
        self._side = WorkerSide(environment, runner.send_message)
        self._listen(messages.ROLL, self._side.on_roll)
        self._listen(messages.PLAN, self._side.on_plan)
        self._listen(messages.TOKENS, self._side.on_tokens)
        self._listen(messages.STORM, self._side.on_storm)
        self._listen(messages.RATE, self._side.on_rate)
        self._listen(messages.TIME, self._side.on_time)
        self._listen(messages.TRIGGERS, self._side.on_triggers)
        # These two wait, and Locust's listener for messages must not: the triggers arrive there meanwhile.
        self._listen(messages.DRAIN, lambda data: _spawn(self._side.on_drain, data))
        self._listen(messages.SETTLE, lambda data: _spawn(self._side.on_settle, data))
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        environment.events.reset_stats.add_listener(self._on_reset_stats)
        environment.events.quitting.add_listener(self._on_quitting)
        environment.events.user_error.add_listener(self._on_user_error)

    def _listen(self, message: str, handler: Callable[[dict[str, Any]], None]) -> None:
        def on_message(msg: Any, **_kwargs: Any) -> None:
            handler(msg.data)

        self._runner.register_message(message, on_message)

    def _on_spawning_complete(self, **_kwargs: Any) -> None:
        self._side.on_spawned()

    def _on_reset_stats(self, **_kwargs: Any) -> None:
        # By the button of the web page; fired before Locust does so, and only where the page is served.
        self._side.on_reset(done=False)

    def _on_user_error(self, exception: Exception, **_kwargs: Any) -> None:
        if (context := self._side.context) is not None:
            context.meter.user_failed(f"{type(exception).__name__}: {exception}")

    def _on_quitting(self, **_kwargs: Any) -> None:
        """A worker that is interrupted together with its master stays until it has counted."""
        context = self._side.context
        if context is None or isinstance(self._runner, LocalRunner):
            return
        if context.closing.wait(_DRAIN_WAIT_S):
            context.over.wait(_OVER_WAIT_S)


class MasterHooks:
    """Connects the master's half with Locust."""

    def __init__(
        self, environment: Environment, runner: MasterRunner | LocalRunner, opts: argparse.Namespace
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._opts = opts
        secret_options = {name: getattr(opts, name) for name in options.SECRETS}
        for name in options.SECRETS:
            setattr(opts, name, "")
        view = LiveView(opts, self._alive)
        self._view = view
        self._side = MasterSide(self._send, self._alive, self._user_counts, secret_options, view)
        self._listen(messages.INTERIM, self._side.on_interim)
        self._listen(messages.HERE, self._side.roll.on_here)
        self._listen(messages.CLOCK, self._side.on_clock)
        self._listen(messages.REPORT, self._side.on_report)
        self._listen(messages.WANT, self._side.on_want)
        self._listen(messages.DRAINED, self._side.on_drained)
        self._listen(messages.TOTALS, self._side.on_totals)
        environment.events.test_start.add_listener(self._on_test_start)
        environment.events.test_stopping.add_listener(self._on_test_stopping)
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        environment.events.worker_connect.add_listener(self._on_worker_connect)
        environment.events.quitting.add_listener(self._on_quitting)
        self._preparing: gevent.Greenlet | None = None
        self._shape = self._side.shape(opts) if opts.shape else None
        if self._shape is not None:
            environment.shape_class = self._shape
            environment.shape_class.runner = runner
        atexit.register(self._side.abandon)
        if environment.web_ui is not None:
            web_page.extend(environment, view, opts, secret_options)
        if opts.otel and "opentelemetry.sdk.metrics" in sys.modules:
            otel.observe(view.fresh)
        if opts.metrics_port:
            metrics_server.serve(opts.metrics_port, view.metrics)
        if opts.headless:
            gevent.spawn(self._side.watch)

    def _send(self, message: str, data: dict[str, Any], worker_id: str) -> None:
        self._runner.send_message(message, data, client_id=worker_id)

    def _alive(self) -> list[str]:
        if isinstance(self._runner, LocalRunner):
            return [_LOCAL]
        return [client.id for client in self._runner.clients.all if client.state != STATE_MISSING]

    def _user_counts(self) -> dict[str, int]:
        return dict(self._runner.target_user_classes_count or {})

    def _listen(self, message: str, handler: Callable[[str, dict[str, Any]], None]) -> None:
        def on_message(msg: Any, **_kwargs: Any) -> None:
            handler(msg.node_id, msg.data)

        self._runner.register_message(message, on_message)

    def _on_test_start(self, **_kwargs: Any) -> None:
        opts = self._opts
        opts.host = self._environment.host or opts.host
        self._preparing = gevent.getcurrent()
        try:
            self._side.begin(opts, self._size())
        except Exception as error:
            if isinstance(error, Fault):
                self._view.failed(str(error))
                logger.error("%s", error)  # noqa: TRY400 - a fault is one line, without a traceback
            else:
                self._view.failed(f"the run could not be prepared: {error!r}")
                logger.exception("the run could not be prepared (fault of %s)", Owner.OURS)
            self._environment.process_exit_code = ExitCode.SETUP_FAILED
            if opts.headless or opts.autostart:
                gevent.spawn(self._runner.quit)
            # Ends the greenlet that starts the run; Locust's own state is not changed yet.
            raise gevent.GreenletExit from error
        except gevent.GreenletExit:
            self._given_up()
            raise
        finally:
            self._preparing = None
        if isinstance(self._runner, LocalRunner):
            # Locust looks at its stack when it stops a run: the first time that takes 60 ms, while the last
            # broadcasts arrive in this very process.
            inspect.stack()

    def _size(self) -> casting.Size:
        shape = self._shape
        users = self._runner.target_user_count if shape is None else self._opts.num_users or 1
        rate = self._opts.spawn_rate if shape is None else shape.spawn_rate
        return casting.size_of(self._environment.user_classes, self._opts, users, float(rate))

    def _on_test_stopping(self, **_kwargs: Any) -> None:
        if self._preparing is not None:
            # Whoever made something for the run removes it on the way out.
            self._preparing.kill()
            return
        code = self._side.finish(cpu_warning=bool(self._runner.worker_cpu_warning_emitted))
        if code is not None:
            self._environment.process_exit_code = self._or_locust_s(code)
            self._let_locust_write()

    def _given_up(self) -> None:
        """Locust ended the run before it had begun."""
        fault = Fault(
            Owner.USER,
            "the run's end came while it was still being prepared: nothing was measured",
            "If nobody ended it, raise --run-time, whose clock goes on meanwhile, or make fewer --rooms.",
        )
        self._view.failed(str(fault))
        logger.error("%s", fault)
        if self._environment.process_exit_code != termination.TERMINATED:
            self._environment.process_exit_code = ExitCode.SETUP_FAILED

    def _on_quitting(self, **_kwargs: Any) -> None:
        """Locust asks for the exit code next: a run that is under way is brought to its end before.

        A SIGTERM that comes while the record and the report are written waits for them.
        """
        self._on_test_stopping()
        deadline_s = time.monotonic() + _WRITING_S
        while self._side.finishing and time.monotonic() < deadline_s:
            gevent.sleep(0.1)

    def _let_locust_write(self) -> None:
        """Wait until Locust's CSV files have the last second, too: it writes them by the clock, not at the end."""
        if self._opts.csv_prefix:
            from_workers_s = 0.0 if isinstance(self._runner, LocalRunner) else WORKER_REPORT_INTERVAL
            gevent.sleep(from_workers_s + CSV_STATS_INTERVAL_SEC + _CSV_MARGIN_S)

    def _or_locust_s(self, code: ExitCode) -> int:
        """The run's code; of a run that passed, the one that --exit-code-on-error names if Locust saw failures."""
        wanted: int = self._opts.exit_code_on_error
        given = wanted != _LOCUST_S_CODE_ON_ERROR
        saw_failures = bool(self._runner.errors or self._runner.exceptions)
        return wanted if code is ExitCode.PASSED and given and saw_failures else code

    def _on_spawning_complete(self, **_kwargs: Any) -> None:
        self._side.spawned()

    def _on_worker_connect(self, client_id: str, **_kwargs: Any) -> None:
        self._side.welcome(client_id)


def _spawn(handler: Callable[[dict[str, Any]], None], data: dict[str, Any]) -> None:
    gevent.spawn(handler, data)
