"""Stands between the load test and an adapter: whatever goes wrong in the adapter becomes one line naming it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from loadtest.backends.calls import Call
from loadtest.backends.rest import UnreachableError
from loadtest.errors import Fault, Owner
from loadtest.measurement.one_line import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loadtest.backends.base import Adapter
    from loadtest.backends.calls import Wanted, Words
    from loadtest.backends.plan import Room
    from loadtest.backends.prometheus.provision import Provision
    from loadtest.backends.rest import RestClient
    from loadtest.measurement.sighting import FrameReader

logger = logging.getLogger("loadtest")

UNREAD: Final = (LookupError, TypeError, ValueError, AttributeError)
"""What reading an answer may raise that is not as expected: its trigger has failed."""


class AdapterError(Fault):
    """A method of an adapter failed.

    :param adapter: the name of its module.
    :param kind: the method, and how it failed; the same each time.
    :param what: what happened, in words that may differ each time.
    """

    def __init__(self, adapter: str, method: str, kind: str, what: str) -> None:
        super().__init__(
            Owner.ADAPTER,
            f"adapter {adapter}: `{method}` {what}",
            f"Fix `{method}` in {adapter}: docs/another-backend.md.",
        )
        self.kind = f"{method} {kind}"


def error_of(adapter: str, method: str, error: Exception, *arguments: object) -> AdapterError:
    """Return the error of a method that raised.

    :param arguments: those that show why.
    """
    given = "".join(f" for {shorten(one)}" for one in arguments)
    return AdapterError(adapter, method, type(error).__name__, f"raised {shorten(error)}{given}")


class _Guarded:
    def __init__(self, name: str) -> None:
        self.name = name

    def _call(self, holder: Any, method: str, *arguments: Any, shown: tuple[object, ...] = ()) -> Any:
        try:
            return getattr(holder, method)(*arguments)
        except Fault:
            raise
        except UnreachableError as error:
            raise Fault(
                Owner.NETWORK,
                f"the backend does not answer: {error}",
                "Check --host, and that the backend runs and can be reached from this machine.",
            ) from error
        except Exception as error:
            raise error_of(self.name, method, error, *shown) from error

    def _expect(self, right: bool, method: str, expected: str, got: object) -> None:
        if not right:
            raise AdapterError(self.name, method, "answer", f"returned {shorten(got)}, expected {expected}")


class Guard(_Guarded):
    """Implements `adapter.Adapter` by another one.

    :param name: of the module that the other one is in.
    """

    def __init__(self, name: str, adapter: Adapter) -> None:
        super().__init__(name)
        self._adapter = adapter
        self.reader: FrameReader = adapter.reader
        self.words: Words = adapter.words
        self.trigger_name = adapter.trigger_name
        self.plays_scenarios = adapter.plays_scenarios
        self.trigger_effect = str(getattr(adapter, "trigger_effect", ""))
        """Effect of one trigger on the backend, for the line before a run; optional in an adapter."""
        self._lines: dict[str, str] = {}
        self._errors: Counter[str] = Counter()

    def check(self, client: RestClient) -> str:
        """Make sure that the backend answers; what it calls its build.

        :raises Fault: if it does not.
        """
        profile = self._call(self._adapter, "check", client)
        self._expect(isinstance(profile, str), "check", "the name of the backend's build", profile)
        return str(profile)

    def provision(self, wanted: Wanted) -> GuardedProvision:
        """Return what makes rooms, guarded likewise.

        :raises Fault: if there is none.
        """
        made = self._call(self._adapter, "provision", wanted)
        for method in ("create", "foreign", "refresh", "remove"):
            right = callable(getattr(made, method, None))
            self._expect(right, "provision", f"an object with a method `{method}`", made)
        return GuardedProvision(self.name, made)

    def check_rooms(self, client: RestClient, rooms: tuple[Room, ...]) -> None:
        """Make sure that the backend takes the tokens and knows the rooms.

        :raises Fault: if it does not.
        """
        self._call(self._adapter, "check_rooms", client, rooms)

    def is_about(self, room_id: str, answer: Any) -> bool:
        """Return whether an answer speaks of a room; one that the adapter fails on does not.

        It is called where nobody could catch an error: see `take_errors`.
        """
        try:
            return bool(self._call(self._adapter, "is_about", room_id, answer, shown=(answer,)))
        except Fault as fault:
            error = fault if isinstance(fault, AdapterError) else error_of(self.name, "is_about", fault, answer)
            if error.kind not in self._lines:
                logger.error("%s", error)  # noqa: TRY400 - one line is enough
            self._errors[error.kind] += 1
            self._lines.setdefault(error.kind, error.what)
            return False

    def take_errors(self) -> list[tuple[str, str, int]]:
        """Return what nobody was told yet: (kind of error, the first one in one line, how many)."""
        taken, self._errors = self._errors, Counter()
        return [(kind, self._lines[kind], count) for kind, count in taken.items()]

    def trigger(self, room: Room, title: str) -> Call:
        """Return the REST call that makes the backend broadcast.

        :raises AdapterError: if the adapter does not give one that can be sent.
        """
        call = self._call(self._adapter, "trigger", room, title, shown=(title,))
        right = isinstance(call, Call) and isinstance(call.method, str) and isinstance(call.path, str)
        right = right and bool(call.method) and call.path.startswith("/") and call.path.isprintable()
        self._expect(right, "trigger", "Call(method, path that begins with /, body)", call)
        if not isinstance(call.body, bytes):
            try:
                json.dumps(call.body)
            except (TypeError, ValueError, RecursionError) as error:
                what = f"returned the body {shorten(call.body)}, which is not JSON: {error}"
                raise AdapterError(self.name, "trigger", "body", what) from error
        assert isinstance(call, Call)
        return call

    def key_of(self, answer: Any) -> str:
        """Return the id in an answer to a trigger; empty if it has none.

        :raises AdapterError: if the adapter fails otherwise than on an answer that is not as expected.
        :raises UNREAD: what it may raise where an answer is not as expected.
        """
        try:
            key = self._adapter.key_of(answer)
        except UNREAD:
            raise
        except Exception as error:
            raise error_of(self.name, "key_of", error, answer) from error
        if not isinstance(key, str):
            what = f"returned {shorten(key)} for {shorten(answer)}, expected the id as a text"
            raise AdapterError(self.name, "key_of", "answer", what)
        return key


class GuardedProvision(_Guarded):
    """Implements `provision.Provision` by an adapter's own, and tells which users are left."""

    def __init__(self, name: str, provision: Provision) -> None:
        super().__init__(name)
        self._provision = provision
        self._created = 0

    def create(self, count: int) -> tuple[Room, ...]:
        """Make rooms; all of them, or a fault and none."""
        rooms = self._call(self._provision, "create", count)
        # Rooms have tokens, which are secrets: what came is not shown.
        if not isinstance(rooms, tuple | list) or not all(map(_is_room, rooms)):
            self._fail("create", f"returned something else than {count} rooms: Room(project_id, agent_id, token)")
        if len(rooms) != count:
            self._fail("create", f"returned {len(rooms)} rooms, expected {count}")
        project_id, times = Counter(room.project_id for room in rooms).most_common(1)[0]
        if times > 1:
            self._fail("create", f"returned the room {shorten(project_id)} {times} times")
        self._created = count
        return tuple(rooms)

    def foreign(self) -> Room | None:
        """One more room, of somebody who owns none of the others; None if there is no way to."""
        room: Room | None = self._call(self._provision, "foreign")
        if room is not None and not _is_room(room):
            self._fail("foreign", f"returned a {type(room).__name__}, expected a Room or None")
        return room

    def refresh(self) -> list[str]:
        """Fresh tokens for the owners of the rooms, in their order; none if there is no way to."""
        tokens = self._call(self._provision, "refresh")
        right = isinstance(tokens, tuple | list) and all(isinstance(token, str) for token in tokens)
        if not right or len(tokens) not in (0, self._created):
            self._fail("refresh", f"returned something else than {self._created} tokens, or an empty list")
        return list(tokens)

    def remove(self) -> None:
        """Remove what was made."""
        self._call(self._provision, "remove")

    def finished(self, triggers: Mapping[str, Room]) -> Mapping[str, float | None]:
        """Return the triggers whose work is done, each with how many seconds ago it was done.

        The result is empty if the adapter cannot know.
        """
        if not callable(getattr(self._provision, "finished", None)):
            return {}
        found = self._call(self._provision, "finished", triggers)
        right = isinstance(found, dict) and all(
            isinstance(key, str) and (age_s is None or isinstance(age_s, int | float))
            for key, age_s in found.items()
        )
        if not right:
            self._fail("finished", f"returned {shorten(found)}, expected a dict of keys and seconds or None")
        return dict(found)

    def users_left(self) -> tuple[str, ...]:
        """E-mail addresses of the users that were made and cannot be removed."""
        if getattr(self._provision, "users_left", None) is None:
            return ()
        users = self._call(self._provision, "users_left")
        if not isinstance(users, tuple | list) or not all(isinstance(user, str) for user in users):
            self._fail("users_left", f"returned {shorten(users)}, expected a list of e-mail addresses")
        return tuple(users)

    def _fail(self, method: str, what: str) -> NoReturn:
        raise AdapterError(self.name, method, "answer", what)


def _is_room(room: object) -> bool:
    texts = [getattr(room, name, None) for name in ("project_id", "agent_id", "token")]
    return is_dataclass(room) and all(isinstance(text, str) for text in texts) and bool(texts[0])
