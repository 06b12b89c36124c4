"""Names that others choose: each form leads back to the name, and does no harm where it goes."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtest.measurement import names, room_classes
from loadtest.measurement.taken import ACROSS

from .odd_names import NAMES, OWN

ORDINARY: Final = ("agentLog", "taskStatusUpdate", "message", "room_joined", "v1.created", "user-left", "X")
TEXT: Final = st.text(st.characters(codec=None), max_size=400) | st.sampled_from(NAMES)
_DEVICES: Final = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_is_its_own_form_everywhere(name: str) -> None:
    key = names.key_of(name)
    assert {
        key,
        names.tag_of(key),
        names.stem_of(key),
        names.cell(name),
        names.shown(name),
        names.label(name),
    } == {name}


@given(TEXT)
def test_a_metric_key_leads_back_to_its_event(event: str) -> None:
    key = names.key_of(event)
    assert names.event_of(key) == event
    key.encode()
    assert room_classes.split(key) == (key, None)
    assert room_classes.split(f"{key}{room_classes.CLASS}3") == (key, 3)
    assert not key.endswith(ACROSS)


@given(TEXT, TEXT)
def test_two_events_have_two_keys_two_stems_and_two_cells(one: str, other: str) -> None:
    if one != other:
        assert names.key_of(one) != names.key_of(other)
        assert names.stem_of(names.key_of(one)) != names.stem_of(names.key_of(other))
        assert names.cell(one) != names.cell(other)


@pytest.mark.parametrize("own", OWN)
def test_the_key_of_an_event_is_never_one_of_ours(own: str) -> None:
    assert names.event_of(own) is None
    assert names.key_of(own) != own
    assert names.event_of(names.key_of(own)) == own
    assert names.label(own) == f"{own} (event)"


@pytest.mark.parametrize("part", ["x@across", "x@class3", "@across", "agentLog@class1@across"])
def test_what_we_add_to_a_key_is_not_found_in_an_event(part: str) -> None:
    assert names.event_of(part) is None, "a key: of some deliveries of an event"
    assert room_classes.split(names.key_of(part).removesuffix(ACROSS)) == (names.key_of(part), None)


@given(TEXT, st.sampled_from(["", "@across", "@class2", "@class2@across"]))
@example("%74rigger", "")
@example("trigger", "")
@example("%63on", "")
@example("con", "@across")
def test_a_tag_leads_back_to_its_key(event: str, marks: str) -> None:
    key = names.key_of(event) + marks
    tag = names.tag_of(key)
    assert names.key_of_tag(tag) == key
    assert re.fullmatch(r"[A-Za-z0-9_.@%-]+", tag, re.ASCII), "neither commas nor spaces nor line ends"


@pytest.mark.parametrize("own", OWN)
def test_our_own_metrics_keep_their_tags(own: str) -> None:
    assert names.key_of_tag(names.tag_of(own)) == own


@given(TEXT)
def test_a_stem_is_a_file_name_anywhere(event: str) -> None:
    key = names.key_of(event)
    stem = names.stem_of(key)
    assert names.key_of_stem(stem, [names.key_of("another"), key]) == key
    assert 0 < len(f".{stem}.hgrm.partial".encode()) <= 255
    assert stem[0] not in ".-"
    assert not set(stem) & set('/\\:*?"<>| \0')
    assert stem.partition(".")[0].lower() not in _DEVICES


def test_a_long_stem_of_a_record_without_its_log_is_the_beginning_of_the_name() -> None:
    assert names.key_of_stem(names.stem_of("x" * 300), []).startswith("x" * 100)


@given(TEXT)
def test_a_cell_leads_back_to_its_text_and_is_no_formula(text: str) -> None:
    cell = names.cell(text)
    assert names.text_of_cell(cell) == text
    assert cell[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert not set(cell) & {chr(code) for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))}
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["x", cell])
    raw = file.getvalue().encode().decode()
    assert next(csv.reader(io.StringIO(raw, newline=""))) == ["x", cell]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("a=b", "a=b"),
        ("a\x1b[31m", r"a\x1b[31m"),
        (r"a\x1b", r"a\x5cx1b"),
        (r"C:\new", r"C:\new"),
        ("\ud800", r"\ud800"),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert names.cell(text) == cell


@given(TEXT)
def test_what_is_shown_has_no_control_characters_and_can_be_encoded(text: str) -> None:
    shown = names.shown(text)
    shown.encode()
    assert shown
    assert names.visible(shown) == shown
    assert shown.isprintable() or not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in shown)
    names.sound(text).encode()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", '""'),
        ("a\nb", r"a\nb"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202eevil", r"\u202eevil"),
        ("a/b", "a/b"),
        ("👩‍💻", "👩‍💻"),
    ],
)
def test_shown(name: str, shown: str) -> None:
    assert names.shown(name) == shown


def test_a_name_in_json_that_is_half_a_character() -> None:
    name = json.loads('"\\ud800"')
    assert names.event_of(names.key_of(name)) == name
    assert names.sound(name) == r"\ud800"


def test_short() -> None:
    assert names.short("abc", 3) == "abc"
    assert names.short("abcd", 3) == "ab…"
