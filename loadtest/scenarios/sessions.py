"""A dashboard that stays open: minutes by default, hours where `--session-length` says so."""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from loadtest.clients.errors import FAILURES
from loadtest.measurement.growth import sure_growth_percent
from loadtest.scenarios import capabilities as can
from loadtest.scenarios.benchmarks import memory_mb, round_trip
from loadtest.scenarios.company import SkipError
from loadtest.scenarios.scenario import PRODUCTION, scenario
from loadtest.scenarios.stage import outcome
from loadtest.scenarios.task_events import wrong_known_events

if TYPE_CHECKING:
    from loadtest.clients.client import Client
    from loadtest.scenarios.hearing import Task
    from loadtest.scenarios.stage import Stage

BREAKS: Final = (1 / 3, 2 / 3)
"""When its connection breaks, as shares of its length."""
_LOOKS: Final = 120
"""Round trips in one session, at most one a second."""
_LEAST_LOOK_S: Final = 0.1
_MOST_LOOK_S: Final = 1.0
_LOOKS_A_TASK: Final = 8
_LEAST_S: Final = 1.0
"""A token that is good for less is not begun with."""
_AFTER_S: Final = 1.2
"""Times in tokens are whole seconds."""
_WINDOWS: Final = 6
_SLOWER_MS: Final = 10.0
_SLOWER_SHARE: Final = 0.5

HEARS: Final = "it hears of every task, each event once"
COMES_BACK: Final = "it comes back after each break"
RENEWS: Final = "it comes back with a renewed token"
STAYS: Final = "nothing else ends its connection"
FAST: Final = "round trips are as short at its end"
MEMORY: Final = "the backend's memory does not grow"


@scenario(
    "a long session",
    PRODUCTION,
    checks={HEARS: (), COMES_BACK: (), RENEWS: (), STAYS: (), FAST: (), MEMORY: (can.MEMORY,)},
)
def session(stage: Stage) -> None:
    """Stay for `--session-length`: round trips all the time, a task now and then, and two broken connections.

    The first token is one that ends before the second break. The client comes back with a new one, as a dashboard
    does whose user stays.
    """
    played = Session(stage)
    played.play()
    stage.check(STAYS, played.cut_off, f"{len(BREAKS)} breaks in {played.lasted_s:.0f} s, all of them ours")
    stage.check(COMES_BACK, played.stayed_away, f"{played.returns} of {len(BREAKS)}")
    stage.check(HEARS, played.wrong_events, f"{len(played.tasks)} tasks")
    stage.check(FAST, *played.judge_round_trips())
    played.judge_memory()
    if played.renewed:
        stage.check(RENEWS, played.refused, "its first token was over by then")
    else:
        stage.skip(RENEWS, played.why_not_renewed())


