"""Connects the load test with Locust's events and messages; see also `preparation` and `tasks.missing_run`."""

from __future__ import annotations

import atexit
import inspect
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import gevent
import greenlet
from locust import events
from locust.runners import STATE_MISSING, WORKER_REPORT_INTERVAL, LocalRunner, MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC
from locust.user.task import DefaultTaskSet, TaskSet

from loadtest.backends import base
from loadtest.clients.reporting import OURS
from loadtest.errors import Fault, Owner
from loadtest.exit_codes import ExitCode
from loadtest.measurement.names import visible
from loadtest.run import greenlet_errors, messages, process_title, termination
from loadtest.run.fleet_identity import FleetIdentity, when_orphaned
from loadtest.run.master import console, master_port, metrics_server, otel, web_page
from loadtest.run.master.admission import Admission
from loadtest.run.master.live_view import LiveView
from loadtest.run.master.master_side import MasterSide
from loadtest.run.master.preparation import Preparation
from loadtest.run.options import option_checks, options, start
from loadtest.run.uninterrupted import wait_uninterrupted
from loadtest.run.worker.limits import raise_file_limit
from loadtest.run.worker.worker_side import WorkerSide

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from locust import User
    from locust.env import Environment

logger = logging.getLogger("loadtest")

_LOCAL = "local"
_OURS = ("loadtest.users.", "loadtest.tasks.")
"""Packages whose classes are ours: an error in one of them is the load test's own."""
_CSV_MARGIN_S = 0.5
_DRAIN_WAIT_S = 3.0
_OVER_WAIT_S = 30.0
_FINISHING_S = 300.0
"""How long the process waits for the end of a run, beside --drain-timeout: workers drain and count, then the
report is made.
"""


def install() -> None:
    """Hook the load test into Locust. Called by the locustfile; another call changes nothing."""
    if _on_init in events.init._handlers:
        return
    process_title.hide(sys.argv, options.SECRETS_AS_GIVEN)
    sys.excepthook = master_port.one_line_if_busy
    events.init_command_line_parser.add_listener(options.add)
    events.init.add_listener(_on_init)


def _on_init(environment: Environment, **_kwargs: Any) -> None:
    runner = environment.runner
    opts = environment.parsed_options
    if runner is None or opts is None:
        return
    _interrupt_main_only()
    if isinstance(runner, MasterRunner):
        Admission(runner, FleetIdentity.of(opts))
    if isinstance(runner, MasterRunner | LocalRunner):
        try:
            base.load(opts.backend)
            start.settle(environment, opts)
        except Fault as fault:
            option_checks.refuse(fault)
    if isinstance(runner, WorkerRunner | LocalRunner):
        raise_file_limit()
        WorkerHooks(environment, runner, FleetIdentity.of(opts))
    if isinstance(runner, MasterRunner | LocalRunner):
        hooks = MasterHooks(environment, runner, opts)
        start.refuse_senseless(environment, opts)
        hooks.take_over_run_time()
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


class WorkerHooks:
    """Connects a worker's half with Locust."""

    def __init__(self, environment: Environment, runner: WorkerRunner | LocalRunner, fleet: FleetIdentity) -> None:
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
        self._listen(messages.AWAIT, lambda data: _spawn(self._side.on_await, data))
        self._listen(messages.SETTLE, lambda data: _spawn(self._side.on_settle, data))
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        environment.events.reset_stats.add_listener(self._on_reset_stats)
        environment.events.quitting.add_listener(self._on_quitting)
        environment.events.user_error.add_listener(self._on_user_error)
        environment.events.request.add_listener(self._on_request)
        greenlet_errors.watch(self._on_greenlet_error)
        if isinstance(runner, WorkerRunner):
            # From here on the master's messages are heard.
            self._listen(messages.REFUSED, lambda data: self._leave(data["reason"]))
            runner.send_message(messages.JOIN, fleet.to_message())
            when_orphaned(fleet, lambda: self._leave(f"its master, process {fleet.forked_by}, is gone."))

    def _leave(self, why: str) -> None:
        logger.error("This worker takes no part: %s", visible(why))
        self._runner.environment.process_exit_code = ExitCode.SETUP_FAILED
        gevent.spawn(self._runner.quit)

    def _listen(self, message: str, handler: Callable[[dict[str, Any]], None]) -> None:
        def on_message(msg: Any, **_kwargs: Any) -> None:
            handler(msg.data)

        self._runner.register_message(message, on_message)

    def _on_spawning_complete(self, **_kwargs: Any) -> None:
        self._side.on_spawned()

    def _on_reset_stats(self, **_kwargs: Any) -> None:
        # By the button of the web page; fired before Locust does so, and only where the page is served.
        self._side.on_reset(done=False)

    def _on_user_error(self, user_instance: User | TaskSet, exception: Exception, **_kwargs: Any) -> None:
        if (context := self._side.context) is not None:
            # Locust hands over whatever had the task: a set of tasks, or the user.
            user = user_instance.user if isinstance(user_instance, TaskSet) else user_instance
            holder = user if isinstance(user_instance, DefaultTaskSet) else user_instance
            ours = type(holder).__module__.startswith(_OURS)
            context.meter.user_failed(type(user).__name__, f"{type(exception).__name__}: {exception}", ours=ours)

    def _on_greenlet_error(self, reason: str, ours: bool) -> None:
        if (context := self._side.context) is not None and not context.over.is_set():
            context.meter.greenlet_failed(reason, ours=ours)

    def _on_request(
        self, request_type: str, name: str, context: Any = None, exception: Exception | None = None, **_kwargs: Any
    ) -> None:
        run = self._side.context
        if context is not OURS and run is not None and not run.over.is_set():
            failure = "" if exception is None else f"{type(exception).__name__}: {exception}"
            run.meter.requested(str(request_type), str(name), failure)

    def _on_quitting(self, **_kwargs: Any) -> None:
        """A worker that is interrupted together with its master stays until it has counted."""
        context = self._side.context
        if context is None or isinstance(self._runner, LocalRunner):
            return
        if context.closing.wait(_DRAIN_WAIT_S):
            # Another Ctrl-C ends the master's wait for the last deliveries, and then it wants them counted.
            wait_uninterrupted(context.over, _OVER_WAIT_S + context.plan.drain_timeout_s)


