"""Adapters that are wrong: each is told in one line that names it, when it is loaded or when it is used."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from loadtest.backends.adapter_checks import check_shape
from loadtest.backends.base import PROMETHEUS, Call, Words, load
from loadtest.backends.guard import AdapterError, Guard
from loadtest.backends.plan import Room
from loadtest.backends.prometheus.adapter import BACKEND
from loadtest.backends.rest import UnreachableError
from loadtest.errors import Fault, Owner
from loadtest.measurement.sighting import Slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROOM = Room("p", "a", "secret")


class Reader:
    slots: Any = (Slot("message"),)
    events: Any = ("message",)
    untraced: Any = ()

    def read(self, event: str, frame: bytes) -> Any:
        raise NotImplementedError


class Good:
    """Has all parts."""

    reader: Any = Reader()
    words: Any = Words("join", "joined", "leave", "left", "refused")
    trigger_name: Any = "/messages"
    plays_scenarios: Any = False

    def check(self, client: Any) -> Any:
        return "build"

    def provision(self, wanted: Any) -> Any:
        raise NotImplementedError

    def check_rooms(self, client: Any, rooms: Any) -> Any: ...

    def is_about(self, room_id: str, answer: Any) -> Any:
        return answer["room"] == room_id

    def trigger(self, room: Any, title: str) -> Any:
        return Call("POST", "/messages", {"text": title})

    def key_of(self, answer: Any) -> Any:
        return answer["id"]


def made(**parts: Any) -> Any:
    return type("Made", (Good,), {name: _method(part) for name, part in parts.items()})()


def _method(part: Any) -> Any:
    return (lambda self, *arguments: part(*arguments)) if callable(part) and not isinstance(part, type) else part


def reading(**parts: Any) -> Any:
    return made(reader=type("Made", (Reader,), parts)())


def raises(error: Exception) -> Callable[..., Any]:
    def act(*_: object) -> Any:
        raise error

    return act


def test_a_right_adapter_has_nothing_wrong() -> None:
    check_shape("mine", Good())
    guard = load(PROMETHEUS)
    assert guard.reader is BACKEND.reader
    assert guard is load(PROMETHEUS)
    assert guard.trigger(ROOM, "t").body["title"] == "t"


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        (Good, "BACKEND is the class Good, expected an object: BACKEND = Good()"),
        (object(), "BACKEND has no `reader`"),
        (None, "BACKEND has no `reader`"),
        (made(reader=None), "`reader` has no `slots`"),
        (made(reader=Reader), "`reader` is the class Reader"),
        (made(words=("a", "b")), "expected `words` to be Words(…), got ('a', 'b')"),
        (made(words=Words("", "j", "l", "l", "r")), "expected `words.join` to be an event's name, got ''"),
        (made(words=Words("j", "j", "l", "l", cast("Any", None))), "`words.refused`"),
        (made(trigger_name=7), "expected `trigger_name` to be a text, got 7"),
        (made(plays_scenarios="no"), "expected `plays_scenarios` to be True or False, got 'no'"),
        (made(key_of="id"), "expected a method `key_of(answer)`, got 'id'"),
        (
            type("Made", (Good,), {"trigger": lambda self, room: None})(),
            "expected a method `trigger(room, title)`",
        ),
        (type("Made", (Good,), {"check": property(raises(OSError("x")))})(), "BACKEND has no `check`"),
        (reading(slots=()), "expected 1 to 16 `reader.slots`, got 0"),
        (reading(slots=(Slot("message"),) * 17), "expected 1 to 16 `reader.slots`, got 17"),
        (reading(slots=("message",)), "expected `reader.slots` to be Slot(event, label), got 'message'"),
        (reading(slots=Slot("message")), "expected `reader.slots` to be a tuple"),
        (reading(events=()), "in `reader.events`, got none"),
        (reading(events="message"), "expected `reader.events` to be a tuple, got 'message'"),
        (reading(events=(b"message",)), "expected `reader.events` to be texts, got b'message' among them"),
        (reading(events=("other",)), "the event 'message' of a slot is not among `reader.events`"),
        (reading(untraced=(None,)), "expected `reader.untraced` to be texts, got None"),
        (reading(read=None), "expected a method `reader.read(event, frame)`, got None"),
    ],
)
def test_a_part_that_is_wrong_is_named_at_load(adapter: Any, words: str) -> None:
    with pytest.raises(Fault) as caught:
        check_shape("mine", adapter)
    assert words in str(caught.value)
    assert str(caught.value).startswith("adapter mine: ")
    assert "(fault of the adapter)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words", "owner"),
    [
        ("import nothing_like_this", "there is no backend", Owner.USER),
        ("", "has no attribute 'BACKEND'", Owner.USER),
        ("BACKEND = 1 / 0", "it cannot be imported: ZeroDivisionError: division by zero", Owner.ADAPTER),
        ("def (", "it cannot be imported: SyntaxError", Owner.ADAPTER),
        ("raise SystemExit(3)", "it cannot be imported: SystemExit: 3", Owner.ADAPTER),
        ("BACKEND = 7", "BACKEND has no `reader`", Owner.ADAPTER),
    ],
)
def test_a_module_that_is_none_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str, owner: Owner
) -> None:
    name = f"wrong_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Fault) as caught:
        load(name)
    sys.modules.pop(name, None)
    assert caught.value.owner is owner
    assert name in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def error_of(act: Callable[[], object]) -> str:
    with pytest.raises(AdapterError) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert len(caught.value.what) < 400
    assert "secret" not in str(caught.value)
    return caught.value.what


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (raises(KeyError("agent")), "`trigger` raised KeyError('agent') for 'title'"),
        (lambda *_: None, "`trigger` returned None, expected Call("),
        (lambda *_: ("POST", "/x", {}), "`trigger` returned ('POST', '/x', {}), expected Call("),
        (lambda *_: Call("POST", "x", {}), "expected Call(method, path that begins with /, body)"),
        (lambda *_: Call("POST", "/x\r\ny", {}), "expected Call("),
        (lambda *_: Call("POST", cast("Any", None), {}), "expected Call("),
        (lambda *_: Call("POST", "/x", {"at": {1, 2}}), "returned the body {'at': {1, 2}}, which is not JSON"),
    ],
)
def test_a_trigger_that_cannot_be_sent(trigger: Any, words: str) -> None:
    assert words in error_of(lambda: Guard("mine", made(trigger=trigger)).trigger(ROOM, "title"))


def test_a_key_that_is_no_text_is_wrong_and_an_answer_that_cannot_be_read_is_not() -> None:
    guard = Guard("mine", Good())
    assert error_of(lambda: guard.key_of({"id": 7})) == (
        "adapter mine: `key_of` returned 7 for {'id': 7}, expected the id as a text"
    )
    with pytest.raises(KeyError):
        guard.key_of({})
    broken = Guard("mine", made(key_of=raises(RuntimeError("x"))))
    assert "`key_of` raised RuntimeError('x') for {'a': 1}" in error_of(lambda: broken.key_of({"a": 1}))


def test_an_answer_that_is_about_fails_on_is_about_nothing_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard("mine", Good())
    for answer in ("text", "other", None):
        assert guard.is_about("r", answer) is False
    assert guard.is_about("r", {"room": "r"}) is True
    assert len(caplog.records) == 1
    ((kind, line, times),) = guard.take_errors()
    assert (kind, times) == ("is_about TypeError", 3)
    assert line.startswith("adapter mine: `is_about` raised TypeError(")
    assert line.endswith("for 'text'")
    assert guard.take_errors() == []


def test_what_fails_before_the_load_is_a_fault() -> None:
    client, rooms = cast("Any", None), (ROOM,)
    assert "`check` raised OSError('x')" in error_of(
        lambda: Guard("m", made(check=raises(OSError("x")))).check(client)
    )
    assert "`check` returned None, expected" in error_of(
        lambda: Guard("m", made(check=lambda *_: None)).check(client)
    )
    broken = Guard("m", made(check_rooms=raises(ValueError("x"))))
    assert "`check_rooms` raised" in error_of(lambda: broken.check_rooms(client, rooms))
    assert "expected an object with a method `create`" in error_of(
        lambda: Guard("m", made(provision=lambda *_: None)).provision(client)
    )
    fault = Fault(Owner.BACKEND, "no", "way")
    with pytest.raises(Fault) as caught:
        Guard("m", made(check=raises(fault))).check(client)
    assert caught.value is fault
    with pytest.raises(Fault) as caught:
        Guard("m", made(check=raises(UnreachableError("refused", asked=True)))).check(client)
    assert caught.value.owner is Owner.NETWORK


@dataclass
class Provision:
    rooms: Any = ()
    foreign_room: Any = None
    tokens: Any = ()
    error: Exception | None = None

    def create(self, _count: int) -> Any:
        return self.rooms

    def foreign(self) -> Any:
        return self.foreign_room

    def refresh(self) -> Any:
        return self.tokens

    def remove(self) -> None:
        if self.error is not None:
            raise self.error


def provision(**parts: Any) -> Any:
    return Guard("m", made(provision=lambda *_: Provision(**parts))).provision(cast("Any", None))


@pytest.mark.parametrize(
    ("parts", "act", "words"),
    [
        ({"rooms": None}, lambda made: made.create(2), "`create` returned something else than 2 rooms"),
        ({"rooms": ["p", "q"]}, lambda made: made.create(2), "something else than 2 rooms"),
        ({"rooms": [Room("", "", "secret")]}, lambda made: made.create(1), "something else than 1 rooms"),
        ({"rooms": [ROOM]}, lambda made: made.create(2), "`create` returned 1 rooms, expected 2"),
        ({"rooms": [ROOM, ROOM]}, lambda made: made.create(2), "`create` returned the room 'p' 2 times"),
        ({"foreign_room": ("p", "secret")}, lambda made: made.foreign(), "`foreign` returned a tuple"),
        ({"tokens": "secret"}, lambda made: made.refresh(), "`refresh` returned something else than 0 tokens"),
        ({"tokens": ["secret"]}, lambda made: made.refresh(), "`refresh` returned something else than 0 tokens"),
        ({"error": KeyError("x")}, lambda made: made.remove(), "`remove` raised KeyError('x')"),
    ],
)
def test_rooms_and_tokens_that_are_none(parts: Any, act: Any, words: str) -> None:
    assert words in error_of(lambda: act(provision(**parts)))


def test_rooms_and_tokens_that_are_right() -> None:
    right = provision(rooms=[ROOM], tokens=["t"], foreign_room=ROOM)
    assert (right.create(1), right.foreign(), right.refresh()) == ((ROOM,), ROOM, ["t"])
    right.remove()
    assert right.users_left() == (), "most provisions make no users"


def test_users_that_stay_are_told() -> None:
    class WithUsers(Provision):
        left: Any = ("a@x", "b@x")

        def users_left(self) -> Any:
            return self.left

    guarded = Guard("m", made(provision=lambda *_: WithUsers())).provision(cast("Any", None))
    assert guarded.users_left() == ("a@x", "b@x")
    WithUsers.left = "a@x"
    assert "`users_left` returned 'a@x', expected a list of e-mail addresses" in error_of(guarded.users_left)