class Session:
    """One session, and what was seen in it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._began_s = time.monotonic()
        self._token = stage.token_that_ends(_LEAST_S, BREAKS[-1] * stage.session_s - _AFTER_S)
        # Tokens that end are those of the first room's owner.
        self._room = stage.room if self._token is None else 0
        self._used_token = self._known_token = ""
        self._trips_ms: list[float] = []
        self._unanswered: list[str] = []
        self._memory_mb: list[tuple[float, float]] = []
        self._compared = 0
        """How many of its tasks were held against what it heard."""
        self.tasks: list[Task] = []
        self.cut_off: list[str] = []
        """Why its connection ended when it was not we who broke it."""
        self.stayed_away = ""
        self.refused = ""
        """Why it did not come back with its renewed token."""
        self.wrong_events: list[str] = []
        self.renewed = False
        """Whether it came back, or tried to, with another token than before."""
        self.returns = 0

    @property
    def lasted_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began_s

    def play(self) -> None:
        """Stay, break, come back, until its time is over or it cannot come back.

        :raises SkipError: if the run ends before.
        """
        stage, length_s = self._stage, self._stage.session_s
        client = stage.helper.client(self._token_now, reconnects=True)
        stage.enter(client, stage.project(self._room))
        self._known_token = self._used_token
        look_s = min(max(length_s / _LOOKS, _LEAST_LOOK_S), _MOST_LOOK_S)
        for until in (*BREAKS, 1.0):
            if not self._stay(client, until * length_s, look_s):
                return
            if until < 1 and not self._break(client):
                return

    def judge_round_trips(self) -> tuple[str, str]:
        """Return (what is wrong, what was seen): the last third against the first third, each in two halves."""
        if self._unanswered:
            return f"{len(self._unanswered)} were not answered: {self._unanswered[0]}", ""
        if len(self._trips_ms) < _WINDOWS:
            return f"expected {_WINDOWS} round trips or more, got {len(self._trips_ms)}", ""
        size = len(self._trips_ms) / _WINDOWS
        middles_ms = [
            statistics.median(self._trips_ms[round(number * size) : round((number + 1) * size)])
            for number in range(_WINDOWS)
        ]
        first_ms, last_ms = max(middles_ms[:2]), min(middles_ms[-2:])
        slower = last_ms - first_ms > max(_SLOWER_MS, _SLOWER_SHARE * first_ms)
        said = f"medians of {len(self._trips_ms)} in turn: {', '.join(f'{one:.1f}' for one in middles_ms)} ms"
        return said if slower else "", said

    def judge_memory(self) -> None:
        """Make the check of the backend's memory, or say why it cannot be made."""
        percent = sure_growth_percent(self._memory_mb, [(0.0, 1.0)]) if self._memory_mb else None
        if percent is None:
            self._stage.skip(MEMORY, f"the backend told its memory {len(self._memory_mb)} times")
            return
        first_mb, last_mb = self._memory_mb[0][1], self._memory_mb[-1][1]
        said = f"{first_mb:.0f} MB at its beginning, {last_mb:.0f} MB at its end"
        self._stage.check(MEMORY, f"{said}: by {percent:.0f}% beyond doubt" if percent else "", said)

    def why_not_renewed(self) -> str:
        """Return why its token was not renewed while it lasted."""
        if self._stage.cast.expiring:
            return "no token of the run ended at the right moment: a longer --session-length, or more plays"
        return "it takes the backend's own key to make a token that ends: --jwt-secret"

    def _stay(self, client: Client, until_s: float, look_s: float) -> bool:
        """Look again and again; return whether it is still there at the end."""
        stage = self._stage
        ended = client.expect_end()
        looks = 0
        while self.lasted_s < until_s:
            if stage.is_ending():
                raise SkipError(f"the run ended {self.lasted_s:.0f} s after it began: raise --run-time")
            if ended.is_set():
                if not self._returns_from_cut(client):
                    return False
                ended = client.expect_end()
            if looks % _LOOKS_A_TASK == 0:
                self.tasks.append(stage.create_task(self._room))
            looks += 1
            self._look(client)
            stage.wait_until(ended.is_set, look_s)
        wrong = self._wrong_events(client)
        if ended.is_set():
            return self._returns_from_cut(client)
        self.wrong_events += wrong
        client.heard.clear()
        return True

    def _returns_from_cut(self, client: Client) -> bool:
        """Note that its connection has ended; return whether it comes back."""
        self.cut_off.append(client.end_reason)
        back = self._waits_until_back(client)
        # What it did not hear meanwhile was not sent to it.
        self._compared = len(self.tasks)
        client.heard.clear()
        return back

    def _look(self, client: Client) -> None:
        """Make a round trip, and ask for the backend's memory."""
        stage = self._stage
        if failure := outcome(partial(self._trip, client)):
            # Of a connection that has ended, the end is what is wrong.
            self._unanswered += [failure] if client.connected else []
        if stage.holds(MEMORY):
            at_s = self.lasted_s
            with suppress(*FAILURES, SkipError):
                self._memory_mb.append((at_s, memory_mb(stage)))

    def _trip(self, client: Client) -> None:
        took_ms = round_trip(self._stage, client)
        self._trips_ms.append(took_ms)
        self._stage.answered("ping" if self._stage.can(can.PING) else "rejoin", took_ms)

    def _wrong_events(self, client: Client) -> list[str]:
        """Return what is wrong with what it heard of the tasks since the last time."""
        tasks, self._compared = self.tasks[self._compared :], len(self.tasks)
        if missing := self._stage.missing([client], tasks):
            return [missing]
        return [wrong for task in tasks if (wrong := wrong_known_events(client, task))]

    def _break(self, client: Client) -> bool:
        """Break its connection; return whether it comes back."""
        client.drop()
        back = self._waits_until_back(client)
        self.returns += back
        return back

    def _waits_until_back(self, client: Client) -> bool:
        """Return whether it is in its room again in time."""
        limit_s = 2 * self._stage.patience_s
        back = client.wait_until_back(limit_s)
        why = client.refusal or client.end_reason
        away = "" if back else f"it was not back in its room {limit_s:.0f} s after the break: {why}"
        if self._used_token == self._known_token:
            self.stayed_away = away
        else:
            self.renewed, self.refused = True, away
        self._known_token = self._used_token
        return back

    def _token_now(self) -> str:
        first_is_good = self._token is not None and time.time() < self._token[1]
        self._used_token = self._token[0] if self._token and first_is_good else self._stage.token(self._room)
        return self._used_token
