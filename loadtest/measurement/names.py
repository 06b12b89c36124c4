"""Names that others choose, made safe where they go: metric keys, files, CSV cells and screens. Pure.

An event may have any name. Each place that a name goes to has a form of it, and each form that is read again leads
back to the name. An ordinary name is its own form everywhere.

========== ==================================================== =================== ================
form       where                                                made by             led back by
========== ==================================================== =================== ================
metric key between event names and our own metrics (`connect`)  `key_of`            `event_of`
tag        `latency.hlog`                                       `tag_of`            `key_of_tag`
stem       `histograms/`, `percentiles/`                        `stem_of`           `key_of_stem`
cell       all CSV files, headers included                      `cell`              `text_of_cell`
shown      pages, terminals, Locust's statistics                `shown`, `label`    –
========== ==================================================== =================== ================
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK: Final = "@"
"""Begins what we add to the key of an event (`@class2`, `@across`); no event's key contains it."""
_NO_NAME: Final = "%"
"""The key of the event whose name is empty: elsewhere two digits follow the sign."""
_OWN: Final = re.compile(
    r"(?:connect|connect_.*|join|trigger|fan_out|fan_out_bound|replay|loop_lag|ramp_loop_lag|generator_delay|gc_pause|clock_bound|answer_.*"
    r"|completion|completion_lag"
    # Columns beside the events', in timeline.csv (with `_max` behind) and in trend.csv (with a quantile).
    r"|canary_.*|workers_cpu_percent|workers_rss_mb|fan-out|generator delay)",
    re.DOTALL,
)
"""Names of our own metrics."""
_ESCAPED: Final = re.compile(r"(?:%[0-9A-F]{2})+")
_NOT_IN_KEYS: Final = re.compile("[%@\ud800-\udfff]")
"""Surrogates: no message, and no file, can have a half of a character."""
_NOT_IN_TAGS: Final = re.compile(r"\A[.-]|[^A-Za-z0-9_.@%-]", re.ASCII)
_ESCAPED_IN_KEYS: Final = re.compile("[A-Za-z0-9_%@\ud800-\udfff]")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
"""No file can have this name on Windows."""
_LONGEST_STEM: Final = 180
"""File systems take 255 bytes, with the suffix and what a file has in addition while it is written."""
_HEAD: Final = 140
_SHORTENED: Final = "~"
"""Between the head of a long name and its digest; tags do not contain it."""

_FORMULA: Final = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NOT_IN_CELLS: Final = re.compile(
    # Also a backslash that would be read as the beginning of such an escape.
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|\\(?=x[0-9a-f]{2}|ud[89a-f][0-9a-f]{2})"
)
_ESCAPED_IN_CELLS: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u(d[89a-f][0-9a-f]{2}))")

_INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
"""Control characters, those that turn the direction of writing, and what is no character."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def key_of(event: str) -> str:
    """Return the metric key of an event's deliveries. It is no own metric's, and can be sent in a message."""
    if not event:
        return _NO_NAME
    key = escape(event)
    return _quoted(key[0]) + key[1:] if _OWN.fullmatch(event) else key


def event_of(key: str) -> str | None:
    """Return the event that has a metric key; None if the metric is our own, or only part of an event's."""
    return None if MARK in key or _OWN.fullmatch(key) else unescape(key)


def escape(text: str) -> str:
    """Return a text as part of a metric key: without marks, and without halves of characters."""
    return _NOT_IN_KEYS.sub(_quote, text)


def unescape(text: str) -> str:
    """Undo `escape`."""
    return "" if text == _NO_NAME else _ESCAPED.sub(lambda found: _unquoted(found[0]), text)


def tag_of(key: str) -> str:
    """Return a metric key in letters, digits and `_.-@%`, as logs of histograms and file systems take it."""
    tag = _NOT_IN_TAGS.sub(_quote, key)
    return _quoted(tag[0]) + tag[1:] if _DEVICE.match(tag) else tag


def key_of_tag(tag: str) -> str:
    """Undo `tag_of`."""
    key = _ESCAPED.sub(_unquote_tag, tag)
    device = unescape(key[:3]) + key[3:]
    return device if _DEVICE.match(device) else key


def stem_of(key: str) -> str:
    """Return the file name of a metric, without its suffix."""
    tag = tag_of(key)
    if len(tag) <= _LONGEST_STEM:
        return tag
    return f"{tag[:_HEAD]}{_SHORTENED}{sha256(tag.encode()).hexdigest()[:24]}"


def key_of_stem(stem: str, known: Iterable[str]) -> str:
    """Undo `stem_of`.

    :param known: metric keys, for a name that is too long for a file: its file has only the beginning of it.
    """
    if _SHORTENED not in stem:
        return key_of_tag(stem)
    return next((key for key in known if stem_of(key) == stem), key_of_tag(stem))


def cell(text: str) -> str:
    """Return a text as a CSV cell: a spreadsheet calculates nothing in it, and a terminal obeys nothing.

    What looks like a formula gets an apostrophe in front (OWASP, CSV Injection); control characters but for tabs
    and line ends become `\\x1b`, halves of characters `\\ud800`.
    """
    return no_formula(_NOT_IN_CELLS.sub(lambda found: _backslashed(found[0]), text))


def no_formula(text: str) -> str:
    """Return a text with an apostrophe in front if a spreadsheet would calculate it."""
    return f"'{text}" if _FORMULA.match(text) else text


def text_of_cell(cell_: str) -> str:
    """Undo `cell`."""
    safe = cell_[1:] if cell_.startswith("'") and _FORMULA.match(cell_) else cell_
    return _ESCAPED_IN_CELLS.sub(lambda found: chr(int(found[1] or found[2], 16)), safe)


def visible(text: str, keep: str = "") -> str:
    """Return a text with control characters, and what else has no shape of its own, as Python writes them: `\\n`.

    :param keep: the characters that stay as they are.
    """
    return _INVISIBLE.sub(lambda found: found[0] if found[0] in keep else _written(found[0]), text)


def shown(name: str) -> str:
    """Return a name as it is shown in a line."""
    return visible(name) or '""'


def label(event: str) -> str:
    """Return an event's name as it is shown beside our own metrics."""
    return f"{shown(event)} (event)" if _OWN.fullmatch(event) else shown(event)


def short(text: str, most: int) -> str:
    """Return a text cut to a number of characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def sound(text: str) -> str:
    """Return a text that can be encoded: halves of characters as they are written in JSON."""
    return _SURROGATE.sub(lambda found: _written(found[0]), text)


def _quote(found: re.Match[str]) -> str:
    return _quoted(found[0])


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _unquoted(escaped: str) -> str:
    try:
        return bytes.fromhex(escaped.replace("%", "")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return escaped  # it is not ours: a file that somebody else has put there


def _unquote_tag(found: re.Match[str]) -> str:
    """What `tag_of` has escaped; `escape` and `key_of` have escaped the rest."""
    return "".join(_quoted(one) if _ESCAPED_IN_KEYS.match(one) else one for one in _unquoted(found[0]))


def _backslashed(character: str) -> str:
    return f"\\u{ord(character):04x}" if _SURROGATE.match(character) else f"\\x{ord(character):02x}"


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
