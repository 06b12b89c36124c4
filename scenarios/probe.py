"""Asks a backend what it can do, before a run: each question once, those that wait for silence side by side."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

import gevent

from backend import contract
from backend.factory import DataFactory
from backend.rest import RestClient, UnreachableError
from clients.errors import FAILURES, ConnectFailedError, EventTimeoutError, JoinRefusedError
from clients.helper import Helper

from . import capabilities as can
from .capabilities import Answer, Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from backend.endpoint import Endpoint
    from backend.plan import Cast, Room
    from clients.client import Client

_SILENCE_S: Final = 1.0
_CONNECT_S: Final = 5.0
_SILENCE_IN_ROUND_TRIPS: Final = 10
_THROTTLE_ASKED: Final = 6
"""Requests, one more than the build's own limit."""
_BURST_S: Final = 3.0
_AFTERMATH_S: Final = 0.1
"""After the last update there is still a log."""
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
            asking = (self._connecting, self._rooms, self._talking, self._tasks, self._protocol, self._http)
            running = [gevent.spawn(_collect, ask) for ask in asking]
            gevent.joinall(running, raise_error=True)
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

    def _connecting(self) -> Iterator[tuple[str, Answer]]:
        bad = self._cast.bad_tokens
        taken = [what for what, token in bad.items() if not self._refuses(token)]
        said = f"connects with a token that is: {', '.join(taken)}" if taken else f"refused: {', '.join(bad)}"
        yield can.TOKEN_CHECK, Answer(not taken, said) if bad else Answer(None, "there is no token to be made bad")
        guest = self._refuses(None)
        yield can.GUESTS, Answer(not guest, guest or "a client without a token is let in")

    def _refuses(self, token: str | None) -> str:
        """Why a client is not let in; empty if it is."""
        client = self._helper.client(token)
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
            what, refusal = "a room of another user", self._keeps_out(own, self._cast.foreign.project_id)
        else:
            what, refusal = "a user's room", self._keeps_out_guests(self._room.project_id)
        yield can.OWN_ROOMS, Answer(bool(refusal), refusal or f"{what} was joined by somebody else")
        joined = [room for room in UNKNOWN_ROOMS if not self._keeps_out(own, room)]
        said = f"joined: {', '.join(joined)}" if joined else "refused"
        yield can.ROOM_IDS, Answer(not joined, said)

    def _keeps_out(self, client: Client, project_id: str) -> str:
        """What a client hears that asks for a room; empty if it is let in."""
        try:
            client.join(project_id, self._silence_s)
        except (JoinRefusedError, EventTimeoutError) as error:
            return str(error)
        return ""

    def _keeps_out_guests(self, project_id: str) -> str:
        guest = self._helper.client(None)
        try:
            guest.connect()
        except ConnectFailedError as error:
            return str(error)
        return self._keeps_out(guest, project_id)

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
        for question, one in running.items():
            yield question, one.get()

    def _tasks(self) -> Iterator[tuple[str, Answer]]:
        if self._throttled:
            unknown = Answer(None, "not asked, since HTTP is throttled, and tasks are what the run needs it for")
            yield from ((question, unknown) for question in (can.PATCH, can.RUN))
            return
        room = self._room
        client = self._member()
        client.listen(contract.TASK_STATUS_UPDATE)
        path = contract.tasks_path(room.project_id)
        made = self._rest.send("POST", path, room.token, DataFactory("probe").task(room.agent_id))
        task_id = made.value("id")
        if made.status != 201 or not task_id:
            unknown = Answer(None, f"no task could be made: {made.status} {made.message}")
            yield from ((question, unknown) for question in (can.PATCH, can.RUN))
            return
        _burst_is_over(client, task_id)
        update = client.expect(contract.TASK_STATUS_UPDATE, _completed(task_id))
        patched = self._rest.send("PATCH", f"{path}/{task_id}", room.token, {"status": contract.COMPLETED})
        if patched.status != 200:
            yield can.PATCH, Answer(None, f"PATCH was answered with {patched.status} {patched.message}")
        else:
            yield can.PATCH, _came(lambda: update.wait(self._silence_s))
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
            yield can.RECOVERY, Answer(None, "asked by long-polling, which is not offered")
            return
        packet = json.loads(opened.body[1:])
        yield can.UPGRADE, Answer("websocket" in packet["upgrades"], f"upgrades: {packet['upgrades']}")
        session = f"{query}{contract.ENGINEIO_VERSION}&sid={packet['sid']}"
        auth = self._endpoint.auth(self._room.token)
        self._rest.send("POST", session, body=b"40" + json.dumps(auth).encode())
        answer = str(self._rest.send("GET", session).body)
        yield can.RECOVERY, Answer('"pid":' in answer, "a private session id" if '"pid":' in answer else "none")
        self._rest.send("POST", session, body=b"1")

    def _http(self) -> Iterator[tuple[str, Answer]]:
        yield (
            can.WEBSOCKET,
            Answer("websocket" in self._endpoint.transports or None, "this run's own connection"),
        )
        info = self._rest.send("GET", contract.HEALTH_INFO)
        memory = isinstance(info.body, dict) and "memory" in info.body
        yield can.MEMORY, Answer(memory, f"{info.status}")
        yield can.REST_TOKENS, self._refuses_all(contract.PROJECTS, self._cast.bad_tokens)
        if self._cast.without_id:
            one = contract.PROJECT.format(project_id=self._room.project_id)
            yield can.TOKEN_ID, self._refuses_all(one, {"without an id": self._cast.without_id})
        else:
            yield can.TOKEN_ID, Answer(None, "it takes the backend's own key to make one")

    def _throttle(self) -> Iterator[tuple[str, Answer]]:
        """Asked first: what is throttled shall be left to the run."""
        asked = [self._rest.send("GET", contract.AGENTS, self._room.token) for _ in range(_THROTTLE_ASKED)]
        refused = [answer for answer in asked if answer.status == 429]
        self._throttled = bool(refused)
        yield can.THROTTLE, Answer(self._throttled, f"{len(refused)} of {len(asked)} requests got 429")

    def _refuses_all(self, path: str, tokens: Mapping[str, str]) -> Answer:
        statuses = {what: self._rest.send("GET", path, token).status for what, token in tokens.items()}
        if 429 in statuses.values():
            return Answer(None, "429: HTTP is throttled")
        taken = [what for what, status in statuses.items() if status < 400 or status == 404]
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


def _came(wait: Callable[[], Any]) -> Answer:
    try:
        return Answer(True, f"{contract.TASK_STATUS_UPDATE} {wait()}")
    except EventTimeoutError as error:
        return Answer(False, str(error))


def _completed(task_id: str) -> Callable[..., bool]:
    return lambda data, *_: data.get("taskId") == task_id and data.get("newStatus") == contract.COMPLETED


def _burst_is_over(client: Client, task_id: str) -> None:
    """Wait for the last update of a task, so that nothing of the probe is in flight when the load begins."""
    last = {"taskId": task_id, "newStatus": contract.FAILED}
    deadline_s = time.monotonic() + _BURST_S
    while time.monotonic() < deadline_s:
        if any(last.items() <= heard.data.items() for heard in client.heard):
            break
        gevent.sleep(0.01)
    gevent.sleep(_AFTERMATH_S)
    client.heard.clear()