class MasterHooks:
    """Connects the master's half with Locust."""

    def __init__(
        self, environment: Environment, runner: MasterRunner | LocalRunner, opts: argparse.Namespace
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._opts = opts
        if opts.json:
            console.leave_stdout()
        secret_options = {name: getattr(opts, name) for name in options.SECRETS}
        for name in options.SECRETS:
            setattr(opts, name, "")
        view = LiveView(opts, self._alive)
        self._view = view
        self._side = MasterSide(self._send, self._alive, self._user_counts, secret_options, view, self._end_run)
        self._listen(messages.INTERIM, self._side.on_interim)
        self._listen(messages.HERE, self._side.roll.on_here)
        self._listen(messages.CLOCK, self._side.on_clock)
        self._listen(messages.REPORT, self._side.on_report)
        self._listen(messages.WANT, self._side.on_want)
        self._listen(messages.DRAINED, self._side.on_drained)
        self._listen(messages.WAITING, self._side.on_waiting)
        self._listen(messages.TOTALS, self._side.on_totals)
        environment.events.test_start.add_listener(self._on_test_start)
        environment.events.test_stopping.add_listener(self._on_test_stopping)
        environment.events.spawning_complete.add_listener(self._on_spawning_complete)
        environment.events.worker_connect.add_listener(self._on_worker_connect)
        environment.events.quitting.add_listener(self._on_quitting)
        # Locust asks its listeners from the last to the first: a locustfile's own may set a code of theirs before.
        environment.events.quitting._handlers.insert(0, self._keep_code)
        environment.events.quit.add_listener(self._on_quit)
        self._code: int | None = None
        """The exit code that the last run has; None as long as there was none."""
        self._why_not_run = ""
        self._finishing: gevent.Greenlet | None = None
        self._preparation = Preparation(runner)
        if isinstance(runner, MasterRunner):
            greenlet_errors.watch(self._side.on_greenlet_error)
        self._shape = self._side.shape(opts) if opts.shape else None
        if self._shape is not None:
            environment.shape_class = self._shape
            environment.shape_class.runner = runner
        self._run_time_s: float | None = None
        atexit.register(self._side.abandon)
        if environment.web_ui is not None:
            web_page.extend(environment, view, opts, secret_options, self._preparation)
        if opts.otel and "opentelemetry.sdk.metrics" in sys.modules:
            otel.observe(view.fresh)
        if opts.metrics_port:
            metrics_server.serve(opts.metrics_port, view.metrics)
        if opts.headless:
            gevent.spawn(self._side.watch)

    def take_over_run_time(self) -> None:
        """Count --run-time from when the load begins: Locust would count it from before the run is prepared, which
        may take as long on a busy machine.
        """
        opts = self._opts
        if opts.headless and opts.run_time and self._environment.shape_class is None:
            self._run_time_s, opts.run_time = float(opts.run_time), None

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
        opts.run_time = opts.run_time or self._run_time_s
        self._preparation.begin()
        try:
            self._side.begin(opts, start.size_now(self._environment, opts))
        except Exception as error:
            if isinstance(error, Fault):
                self._view.failed(str(error))
                logger.error("%s", visible(str(error)))  # noqa: TRY400 - a fault is one line, without a traceback
            else:
                self._view.failed(f"the run could not be prepared: {error!r}")
                logger.exception("the run could not be prepared (fault of %s)", Owner.OURS)
            self._end_with(ExitCode.SETUP_FAILED)
            self._why_not_run = str(error) if isinstance(error, Fault) else f"it could not be prepared: {error!r}"
            if opts.headless or opts.autostart:
                gevent.spawn(self._runner.quit)
            # Ends the greenlet that starts the run; Locust's own state is not changed yet.
            raise gevent.GreenletExit from error
        except gevent.GreenletExit:
            self._given_up()
            raise
        finally:
            self._preparation.end()
        # Whatever ends the process from here on: without a record the run has not passed.
        self._end_with(ExitCode.RUN_INVALID)
        self._why_not_run = "its record was not written"
        if self._run_time_s is not None:
            logger.info("The run is prepared, and ends in %g s", self._run_time_s)
            gevent.spawn_later(self._run_time_s, self._runner.quit)
        if isinstance(self._runner, LocalRunner):
            # Locust looks at its stack when it stops a run: the first time that takes 60 ms, while the last
            # broadcasts arrive in this very process.
            inspect.stack()

    def _on_test_stopping(self, **_kwargs: Any) -> None:
        if self._preparation.give_up():
            return
        if self._side.is_running and (self._finishing is None or self._finishing.ready()):
            # In a greenlet of its own: Locust may kill the one that it stops the run in, e.g. that of the
            # heartbeats where the last worker went missing as the run's time was over.
            self._finishing = gevent.spawn(self._finish)
        if self._finishing is not None:
            self._finishing.join(_FINISHING_S + self._opts.drain_timeout)

    def _finish(self) -> None:
        """Bring the run to its end: the process ends with the code of its record, or with one that is not 0."""
        try:
            code = self._side.finish(cpu_warning=bool(self._runner.worker_cpu_warning_emitted))
        except Exception:
            logger.exception("the run could not be brought to its end (fault of %s)", Owner.OURS)
            return
        if code is not None:
            self._end_with(self._locust_exit_code_or(code))
            self._let_locust_write()

    def _end_with(self, code: int) -> None:
        self._code = self._environment.process_exit_code = code

    def _keep_code(self, **_kwargs: Any) -> None:
        """Keep a listener of the locustfile from ending a run that did not pass with 0; another code stays."""
        if self._code and not self._environment.process_exit_code:
            self._environment.process_exit_code = self._code

    def _end_run(self) -> None:
        """End the run before its time, as an objective wants it."""
        gevent.spawn(self._runner.quit if self._opts.headless else self._runner.stop)

    def _given_up(self) -> None:
        """Locust ended the run before it had begun."""
        fault = Fault(
            Owner.USER,
            "the run's end came while it was still being prepared: nothing was measured",
            "If nobody stopped it, raise the run time in the form: it includes the preparation.",
        )
        self._view.failed(str(fault))
        logger.error("%s", fault)
        self._preparation.given_up()
        self._why_not_run = str(fault)
        if self._environment.process_exit_code != termination.TERMINATED:
            self._end_with(ExitCode.SETUP_FAILED)

    def _on_quitting(self, **_kwargs: Any) -> None:
        """Bring a run that is under way to its end: Locust asks for the exit code next.

        A SIGTERM while the record and the report are being written waits for them. Like Ctrl-C, it ends the wait
        for deliveries that are still expected.
        """
        if self._finishing is not None and not self._finishing.ready():
            self._side.stop_waiting()
        self._on_test_stopping()

    def _on_quit(self, **_kwargs: Any) -> None:
        """Print the data left and the outcome of the last run, after everything that Locust prints."""
        self._side.tell_data_left()
        if self._side.outcome is not None:
            console.say(self._side.outcome.line)
        elif self._why_not_run:
            console.say(f"NOT RUN: {visible(self._why_not_run)}")

    def _let_locust_write(self) -> None:
        """Wait until Locust's CSV files have the last second, too: it writes them by the clock, not at the end."""
        if self._opts.csv_prefix:
            from_workers_s = 0.0 if isinstance(self._runner, LocalRunner) else WORKER_REPORT_INTERVAL
            gevent.sleep(from_workers_s + CSV_STATS_INTERVAL_SEC + _CSV_MARGIN_S)

    def _locust_exit_code_or(self, code: ExitCode) -> int:
        """Return the run's code; of a run that passed, that of --exit-code-on-error if it was given and Locust saw
        failures.
        """
        wanted: int = self._opts.exit_code_on_error
        given = not isinstance(wanted, options.DefaultExitCode)
        saw_failures = bool(self._runner.errors or self._runner.exceptions)
        return wanted if code is ExitCode.PASSED and given and saw_failures else code

    def _on_spawning_complete(self, **_kwargs: Any) -> None:
        self._preparation.started()
        self._side.spawned()

    def _on_worker_connect(self, client_id: str, **_kwargs: Any) -> None:
        self._side.welcome(client_id)


def _spawn(handler: Callable[[dict[str, Any]], None], data: dict[str, Any]) -> None:
    gevent.spawn(handler, data)
