"""Asks a backend what it can do, before a run: each question once, those that wait for silence side by side."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import gevent

from loadtest.backends import metrics, tokens
from loadtest.backends.endpoint import IN_COOKIE
from loadtest.backends.prometheus import contract
from loadtest.backends.prometheus.factory import DataFactory
from loadtest.backends.rest import RestClient, UnreachableError
from loadtest.clients.errors import FAILURES, ConnectFailedError, EventTimeoutError, JoinRefusedError
from loadtest.clients.helper import Helper
from loadtest.clients.upgrading import UpgradingClient
from loadtest.scenarios import capabilities as can
from loadtest.scenarios import patch_probe
from loadtest.scenarios.capabilities import Answer, Capabilities
from loadtest.scenarios.hearing import ended_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from loadtest.backends.endpoint import Endpoint
    from loadtest.backends.plan import Cast, Room
    from loadtest.backends.rest import Answer as RestAnswer
    from loadtest.clients.client import Client

_SILENCE_S: Final = 1.0
_CONNECT_S: Final = 5.0
_SILENCE_IN_ROUND_TRIPS: Final = 10
_THROTTLE_ASKED: Final = 6
"""Requests, one more than the build's own limit."""
_BURST_S: Final = 3.0
_AFTERMATH_S: Final = 0.1
"""After the last update there is still a log."""
_KEY: Final = "Give the backend's key: --jwt-secret or --jwt-key-file."
_JWT: Final = "Give a token that is a JWT."
_SECOND_USER: Final = "Give a second user: --database-url, or --accounts-file with one account more."
_THROTTLED: Final = "Raise the backend's HTTP limit for the load test."
UNKNOWN_ROOMS: Final = (str(uuid.UUID(int=4 << 76 | 8 << 60)), "no-such-room")


