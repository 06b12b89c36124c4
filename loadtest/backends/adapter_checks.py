"""Checks an adapter's parts before anything is run with it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NoReturn

from loadtest.backends.calls import Words
from loadtest.errors import Fault, Owner
from loadtest.measurement.one_line import shorten
from loadtest.measurement.presence import MAX_SLOTS
from loadtest.measurement.sighting import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

_METHODS: Final = {
    "check": ("client",),
    "provision": ("wanted",),
    "check_rooms": ("client", "rooms"),
    "is_about": ("room_id", "answer"),
    "trigger": ("room", "title"),
    "key_of": ("answer",),
}
"""Method of an adapter -> its parameters."""
_HINT: Final = "It is described in loadtest/backends/base.py and docs/another-backend.md."


def check_shape(name: str, adapter: Any) -> None:
    """Make sure that an adapter has all its parts, each of its type.

    :param name: of its module.
    :raises Fault: if something is missing or of another type.
    """
    if isinstance(adapter, type):
        _fail(name, f"BACKEND is the class {adapter.__name__}, expected an object: BACKEND = {adapter.__name__}()")
    for what, value in _missing(adapter, ("reader", "words", "trigger_name", "plays_scenarios", *_METHODS)):
        _fail(name, f"BACKEND has no `{what}` ({value})")
    for method, parameters in _METHODS.items():
        _check_method(name, method, getattr(adapter, method), parameters)
    if not isinstance(adapter.words, Words):
        _fail(name, f"expected `words` to be Words(…), got {shorten(adapter.words)}")
    for word in ("join", "joined", "leave", "left", "refused"):
        value = getattr(adapter.words, word)
        if not isinstance(value, str) or (not value and word in ("join", "joined")):
            _fail(name, f"expected `words.{word}` to be an event's name, got {shorten(value)}")
    if not isinstance(adapter.trigger_name, str) or not adapter.trigger_name:
        _fail(name, f"expected `trigger_name` to be a text, got {shorten(adapter.trigger_name)}")
    if not isinstance(adapter.plays_scenarios, bool):
        _fail(name, f"expected `plays_scenarios` to be True or False, got {shorten(adapter.plays_scenarios)}")
    _check_reader(name, adapter.reader)


def _check_reader(name: str, reader: Any) -> None:
    if isinstance(reader, type):
        _fail(name, f"`reader` is the class {reader.__name__}, expected an object: {reader.__name__}()")
    for what, value in _missing(reader, ("slots", "events", "untraced", "read")):
        _fail(name, f"`reader` has no `{what}` ({value})")
    _check_method(name, "reader.read", reader.read, ("event", "frame"))
    slots, events = _items(name, "slots", reader.slots), _items(name, "events", reader.events)
    if not slots or len(slots) > MAX_SLOTS:
        _fail(name, f"expected 1 to {MAX_SLOTS} `reader.slots`, got {len(slots)}")
    if not events:
        _fail(name, "expected the names of all events that broadcasts come by in `reader.events`, got none")
    _check_texts(name, "events", events)
    _check_texts(name, "untraced", _items(name, "untraced", reader.untraced))
    for slot in slots:
        if not isinstance(slot, Slot) or not isinstance(slot.event, str) or not isinstance(slot.label, str):
            _fail(name, f"expected `reader.slots` to be Slot(event, label), got {shorten(slot)} among them")
        if slot.event not in events:
            _fail(name, f"the event {shorten(slot.event)} of a slot is not among `reader.events`")


def _check_texts(name: str, what: str, values: list[Any]) -> None:
    for value in values:
        if not isinstance(value, str) or not value:
            _fail(name, f"expected `reader.{what}` to be texts, got {shorten(value)} among them")


def _missing(holder: Any, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        try:
            getattr(holder, name)
        except Exception as error:  # noqa: BLE001 - a property may raise anything
            yield name, shorten(error)


def _items(name: str, what: str, value: Any) -> list[Any]:
    if not isinstance(value, tuple | list):
        _fail(name, f"expected `reader.{what}` to be a tuple, got {shorten(value)}")
    return list(value)


def _check_method(name: str, method: str, found: Any, parameters: tuple[str, ...]) -> None:
    called = f"`{method}({', '.join(parameters)})`"
    if not callable(found):
        _fail(name, f"expected a method {called}, got {shorten(found)}")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return  # Python does not know it of everything that can be called.
    try:
        signature.bind(*parameters)
    except TypeError as error:
        _fail(name, f"expected a method {called}, got one that takes {signature}: {error}")


def _fail(name: str, what: str) -> NoReturn:
    raise Fault(Owner.ADAPTER, f"adapter {name}: {what}", _HINT)