class Probe:
    """One asking. Call `ask` once.

    :param room: one of the run's, where nobody is yet.
    :param cast: whom and what else there is to ask with; its capabilities are what is asked for.
    """

    def __init__(self, endpoint: Endpoint, room: Room, cast: Cast) -> None:
        self._endpoint = endpoint
        self._room = room
        self._cast = cast
        self._rest = RestClient(endpoint.host, ssl_context=endpoint.ssl_context())
        self._helper = Helper(endpoint)
        self._silence_s = _SILENCE_S
        self._throttled = False

    def ask(self) -> Capabilities:
        """The backend's answers; what could not be found out has the reason as its evidence."""
        with self._helper:
            # How long silence has to last depends on how far away the backend is.
            member = self._member()
            trip_ms = member.rejoin()
            self._silence_s = _SILENCE_S + _SILENCE_IN_ROUND_TRIPS * trip_ms / 1000
            found = [_collect(self._throttle)]
            asking = (
                *(self._connecting, self._rooms, self._strangers, self._talking),
                *(self._tasks, self._protocol, self._http),
            )
            running = [gevent.spawn(_collect, ask) for ask in asking]
            try:
                gevent.joinall(running, raise_error=True)
            finally:
                # Whoever stops the run while it is prepared stops its questions.
                gevent.killall(running, block=False)
            found += [one.value for one in running]
        self._rest.close()
        answers: dict[str, Answer] = {}
        for answered, _ in found:
            answers |= answered
        unknown = Answer(None, "; ".join(reason for _, reason in found if reason) or "not asked")
        return Capabilities({question: answers.get(question, unknown) for question in can.QUESTIONS})

    def _member(self) -> Client:
        client = self._helper.client(self._room.token)
        client.connect()
        client.join(self._room.project_id)
        return client

    @property
    def _forged(self) -> dict[str, str]:
        """What is wrong -> a token that is not signed with the backend's key."""
        return {what: token for what, token in self._cast.bad_tokens.items() if what != tokens.EXPIRED}

    @property
    def _expired(self) -> dict[str, str]:
        return {what: token for what, token in self._cast.bad_tokens.items() if what == tokens.EXPIRED}

    def _connecting(self) -> Iterator[tuple[str, Answer]]:
        for question, bad in ((can.TOKEN_CHECK, self._forged), (can.TOKEN_EXPIRY, self._expired)):
            taken = [what for what, token in bad.items() if not self._refuses(token)]
            said = f"connects with a token that is: {', '.join(taken)}" if taken else f"refused: {', '.join(bad)}"
            yield question, Answer(not taken, said) if bad else self._no_token(question)
        guest = self._refuses(None)
        yield can.GUESTS, Answer(not guest, guest or "a client without a token is let in")

    def _no_token(self, question: str) -> Answer:
        """Why there are no tokens to ask a question with."""
        if question in (can.TOKEN_CHECK, can.REST_TOKENS) or not self._forged:
            return Answer(None, "there is no token to be made bad", _JWT)
        return Answer(None, "it takes the backend's own key to make such a token", _KEY)

    def _refuses(self, token: str | None, endpoint: Endpoint | None = None) -> str:
        """Why a client is not let in; empty if it is."""
        client = self._helper.client(token, endpoint=endpoint)
        try:
            client.connect(_CONNECT_S)
        except ConnectFailedError as error:
            return str(error)
        client.disconnect()
        return ""

    def _rooms(self) -> Iterator[tuple[str, Answer]]:
        own = self._helper.client(self._room.token)
        own.connect()
        if self._cast.foreign is not None:
            refusal = self._keeps_out(own, self._cast.foreign.project_id)
            yield can.OWN_ROOMS, Answer(bool(refusal), refusal or "a room of another user was joined")
        else:
            # A guest who is let in shows that rooms are open; one who is refused shows nothing about other users.
            refusal = self._keeps_out_token(None)
            said = f"there is no second user to ask with; a guest got: {refusal}"
            yield (
                can.OWN_ROOMS,
                Answer(True, said, _SECOND_USER)
                if refusal
                else Answer(False, "a user's room was joined by a guest"),
            )
        joined = [room for room in UNKNOWN_ROOMS if not self._keeps_out(own, room)]
        said = f"joined: {', '.join(joined)}" if joined else "refused"
        yield can.ROOM_IDS, Answer(not joined, said)

    def _strangers(self) -> Iterator[tuple[str, Answer]]:
        refusal = self._keeps_out_token(None)
        yield can.GUEST_ROOMS, Answer(bool(refusal), refusal or "a user's room was joined without a token")
        if not self._cast.without_id:
            yield can.NAMELESS, self._no_token(can.NAMELESS)
            return
        refusal = self._keeps_out_token(self._cast.without_id)
        yield can.NAMELESS, Answer(bool(refusal), refusal or "a user's room was joined with a token without an id")

    def _keeps_out(self, client: Client, project_id: str) -> str:
        """What a client hears that asks for a room; empty if it is let in."""
        try:
            client.join(project_id, self._silence_s)
        except (JoinRefusedError, EventTimeoutError) as error:
            return str(error)
        return ""

    def _keeps_out_token(self, token: str | None) -> str:
        """Why a client with a token does not get into the run's room; empty if it does."""
        client = self._helper.client(token)
        try:
            client.connect()
        except ConnectFailedError as error:
            return str(error)
        return self._keeps_out(client, self._room.project_id)

    def _talking(self) -> Iterator[tuple[str, Answer]]:
        room = self._room.project_id

        def ask(act: Callable[[Client], Any]) -> Answer:
            client = self._member()
            try:
                return Answer(True, str(act(client)))
            except EventTimeoutError as error:
                return Answer(False, str(error))

        questions: dict[str, Callable[[Client], Any]] = {
            can.PING: lambda client: f"pong after {client.ping(self._silence_s):.1f} ms",
            can.ACKS: lambda client: f"join was acknowledged: {client.call(contract.JOIN, room, self._silence_s)}",
            can.LEAVE: lambda client: client.leave(room, self._silence_s),
        }
        running = {question: gevent.spawn(ask, act) for question, act in questions.items()}
        try:
            for question, one in running.items():
                yield question, one.get()
        finally:
            gevent.killall(list(running.values()), block=False)

    def _tasks(self) -> Iterator[tuple[str, Answer]]:
        if self._throttled:
            unknown = Answer(
                None, "not asked, since HTTP is throttled, and tasks are what the run needs it for", _THROTTLED
            )
            yield from ((question, unknown) for question in (can.PATCH, can.RUN))
            return
        room = self._room
        client = self._member()
        client.listen(contract.TASK_STATUS_UPDATE)
        path = contract.tasks_path(room.project_id)
        # Without an agent: on a backend with working agents, one takes minutes and calls a paid LLM.
        made = self._rest.send("POST", path, room.token, DataFactory("probe").task())
        task_id = made.value("id")
        if made.status != 201 or not task_id:
            said = f"no task could be made: {made.status} {made.message}"
            unknown = Answer(None, said, _THROTTLED if made.status == 429 else "")
            yield from ((question, unknown) for question in (can.PATCH, can.RUN))
            return

        def patch(status: str) -> RestAnswer:
            return self._rest.send("PATCH", f"{path}/{task_id}", room.token, {"status": status})

        yield can.PATCH, patch_probe.ask(client, task_id, patch, self._silence_s)
        client.heard.clear()
        ran = self._rest.send("POST", contract.ORCHESTRATOR_RUN.format(task_id=task_id), room.token)
        yield (
            can.RUN,
            Answer(ran.status == 201, f"{ran.status} {ran.message if ran.status != 201 else ''}".strip()),
        )
        if ran.status == 201:
            _burst_is_over(client, task_id)

    def _protocol(self) -> Iterator[tuple[str, Answer]]:
        query = f"{contract.SOCKETIO_PATH}?transport=polling&EIO="
        old = self._rest.send("GET", f"{query}3")
        yield can.EIO3, Answer(old.status == 200, f"{old.status} {old.message}")
        opened = self._rest.send("GET", f"{query}{contract.ENGINEIO_VERSION}")
        polls = opened.status == 200 and isinstance(opened.body, str) and opened.body.startswith("0")
        yield can.POLLING, Answer(polls, "a session was opened" if polls else f"{opened.status} {opened.message}")
        if not polls:
            yield can.UPGRADE, Answer(False, "long-polling is not offered")
            yield can.RECOVERY, Answer(None, "asked by long-polling, which is not offered", "Offer long-polling.")
            return
        packet = json.loads(opened.body[1:])
        offered = "websocket" in packet["upgrades"]
        tried = f"; {self._upgrade()}" if offered else ""
        yield can.UPGRADE, Answer(offered, f"upgrades: {packet['upgrades']}{tried}")
        session = f"{query}{contract.ENGINEIO_VERSION}&sid={packet['sid']}"
        auth = self._endpoint.auth(self._room.token)
        self._rest.send("POST", session, body=b"40" + json.dumps(auth).encode())
        answer = str(self._rest.send("GET", session).body)
        yield can.RECOVERY, Answer('"pid":' in answer, "a private session id" if '"pid":' in answer else "none")
        self._rest.send("POST", session, body=b"1")

    def _upgrade(self) -> str:
        """Make an upgrade; return what came of it. One that is offered and not made is a fault, not a lack."""
        if self._endpoint.parser != "default" or self._endpoint.token_in == IN_COOKIE:
            return "not tried with this parser, or a token in a cookie"
        with UpgradingClient(self._endpoint, self._room.token, self._silence_s) as client:
            try:
                client.open()
                client.probe()
                client.upgrade()
                client.emit(contract.JOIN, self._room.project_id)
            except FAILURES as error:
                return f"but not made: {error}"
            deadline_s = time.monotonic() + self._silence_s
            while not client.heard and time.monotonic() < deadline_s:
                gevent.sleep(0.01)
            return "made" if client.heard else "made, but nothing was answered over the WebSocket"

    def _http(self) -> Iterator[tuple[str, Answer]]:
        yield can.WEBSOCKET, self._websocket()
        info = self._rest.send("GET", contract.HEALTH_INFO)
        vitals = metrics.of_health(info.body if info.status == 200 else None)
        told = f"{vitals.rss_mb:.1f} MB resident" if vitals.rss_mb is not None else vitals.why_not("rss_mb")
        said = f"{info.status} {info.message}" if info.status != 200 else told
        yield can.MEMORY, Answer(vitals.rss_mb is not None, f"{contract.HEALTH_INFO}: {said}")
        one = contract.PROJECT.format(project_id=self._room.project_id)
        nameless = {"without an id": self._cast.without_id} if self._cast.without_id else {}
        # Another path for the last two: a throttle counts each by itself, and allows as few as five requests.
        yield can.REST_TOKENS, self._refuses_all(can.REST_TOKENS, contract.PROJECTS, self._forged)
        yield can.REST_EXPIRY, self._refuses_all(can.REST_EXPIRY, one, self._expired)
        yield can.TOKEN_ID, self._refuses_all(can.TOKEN_ID, one, nameless)

    def _websocket(self) -> Answer:
        if self._endpoint.transport == "websocket":
            return Answer(True, "this run's own connection")
        # A run that begins by polling stays with it where the upgrade fails.
        refusal = self._refuses(self._room.token, replace(self._endpoint, transport="websocket"))
        return Answer(not refusal, refusal or "a connection by WebSocket was made")

    def _throttle(self) -> Iterator[tuple[str, Answer]]:
        """Asked first: what is throttled shall be left to the run."""
        asked = [self._rest.send("GET", contract.AGENTS, self._room.token) for _ in range(_THROTTLE_ASKED)]
        refused = [answer for answer in asked if answer.status == 429]
        self._throttled = bool(refused)
        yield can.THROTTLE, Answer(self._throttled, f"{len(refused)} of {len(asked)} requests got 429")

    def _refuses_all(self, question: str, path: str, bad: Mapping[str, str]) -> Answer:
        if not bad:
            return self._no_token(question)
        statuses = {what: self._rest.send("GET", path, token).status for what, token in bad.items()}
        taken = [what for what, status in statuses.items() if status < 400 or status == 404]
        if 429 in statuses.values() and not taken:
            return Answer(None, "429: HTTP is throttled", _THROTTLED)
        said = ", ".join(f"{what}: {status}" for what, status in statuses.items())
        return Answer(not taken, f"GET {path} with a token that is {said}")


def _collect(ask: Callable[[], Iterator[tuple[str, Answer]]]) -> tuple[dict[str, Answer], str]:
    """The answers to some questions, and why there are no more of them."""
    answers: dict[str, Answer] = {}
    try:
        answers.update(ask())  # what was answered before a failure stays
    except (UnreachableError, *FAILURES) as error:
        return answers, str(error)
    return answers, ""


def _burst_is_over(client: Client, task_id: str) -> None:
    """Wait for the last update of a task, so that nothing of the probe is in flight when the load begins."""
    deadline_s = time.monotonic() + _BURST_S
    while task_id not in ended_of(client) and time.monotonic() < deadline_s:
        gevent.sleep(0.01)
    gevent.sleep(_AFTERMATH_S)
